//! Records through the embedded broker with the worker's own clients, before and after a restart on the same folder.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sluice_embedded::{EmbeddedBroker, Error, Options};
use sluice_kafka::{
    Admin, Consumer, ConsumerLimits, ConsumerRecord, NewTopic, OffsetSpec, Producer, ProducerLimits, ProducerRecord,
    Properties, TopicPartition,
};
use tempfile::TempDir;

const WAIT: Duration = Duration::from_secs(20);

async fn start(folder: &TempDir) -> EmbeddedBroker {
    let data_dir = folder.path().join("a folder with spaces and ünïcode");
    EmbeddedBroker::start(Options { data_dir, port: None }).await.expect("the broker starts")
}

fn properties(broker: &EmbeddedBroker) -> Properties {
    let pairs = [("bootstrap.servers", broker.bootstrap_servers()), ("group.id", "readers".to_owned())];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn record(topic: &str, key: &str, value: Option<Vec<u8>>) -> ProducerRecord {
    ProducerRecord {
        topic: topic.into(),
        partition: None,
        timestamp_ms: Some(1_700_000_000_000),
        key: Some(key.to_owned().into()),
        value: value.map(Into::into),
        headers: Vec::new(),
    }
}

async fn produce(broker: &EmbeddedBroker, records: &[ProducerRecord]) -> Vec<(i32, i64)> {
    let producer = Producer::new(&properties(broker), ProducerLimits::default()).expect("properties are good");
    assert_eq!(producer.send(records, 0).expect("every record can be sent"), records.len());
    producer.flush(WAIT).await.expect("everything is acknowledged");
    let mut acks = Vec::new();
    producer.take_acks(&mut acks);
    acks.sort_by_key(|ack| ack.index);
    let written = acks.into_iter().map(|ack| ack.result.expect("the record was written"));
    written.map(|metadata| (metadata.partition, metadata.offset)).collect()
}

async fn consume(broker: &EmbeddedBroker, topic: &str, partitions: i32, count: usize) -> Vec<ConsumerRecord> {
    let consumer = Consumer::new(&properties(broker), ConsumerLimits::default()).expect("properties are good");
    let all: Vec<_> = (0..partitions).map(|partition| TopicPartition::new(topic, partition)).collect();
    consumer.assign_from_beginning(&all).expect("assigned");
    let deadline = Instant::now() + WAIT;
    let mut records = Vec::new();
    while records.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} records came in time", records.len());
        let polled = consumer.poll_batch(10_000).expect("polled");
        if polled.records.is_empty() {
            drop(tokio::time::timeout(WAIT, consumer.ready()).await);
        }
        records.extend(polled.records);
    }
    consumer.close(WAIT).await;
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_every_shape_survive_a_restart() {
    let folder = TempDir::new().expect("a temporary folder");
    let broker = start(&folder).await;
    let mut with_headers = record("shapes", "headers", Some(b"value".to_vec()));
    with_headers.headers =
        vec![("h".into(), Some("1".into())), ("h".into(), None), (Arc::from("empty"), Some("".into()))];
    let large: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    let sent = [
        with_headers,
        record("shapes", "tombstone", None),
        record("shapes", "empty", Some(Vec::new())),
        record("shapes", "large", Some(large)),
    ];
    let places = produce(&broker, &sent).await;
    assert_eq!(places, [(0, 0), (0, 1), (0, 2), (0, 3)], "a missing topic is created with one partition");

    let before = consume(&broker, "shapes", 1, sent.len()).await;
    broker.shutdown().await.expect("the broker stops");
    let broker = start(&folder).await;
    let after = consume(&broker, "shapes", 1, sent.len()).await;

    assert_eq!(before, after);
    for (sent, got) in sent.iter().zip(&after) {
        assert_eq!((&sent.key, &sent.value, &sent.headers), (&got.key, &got.value, &got.headers));
        assert_eq!(got.timestamp_ms, sent.timestamp_ms);
    }
    broker.shutdown().await.expect("the broker stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_keeps_offsets_and_the_last_record_of_each_key() {
    let folder = TempDir::new().expect("a temporary folder");
    let broker = start(&folder).await;
    let admin = Admin::new(&properties(&broker)).expect("properties are good");
    let topic = NewTopic {
        name: "compacted".to_owned(),
        partitions: 3,
        replication_factor: 1,
        settings: [("cleanup.policy".to_owned(), "compact".to_owned())].into_iter().collect(),
    };
    admin.create_topic(&topic, WAIT).await.expect("created");
    let settings = admin.topic_settings("compacted", WAIT).await.expect("described");
    assert_eq!(settings.get("cleanup.policy").map(String::as_str), Some("compact"));
    let records: Vec<_> =
        (0..300).map(|i| record("compacted", &format!("key-{}", i % 10), Some(i.to_string().into_bytes()))).collect();
    let places = produce(&broker, &records).await;
    broker.shutdown().await.expect("the broker stops");

    let broker = start(&folder).await;
    let admin = Admin::new(&properties(&broker)).expect("properties are good");
    let partitions: Vec<_> = (0..3).map(|partition| TopicPartition::new("compacted", partition)).collect();
    let ends = admin.list_offsets(&partitions, OffsetSpec::Latest, WAIT).await.expect("offsets listed");
    let got = consume(&broker, "compacted", 3, 10).await;
    assert_eq!(ends.iter().map(|(_, end)| end).sum::<i64>(), 300, "compaction moves no end");
    assert_eq!(got.len(), 10);
    for record in got {
        let index: usize =
            std::str::from_utf8(&record.value.expect("a value")).expect("text").parse().expect("a number");
        assert!(index >= 290, "the last record of its key");
        assert_eq!(places[index], (record.partition, record.offset));
    }
    broker.shutdown().await.expect("the broker stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_broker_per_folder_and_per_port() {
    let folder = TempDir::new().expect("a temporary folder");
    let broker = start(&folder).await;
    let data_dir = folder.path().join("a folder with spaces and ünïcode");
    let again = EmbeddedBroker::start(Options { data_dir, port: None }).await;
    assert!(matches!(again, Err(Error::InUse(_))), "{again:?}");
    let port = broker.bootstrap_servers().rsplit(':').next().and_then(|port| port.parse().ok());
    let elsewhere = EmbeddedBroker::start(Options { data_dir: folder.path().join("other"), port }).await;
    assert!(matches!(elsewhere, Err(Error::Port { .. })), "{elsewhere:?}");
    broker.shutdown().await.expect("the broker stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_a_file_is_refused_by_name() {
    let folder = TempDir::new().expect("a temporary folder");
    let data_dir = folder.path().join("file");
    std::fs::write(&data_dir, "not a folder").expect("written");
    let refused = EmbeddedBroker::start(Options { data_dir: data_dir.clone(), port: None }).await;
    let message = refused.map(|_| ()).expect_err("a file is no folder").to_string();
    assert!(message.contains(&data_dir.display().to_string()), "{message}");
}
