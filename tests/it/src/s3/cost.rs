//! What the sink costs beside a bare consume loop and the same gzip in the same run. Every figure is printed; memory is checked, and in the
//! drill the CPU of raw bytes and of JSON with gzip, too.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, S3Server, Sluice, Tier, count, tier, wait_until};

const ARRIVED: Duration = Duration::from_secs(600);
const RECORD_BYTES: usize = 200;
const FLUSH_SIZE: usize = 100_000;
const PEAK_RSS_BYTES: u64 = 150_000_000;
/// Of the bare loop's CPU, and of the loop's and gzip's together.
const BYTES_RATIO: f64 = 2.0;
const GZIP_RATIO: f64 = 1.2;

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
    kafka.topics().producing_with("batch.size", "16384").produce(topic, (0..records).map(line))?;
    let bare = cpu_per_million(records, || consume(&kafka, topic, records))?;
    let gzip = cpu_per_million(records, || compress((0..records).map(line)))?;
    eprintln!("bare consume loop: {bare:.2} CPU seconds per million, gzip of the same JSON lines: {gzip:.2}");
    let converter = "org.apache.kafka.connect.storage.StringConverter";
    let bytes = json!({ "format.class": "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
        "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter" });
    let json_gzip = json!({ "format.class": "io.confluent.connect.s3.format.json.JsonFormat", "s3.compression.type": "gzip",
        "value.converter": converter });
    let parquet = json!({ "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat", "parquet.codec": "zstd",
        "value.converter": converter, "transforms": "h", "transforms.h.field": "line",
        "transforms.h.type": "org.apache.kafka.connect.transforms.HoistField$Value" });
    let rows = [
        ("bytes", bytes, Some(BYTES_RATIO * bare)),
        ("json-gzip", json_gzip, Some(GZIP_RATIO * (bare + gzip))),
        ("parquet-zstd", parquet, None),
    ];
    for (name, format, limit) in rows {
        let cpu = measure(&kafka, &server, topic, records, name, &format)?;
        let Some(limit) = limit else { continue };
        eprintln!("{name}: the line is {limit:.2}");
        ensure!(
            tier() != Tier::Drill || cpu <= limit,
            "{name}: {cpu:.2} CPU seconds per million, the line is {limit:.2}"
        );
    }
    Ok(())
}

/// What this process spends on `work`, in CPU seconds per million records.
fn cpu_per_million(records: usize, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let before = own_cpu_seconds()?;
    work()?;
    Ok((own_cpu_seconds()? - before) / (records as f64 / 1e6))
}

/// The lines as JSON through gzip at the usual level.
fn compress(lines: impl Iterator<Item = String>) -> Result<()> {
    let mut stream = flate2::write::GzEncoder::new(std::io::sink(), flate2::Compression::default());
    let mut buffer = Vec::with_capacity(64 * 1024);
    for line in lines {
        buffer.push(b'"');
        buffer.extend_from_slice(line.as_bytes());
        buffer.extend_from_slice(b"\"\n");
        if buffer.len() >= 64 * 1024 - 2 * RECORD_BYTES {
            stream.write_all(&buffer)?;
            buffer.clear();
        }
    }
    stream.write_all(&buffer)?;
    stream.finish()?;
    Ok(())
}

fn measure(kafka: &Kafka, server: &S3Server, topic: &str, records: usize, name: &str, format: &Value) -> Result<f64> {
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
    let cpu = (usage.cpu_seconds - before) / million;
    ensure!(worker.stop().context("stopping")?.success(), "{}", worker.logs());
    Ok(cpu)
}
