//! The helpers against a real broker.

use std::collections::BTreeMap;

use anyhow::Result;

use super::Kafka;

#[test]
fn records_come_back_as_they_were_produced() -> Result<()> {
    let topics = Kafka::shared()?.topics();
    topics.create("harness-records", 3, &[("retention.ms", "-1")])?;
    topics.produce("harness-records", ["a", "", "\u{1f600}"])?;
    topics.produce_keyed("harness-records", Some(2), [(Some("k"), None::<&str>), (Some("k"), Some("v"))])?;
    let records = topics.read("harness-records")?;
    assert_eq!(records.len(), 5);
    let second: Vec<(String, Option<Vec<u8>>)> = records
        .iter()
        .filter(|record| record.key.is_some())
        .map(|record| (record.key_text(), record.value.clone()))
        .collect();
    assert_eq!(second, [("k".to_owned(), None), ("k".to_owned(), Some(b"v".to_vec()))]);
    assert_eq!(topics.end_offsets("harness-records")?.values().sum::<i64>(), 5);
    assert_eq!(topics.settings("harness-records")?["retention.ms"], "-1");
    Ok(())
}

#[test]
fn a_record_that_the_broker_refuses_is_an_error() -> Result<()> {
    let topics = Kafka::shared()?.topics();
    topics.create("harness-compacted", 1, &[("cleanup.policy", "compact")])?;
    assert!(topics.produce("harness-compacted", ["a compacted topic takes no record without a key"]).is_err());
    Ok(())
}

/// murmur2 of the reference's appendix A: keys of the internal topics go where Java puts them.
#[test]
fn keyed_records_go_where_java_puts_them() -> Result<()> {
    let topics = Kafka::shared()?.topics();
    topics.create("harness-partitions", 5, &[])?;
    let keys = ["status-connector-c", "status-task-c-0", "status-task-my-conn-1"];
    topics.produce_keyed("harness-partitions", None, keys.map(|key| (Some(key), Some("x"))))?;
    let found: BTreeMap<String, i32> =
        topics.read("harness-partitions")?.iter().map(|record| (record.key_text(), record.partition)).collect();
    assert_eq!(found.values().copied().collect::<Vec<_>>(), [0, 1, 2]);
    Ok(())
}

#[test]
fn an_empty_topic_is_read_at_once_and_an_unknown_one_is_an_error() -> Result<()> {
    let topics = Kafka::shared()?.topics();
    topics.create("harness-empty", 2, &[])?;
    assert!(topics.read("harness-empty")?.is_empty());
    assert!(topics.group_offsets("harness-nobody", "harness-empty")?.is_empty());
    assert!(topics.read("harness-unknown").is_err());
    Ok(())
}

#[test]
fn acknowledged_records_survive_kill9_and_restart_on_the_same_port() -> Result<()> {
    let mut kafka = Kafka::start()?;
    let (topics, bootstrap) = (kafka.topics(), kafka.bootstrap());
    topics.create("kept", 1, &[])?;
    topics.produce("kept", (0..1000).map(|number| number.to_string()))?;
    kafka.kill9()?;
    kafka.restart()?;
    assert_eq!(kafka.bootstrap(), bootstrap);
    let values: Vec<String> = topics.read("kept")?.iter().map(super::Record::value_text).collect();
    assert_eq!(values, (0..1000).map(|number| number.to_string()).collect::<Vec<_>>());
    Ok(())
}
