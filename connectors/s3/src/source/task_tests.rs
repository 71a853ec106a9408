use std::sync::Arc;

use sluice_api::testkit::{MemoryOffsets, SourceDriver};
use sluice_api::{Schema, SinkRecord, Value};

use super::*;
use crate::sink::testing::written_by_the_sink;
use crate::testing::{FakeStore, Trouble, record};

const FORMAT: &str = "io.confluent.connect.s3.format.";

fn properties(store: &FakeStore, more: &[(&str, &str)]) -> Properties {
    let url = store.url();
    let least = [
        ("s3.bucket.name", "b"),
        ("store.url", url.as_str()),
        ("aws.access.key.id", "key"),
        ("aws.secret.access.key", "secret"),
        ("format.class", "io.confluent.connect.s3.format.bytearray.ByteArrayFormat"),
        ("s3.part.retries", "0"),
        ("s3.poll.interval.ms", "10"),
    ];
    least.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

async fn driver(store: &FakeStore, offsets: &Arc<MemoryOffsets>, more: &[(&str, &str)]) -> SourceDriver {
    let task = Box::new(S3SourceTask::new(Vendor::Confluent));
    SourceDriver::start(task, &properties(store, more), offsets.clone()).await.unwrap()
}

fn text(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => other.to_string(),
    }
}

fn values(records: &[SourceRecord]) -> Vec<String> {
    records.iter().map(|record| text(&record.value)).collect()
}

#[tokio::test]
async fn what_the_sink_wrote_comes_back_with_partition_order_keys_headers_and_tombstones() {
    let mut records = Vec::new();
    for offset in 0..9 {
        let mut one = record(offset, None, bytes::Bytes::from(format!("value {offset}")));
        one.partition = (offset / 5) as i32;
        one.key = bytes::Bytes::from(format!("key {offset}")).into();
        one.headers.add("h", Some(Schema::STRING), format!("header {offset}").into()).unwrap();
        if offset == 2 {
            one.value = Value::Null;
        }
        records.push(one);
    }
    let store = FakeStore::start().await;
    let keys = [
        ("store.kafka.keys", "true"),
        ("keys.format.class", "io.confluent.connect.s3.format.bytearray.ByteArrayFormat"),
        ("store.kafka.headers", "true"),
        ("headers.format.class", "io.confluent.connect.s3.format.json.JsonFormat"),
        ("behavior.on.null.values", "write"),
        ("flush.size", "2"),
        ("s3.compression.type", "gzip"),
    ];
    written_by_the_sink(&store, &keys, &records).await;
    let offsets = Arc::new(MemoryOffsets::new());
    let mut driver = driver(&store, &offsets, &[]).await;
    let found = driver.poll_until(9).await.unwrap();
    let expected = |record: &SinkRecord| {
        let header = record.headers.last_with_name("h").unwrap().value.clone();
        (record.partition, text(&record.key), text(&record.value), header)
    };
    let came = |record: &SourceRecord| {
        let header = record.headers.last_with_name("h").unwrap().value.clone();
        assert_eq!(&*record.topic, "t");
        (record.partition.unwrap(), text(&record.key), text(&record.value), header)
    };
    let wanted: Vec<_> = records.iter().map(expected).collect();
    assert_eq!(found.iter().map(came).collect::<Vec<_>>(), wanted);
}

