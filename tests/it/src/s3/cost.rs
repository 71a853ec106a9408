//! What the sink costs beside a bare consume loop in the same run. The figures are printed; memory is checked.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, S3Server, Sluice, count, wait_until};

const ARRIVED: Duration = Duration::from_secs(600);
const RECORD_BYTES: usize = 200;
const FLUSH_SIZE: usize = 100_000;
const PEAK_RSS_BYTES: u64 = 150_000_000;

/// User and system time of this process.
fn own_cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}

/// Consumes everything and does nothing with it.
fn consume(kafka: &Kafka, topic: &str, records: usize) -> Result<()> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap()).set("group.id", "bare").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create()?;
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&all)?;
    let (mut seen, until) = (0, Instant::now() + ARRIVED);
    while seen < records {
        ensure!(Instant::now() < until, "{seen} records of {records}");
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            message?;
            seen += 1;
        }
    }
    Ok(())
}

#[test]
fn memory_stays_small_and_the_cost_is_printed() -> Result<()> {
    let (kafka, server) = (Kafka::start()?, S3Server::start()?);
    let (topic, records) = ("s3-cost", count(FLUSH_SIZE, 20 * FLUSH_SIZE));
    kafka.topics().create(topic, 1, &[])?;
    let line = |number: usize| format!("{number:010}{}", "abcdefghij".repeat(RECORD_BYTES / 10 - 1));
    kafka.topics().clone().producing_with("batch.size", "16384").produce(topic, (0..records).map(line))?;
    let before = own_cpu_seconds()?;
    consume(&kafka, topic, records)?;
    let million = records as f64 / 1e6;
    eprintln!("bare consume loop: {:.2} CPU seconds per million", (own_cpu_seconds()? - before) / million);
    let bytes = json!({ "format.class": "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
        "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter" });
    let gzip = json!({ "format.class": "io.confluent.connect.s3.format.json.JsonFormat", "s3.compression.type": "gzip",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter" });
    for (name, format) in [("bytes", bytes), ("json-gzip", gzip)] {
        measure(&kafka, &server, topic, records, name, &format)?;
    }
    Ok(())
}

fn measure(kafka: &Kafka, server: &S3Server, topic: &str, records: usize, name: &str, format: &Value) -> Result<()> {
    let mut worker = Sluice::distributed(&Properties::distributed(kafka, &format!("cost-{name}"))).start()?;
    let mut config = server.connector_keys();
    let more = json!({ "connector.class": "S3SinkConnector", "topics": topic, "flush.size": FLUSH_SIZE.to_string(),
        "storage.class": "io.confluent.connect.s3.storage.S3Storage", "topics.dir": name,
        "consumer.override.auto.offset.reset": "earliest" });
    for part in [&more, format] {
        for (key, value) in part.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
    }
    let (began, before) = (Instant::now(), worker.usage()?.cpu_seconds);
    worker.rest().put_connector(name, &config)?.expect(201)?;
    wait_until("every object", ARRIVED, || {
        let objects = server.object_names()?.iter().filter(|key| key.starts_with(name)).count();
        ensure!(objects == records / FLUSH_SIZE, "{objects} objects");
        Ok(())
    })?;
    let (seconds, usage) = (began.elapsed().as_secs_f64(), worker.usage()?);
    let million = records as f64 / 1e6;
    eprintln!(
        "{name}: {:.0} records/s, {:.2} CPU seconds per million, peak RSS {:.1} MB",
        records as f64 / seconds,
        (usage.cpu_seconds - before) / million,
        usage.peak_rss_bytes as f64 / 1e6
    );
    ensure!(usage.peak_rss_bytes <= PEAK_RSS_BYTES, "peak RSS {}", usage.peak_rss_bytes);
    ensure!(worker.stop().context("stopping")?.success(), "{}", worker.logs());
    Ok(())
}
