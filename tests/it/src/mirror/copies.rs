//! The target equals the source, record by record, as an independent reader sees both.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use serde_json::json;
use sluice_harness::{Kafka, Sluice, count, wait_until};

use super::{SOON, flow, put, wait_equal, worker_properties};
use crate::accounting::numbered_line;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn every_kind_of_topic_is_the_same_on_the_target() -> Result<()> {
    let source = Kafka::start_with(&[
        ("log.cleaner.enable", "true"),
        ("log.cleaner.backoff.ms", "100"),
        ("message.max.bytes", "30000000"),
    ])?;
    let target = Kafka::shared()?;
    let records = count(2_000, 100_000);
    compacted(&source, "compacted")?;
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        source.topics().create(codec, 3, &[])?;
        let pairs = (0..records).map(|number| {
            let key = (number % 3 > 0).then(|| format!("key {}", number % 50));
            (key, (number % 7 > 0).then(|| numbered_line(number)))
        });
        source.topics().producing_with("compression.type", codec).produce_keyed(codec, None, pairs)?;
    }
    with_headers(&source, "headed")?;
    transactions(&source, "transactional", records / 20)?;
    source.topics().create("stamped", 1, &[("message.timestamp.type", "LogAppendTime")])?;
    source.topics().produce("stamped", (0..500).map(numbered_line))?;
    source.topics().create("large", 1, &[("max.message.bytes", "30000000")])?;
    source.topics().produce("large", [vec![b'x'; 20_000_000], b"small".to_vec()])?;

    let worker = Sluice::distributed(&worker_properties(target, "mirror-copies")).start()?;
    put(&worker, "mirror", &flow("MirrorSource", &source, target, &json!({ "tasks.max": "2" })))?;
    for topic in ["none", "gzip", "snappy", "lz4", "zstd", "headed", "transactional", "compacted", "stamped", "large"] {
        wait_equal(&source, topic, target, &format!("A.{topic}")).context(worker.logs())?;
    }
    let settings = target.topics().settings("A.compacted")?;
    ensure!(settings["cleanup.policy"] == "compact", "{settings:?}");
    Ok(())
}

#[test]
fn new_topics_partitions_and_settings_follow() -> Result<()> {
    let (source, target) = (Kafka::start()?, Kafka::shared()?);
    source.topics().create("mirrored-first", 1, &[])?;
    source.topics().produce("mirrored-first", ["1"])?;
    let worker = Sluice::distributed(&worker_properties(target, "mirror-grows")).start()?;
    let identity = json!({ "replication.policy.class": "org.apache.kafka.connect.mirror.IdentityReplicationPolicy" });
    put(&worker, "mirror", &flow("MirrorSource", &source, target, &identity))?;
    wait_equal(&source, "mirrored-first", target, "mirrored-first").context(worker.logs())?;
    source.topics().create("mirrored-second", 2, &[("retention.ms", "3600000")])?;
    source.topics().produce_keyed("mirrored-second", Some(1), [(Some("k"), Some("2"))])?;
    wait_equal(&source, "mirrored-second", target, "mirrored-second")?;
    ensure!(target.topics().settings("mirrored-second")?["retention.ms"] == "3600000");
    source.topics().alter("mirrored-first", &[("retention.ms", "7200000")])?;
    wait_until("the setting to follow", SOON, || -> Result<()> {
        let settings = target.topics().settings("mirrored-first")?;
        ensure!(settings["retention.ms"] == "7200000", "{}", settings["retention.ms"]);
        Ok(())
    })
}

/// Headers without a value, with an empty one, and twice the same name.
fn with_headers(kafka: &Kafka, topic: &str) -> Result<()> {
    // Their timestamps are of long ago.
    kafka.topics().create(topic, 1, &[("retention.ms", "-1")])?;
    let producer: ThreadedProducer<DefaultProducerContext> =
        ClientConfig::new().set("bootstrap.servers", kafka.bootstrap()).create()?;
    for number in 0..100_i64 {
        let value = number.to_string();
        let headers = OwnedHeaders::new()
            .insert(Header { key: "number", value: Some(&value) })
            .insert(Header { key: "none", value: None::<&str> })
            .insert(Header { key: "number", value: Some("") });
        let record =
            BaseRecord::<str, str>::to(topic).payload(&value).headers(headers).timestamp(1_600_000_000_000 + number);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    Ok(producer.flush(PATIENCE)?)
}

/// Every third transaction is given up.
pub(super) fn transactions(kafka: &Kafka, topic: &str, transactions: usize) -> Result<()> {
    kafka.topics().create(topic, 1, &[])?;
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("transactional.id", "mirror-transactions")
        .create()?;
    producer.init_transactions(PATIENCE)?;
    for number in 0..transactions {
        producer.begin_transaction()?;
        for record in 0..10 {
            let value = numbered_line(number * 10 + record);
            producer.send(BaseRecord::<str, str>::to(topic).payload(&value)).map_err(|(error, _)| error)?;
        }
        match number % 3 {
            0 => {
                // A broker of today refuses to end a transaction of which it has heard nothing.
                producer.flush(PATIENCE)?;
                producer.abort_transaction(PATIENCE)?;
            }
            _ => producer.commit_transaction(PATIENCE)?,
        }
    }
    Ok(())
}

/// A topic in which compaction has made holes.
fn compacted(kafka: &Kafka, topic: &str) -> Result<()> {
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("max.compaction.lag.ms", "100"),
    ];
    kafka.topics().create(topic, 1, &settings)?;
    let mut written = 0;
    wait_until("compaction to make holes", SOON, || -> Result<()> {
        // Keys without a pattern, so that what is left of them lies here and there.
        let key = |number: u64| format!("key {}", (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % 60);
        let keys = (written..written + 40).map(|number| (Some(key(number)), Some(format!("value {number}"))));
        kafka.topics().produce_keyed(topic, Some(0), keys)?;
        written += 40;
        let left = kafka.topics().read(topic)?;
        let holes = left.windows(2).filter(|pair| pair[1].offset != pair[0].offset + 1).count();
        ensure!(holes > 10, "{holes} holes in {written} records");
        Ok(())
    })?;
    // From now on the log stays as it is: what is compared is read twice.
    let still =
        [("cleanup.policy", "compact"), ("max.compaction.lag.ms", "604800000"), ("min.compaction.lag.ms", "604800000")];
    kafka.topics().alter(topic, &still)
}