#[tokio::test]
async fn a_restart_goes_on_inside_of_an_object_and_a_late_object_is_not_missed() {
    let store = FakeStore::start().await;
    store.put("topics/t/partition=0/t+0+0000000005.bin", b"a\nb\nc\nd\n");
    let offsets = Arc::new(MemoryOffsets::new());
    let mut first = driver(&store, &offsets, &[("record.batch.max.size", "2")]).await;
    assert_eq!(values(&first.poll_until(2).await.unwrap()), ["a", "b"]);
    first.acknowledge(1).await.unwrap();
    first.flush().await.unwrap();
    drop(first);
    let mut second = driver(&store, &offsets, &[]).await;
    assert_eq!(values(&second.poll_until(3).await.unwrap()), ["b", "c", "d"]);
    assert!(store.log().iter().any(|line| line.contains("bytes=2-")), "{:?}", store.log());
    // Its name is before those that are read.
    store.put("topics/t/partition=0/t+0+0000000001.bin", b"late\n");
    assert_eq!(values(&second.poll_until(1).await.unwrap()), ["late"]);
    second.acknowledge(4).await.unwrap();
    second.flush().await.unwrap();
    drop(second);
    let mut third = driver(&store, &offsets, &[]).await;
    assert!(third.poll().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_object_of_many_ranges_is_read_whole_and_trouble_that_passes_is_waited_for() {
    let store = FakeStore::start().await;
    let lines: String = (0..400_000).map(|number| format!("line {number}\n")).collect();
    store.put("topics/t/partition=3/t+3+0000000000.bin", lines.as_bytes());
    store.trouble("GET /b/topics", Trouble::Answer(503, "SlowDown"));
    let offsets = Arc::new(MemoryOffsets::new());
    let mut driver = driver(&store, &offsets, &[("record.batch.max.size", "10000")]).await;
    let found = driver.poll_until(400_000).await.unwrap();
    assert_eq!(found.len(), 400_000);
    assert!(found.iter().enumerate().all(|(number, record)| text(&record.value) == format!("line {number}")));
    let requests: Vec<String> = store.log().into_iter().filter(|line| line.starts_with("GET /b/topics")).collect();
    assert_eq!(requests.len(), 6, "{requests:?}");
}

#[tokio::test]
async fn an_object_that_is_none_of_the_format_fails_by_name_or_is_passed_over() {
    let store = FakeStore::start().await;
    store.put("topics/t/partition=0/t+0+0000000000.json", b"{\"a\":1}\nnonsense\n");
    store.put("topics/t/partition=0/t+0+0000000002.json", b"2\n");
    let json = format!("{FORMAT}json.JsonFormat");
    let offsets = Arc::new(MemoryOffsets::new());
    let mut strict = driver(&store, &offsets, &[("format.class", &json)]).await;
    assert_eq!(values(&strict.poll().await.unwrap()), ["{a=1}"]);
    let error = strict.poll().await.unwrap_err().to_string();
    assert!(error.contains("t+0+0000000000.json` cannot be read: at byte 8"), "{error}");
    let mut tolerant = driver(&store, &offsets, &[("format.class", &json), ("behavior.on.error", "ignore")]).await;
    assert_eq!(values(&tolerant.poll_until(2).await.unwrap()), ["{a=1}", "2"]);
}

#[tokio::test]
async fn keys_that_are_not_there_yet_are_waited_for() {
    let store = FakeStore::start().await;
    store.put("topics/t/partition=0/t+0+0000000000.bin", b"v\n");
    let offsets = Arc::new(MemoryOffsets::new());
    let mut driver = driver(&store, &offsets, &[("store.kafka.keys", "true")]).await;
    assert!(driver.poll().await.unwrap().is_empty());
    drop(driver);
    store.put("topics/t/partition=0/t+0+0000000000.keys.bin", b"k\n");
    let mut driver = super::tests::driver(&store, &offsets, &[("store.kafka.keys", "true")]).await;
    let found = driver.poll_until(1).await.unwrap();
    assert_eq!((text(&found[0].key), text(&found[0].value)), ("k".into(), "v".into()));
}

#[tokio::test]
async fn plain_objects_go_to_topics_by_pattern() {
    let store = FakeStore::start().await;
    store.put("in/a.log", b"one\r\ntwo");
    store.put("in/b.txt", b"three\n");
    let more = [
        ("mode", "GENERIC"),
        ("topics.dir", "in"),
        ("topic.regex.list", "logs:.*\\.log,rest:.*"),
        ("format.class", "io.confluent.connect.s3.format.string.StringFormat"),
    ];
    let offsets = Arc::new(MemoryOffsets::new());
    let mut driver = driver(&store, &offsets, &more).await;
    let found = driver.poll_until(3).await.unwrap();
    let came: Vec<_> = found.iter().map(|record| (record.topic.to_string(), text(&record.value))).collect();
    let expected = [("logs", "one"), ("logs", "two"), ("rest", "three")];
    assert_eq!(came, expected.map(|(topic, value)| (topic.to_owned(), value.to_owned())));
    assert!(found.iter().all(|record| record.partition.is_none()));
}
