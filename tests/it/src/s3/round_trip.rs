//! Archive, delete the topic, restore: the same records, partitions, order, keys and headers, also when the worker dies meanwhile.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, Random, S3Server, Sluice, Worker, count, wait_until};

const ARRIVED: Duration = Duration::from_secs(180);
const PARTITIONS: usize = 3;
const FLUSH_SIZE: usize = 50;
const CLASS: &str = "io.confluent.connect.s3";
const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

/// Key, value and headers of the records of each partition, in order.
type Records = BTreeMap<i32, Vec<(Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>)>>;

fn on_topic(kafka: &Kafka, topic: &str) -> Result<Records> {
    let mut records = Records::new();
    for record in kafka.topics().read(topic)? {
        records.entry(record.partition).or_default().push((record.key, record.value, record.headers));
    }
    Ok(records)
}

fn with(server: &S3Server, more: &Value) -> Value {
    let mut config = server.connector_keys();
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

fn produce(kafka: &Kafka, topic: &str, per_partition: usize) -> Result<()> {
    for partition in 0..PARTITIONS {
        let record = |number: usize| {
            let value = (number % 17 != 3).then(|| format!("value {partition} {number}"));
            (Some(format!("key {}", number % 11).into_bytes()), value)
        };
        kafka.topics().produce_keyed(topic, Some(partition as i32), (0..per_partition).map(record))?;
    }
    Ok(())
}

fn archive(kafka: &Kafka, server: &S3Server, worker: &mut Worker, topic: &str) -> Result<()> {
    let config = with(
        server,
        &json!({ "connector.class": format!("{CLASS}.S3SinkConnector"), "topics": topic, "tasks.max": "2",
            "storage.class": format!("{CLASS}.storage.S3Storage"), "flush.size": FLUSH_SIZE.to_string(),
            "format.class": format!("{CLASS}.format.bytearray.ByteArrayFormat"), "s3.compression.type": "gzip",
            "key.converter": BYTES, "value.converter": BYTES, "store.kafka.keys": "true",
            "keys.format.class": format!("{CLASS}.format.bytearray.ByteArrayFormat"), "store.kafka.headers": "true",
            "headers.format.class": format!("{CLASS}.format.json.JsonFormat"), "behavior.on.null.values": "write",
            "transforms": "h", "transforms.h.type": "org.apache.kafka.connect.transforms.InsertHeader",
            "transforms.h.header": "origin", "transforms.h.value.literal": "archive",
            // The last records, which are no whole object, are complete after a moment of silence.
            "sluice.rotate.idle.ms": "1000", "consumer.override.auto.offset.reset": "earliest" }),
    );
    worker.rest().put_connector("archive", &config)?.expect(201)?;
    let ends = kafka.topics().end_offsets(topic)?;
    wait_until("everything to be archived", ARRIVED, || {
        let committed = kafka.topics().group_offsets("connect-archive", topic)?;
        ensure!(committed == ends, "committed {committed:?} of {ends:?}");
        Ok(())
    })?;
    worker.rest().remove_connector("archive", Duration::from_secs(30))
}

#[test]
fn an_archived_topic_comes_back_as_it_was() -> Result<()> {
    let (kafka, server) = (Kafka::shared()?, S3Server::start()?);
    let (topic, per_partition, kills) = ("s3-round-trip", count(510, 100_000), count(1, 10));
    kafka.topics().create(topic, PARTITIONS as i32, &[])?;
    produce(kafka, topic, per_partition)?;
    let expected = on_topic(kafka, topic)?;
    let properties = Properties::distributed(kafka, topic)
        .with("offset.flush.interval.ms", "300")
        .with("session.timeout.ms", "6000")
        .with("exactly.once.source.support", "enabled");
    let mut worker = Sluice::distributed(&properties).start()?;
    archive(kafka, &server, &mut worker, topic)?;
    kafka.topics().delete(topic)?;
    wait_until("the topic to be gone", ARRIVED, || {
        ensure!(!kafka.topics().names()?.contains(&topic.to_owned()), "it is there");
        Ok(())
    })?;
    kafka.topics().create(topic, PARTITIONS as i32, &[])?;
    let config = with(
        &server,
        &json!({ "connector.class": format!("{CLASS}.source.S3SourceConnector"), "tasks.max": "2",
            "format.class": format!("{CLASS}.format.bytearray.ByteArrayFormat"), "key.converter": BYTES,
            "value.converter": BYTES, "s3.poll.interval.ms": "500", "record.batch.max.size": "100" }),
    );
    worker.rest().put_connector("restore", &config)?.expect(201)?;
    let mut random = Random::of(topic);
    for _ in 0..kills {
        thread::park_timeout(Duration::from_millis(random.range(200, 1500)));
        worker.kill9()?;
        worker.restart()?;
    }
    let total: usize = expected.values().map(Vec::len).sum();
    wait_until("every record", ARRIVED, || {
        let found: usize = on_topic(kafka, topic)?.values().map(Vec::len).sum();
        ensure!(found >= total, "{found} records of {total}");
        Ok(())
    })
    .with_context(|| worker.logs())?;
    let found = on_topic(kafka, topic)?;
    let origin = vec![("origin".to_owned(), Some(b"archive".to_vec()))];
    for (partition, expected) in &expected {
        let found = found.get(partition).context("a partition")?;
        ensure!(found.len() == expected.len(), "partition {partition}: {} of {}", found.len(), expected.len());
        for (number, ((key, value, headers), (its_key, its_value, _))) in found.iter().zip(expected).enumerate() {
            ensure!((key, value) == (its_key, its_value), "partition {partition}, record {number}: {key:?} {value:?}");
            ensure!(*headers == origin, "partition {partition}, record {number}: {headers:?}");
        }
    }
    eprintln!("{total} records in {PARTITIONS} partitions, {kills} kills, {} objects", server.object_names()?.len());
    ensure!(worker.stop()?.success(), "{}", worker.logs());
    Ok(())
}
