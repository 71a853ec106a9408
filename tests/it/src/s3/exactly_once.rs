//! Invariant 2: whatever dies, and whenever, the objects hold each record once, with contiguous offsets per object.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, Random, S3Server, Sluice, Worker, count, wait_until};

use super::archive::{compare, in_objects, on_topic, whole};
use crate::accounting::numbered_line;

const ARRIVED: Duration = Duration::from_secs(240);
const FLUSH_SIZE: usize = 97;

fn sink(server: &S3Server, topic: &str, more: &Value) -> Value {
    let mut config = json!({ "connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": topic,
        "storage.class": "io.confluent.connect.s3.storage.S3Storage", "flush.size": FLUSH_SIZE.to_string(),
        "consumer.override.auto.offset.reset": "earliest" });
    for part in [&server.connector_keys(), more] {
        for (key, value) in part.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
    }
    config
}

fn lines() -> Value {
    json!({ "format.class": "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
        "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter" })
}

fn json_gzip() -> Value {
    json!({ "format.class": "io.confluent.connect.s3.format.json.JsonFormat", "s3.compression.type": "gzip",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter" })
}

/// A line of `JsonFormat` holds the text in quotes.
fn unquoted(line: &str) -> String {
    serde_json::from_str(line).unwrap_or_else(|_| format!("not a JSON string: {line}"))
}

fn produce(kafka: &Kafka, topic: &str, partitions: i32, from: usize, to: usize) -> Result<()> {
    for partition in 0..partitions {
        let numbers = (from..to).filter(|number| number % partitions as usize == partition as usize);
        let records = numbers.map(|number| (None::<Vec<u8>>, Some(numbered_line(number))));
        kafka.topics().produce_keyed(topic, Some(partition), records)?;
    }
    Ok(())
}

/// Kills one of three at random again and again while records come, then compares.
fn each_record_is_there_once(
    topic: &'static str,
    format: &Value,
    value_of: fn(&str) -> String,
    (kills, total): (usize, usize),
) -> Result<()> {
    let (mut kafka, mut server) = (Kafka::start()?, S3Server::start()?);
    let partitions = count(5, 50) as i32;
    kafka.topics().create(topic, partitions, &[])?;
    let properties = Properties::distributed(&kafka, topic)
        .with("offset.flush.interval.ms", "300")
        .with("session.timeout.ms", "6000");
    let mut worker = Sluice::distributed(&properties).start()?;
    let mut config = sink(&server, topic, format);
    config["tasks.max"] = json!("2");
    worker.rest().put_connector("out", &config)?.expect(201)?;
    let mut random = Random::of(topic);
    for kill in 0..kills {
        produce(&kafka, topic, partitions, kill * total / kills, (kill + 1) * total / kills)?;
        thread::park_timeout(Duration::from_millis(random.range(20, 900)));
        match random.range(0, 4) {
            0 => {
                server.kill9()?;
                thread::park_timeout(Duration::from_millis(random.range(20, 900)));
                server.restart()?;
            }
            1 => {
                kafka.kill9()?;
                kafka.restart()?;
            }
            // A rebalance in the middle: another number of tasks.
            2 => {
                config["tasks.max"] = json!(random.range(1, 4).to_string());
                let answer = worker.rest().put_connector("out", &config)?;
                ensure!(matches!(answer.status, 200 | 201), "{answer:?}");
            }
            _ => {
                worker.kill9()?;
                committed_is_in_objects(&kafka, &server, topic, value_of)?;
                worker.restart()?;
            }
        }
    }
    let expected = whole(&on_topic(&kafka, topic)?, FLUSH_SIZE);
    let complete = || compare(&in_objects(&server, topic, value_of)?, &expected);
    wait_until("each record in an object", ARRIVED, complete).with_context(|| last_lines(&worker))?;
    eprintln!("{topic}: {total} records, {kills} faults, {} objects", server.objects()?.len());
    ensure!(worker.stop()?.success(), "{}", worker.logs());
    complete()
}

/// Nobody commits now, so what is committed must be in objects.
fn committed_is_in_objects(kafka: &Kafka, server: &S3Server, topic: &str, value_of: fn(&str) -> String) -> Result<()> {
    let found = in_objects(server, topic, value_of)?;
    for (partition, offset) in kafka.topics().group_offsets("connect-out", topic)? {
        let have = found.get(&partition).map_or(0, |of| of.range(..offset).count());
        ensure!(
            have as i64 == offset,
            "offset {offset} of partition {partition} is committed, {have} records are in objects"
        );
    }
    Ok(())
}

fn last_lines(worker: &Worker) -> String {
    let logs = worker.logs();
    let lines: Vec<&str> = logs.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

#[test]
fn lines_survive_kills_of_worker_broker_and_store() -> Result<()> {
    each_record_is_there_once("s3-lines", &lines(), str::to_owned, (count(2, 30), count(10_000, 1_000_000)))
}

#[test]
fn json_with_gzip_survives_kills_of_worker_broker_and_store() -> Result<()> {
    each_record_is_there_once("s3-json", &json_gzip(), unquoted, (count(2, 30), count(6_000, 1_000_000)))
}

/// Small parts: several per object, in flight when the worker dies.
#[test]
fn objects_of_several_parts_survive_kills() -> Result<()> {
    let (kafka, server) = (Kafka::shared()?, S3Server::start()?);
    let topic = "s3-parts";
    kafka.topics().create(topic, 1, &[])?;
    // Objects of 12 MB in parts of 5 MiB.
    let wide = |number: usize| (None::<Vec<u8>>, Some(format!("{number:08} {}", "x".repeat(120_000))));
    let properties = Properties::distributed(kafka, topic)
        .with("offset.flush.interval.ms", "300")
        .with("session.timeout.ms", "6000");
    let mut worker = Sluice::distributed(&properties).start()?;
    let mut more = lines();
    more["flush.size"] = json!("100");
    more["s3.part.size"] = json!("5242880");
    worker.rest().put_connector("out", &sink(&server, topic, &more))?.expect(201)?;
    let (mut random, kills, total) = (Random::of(topic), count(1, 10), count(200, 3_000));
    for kill in 0..kills {
        kafka.topics().produce_keyed(topic, None, (kill * total / kills..(kill + 1) * total / kills).map(wide))?;
        thread::park_timeout(Duration::from_millis(random.range(50, 1500)));
        worker.kill9()?;
        worker.restart()?;
    }
    let expected = whole(&on_topic(kafka, topic)?, 100);
    let complete = || compare(&in_objects(&server, topic, str::to_owned)?, &expected);
    wait_until("each record in an object", ARRIVED, complete).with_context(|| last_lines(&worker))?;
    ensure!(worker.stop()?.success(), "{}", worker.logs());
    Ok(())
}
