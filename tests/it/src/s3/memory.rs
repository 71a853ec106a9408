//! Thousands of open objects below the part size: memory stays within the budget, and every object is complete.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, S3Server, Sluice, Worker, count, wait_until};

const ARRIVED: Duration = Duration::from_secs(900);
/// Of each object in all.
const OBJECT_BYTES: usize = 10_000;
/// What a worker takes beside its budget.
const BESIDE: u64 = 60_000_000;
/// Of the plot.
const COLUMN_BYTES: u64 = 2_000_000;

/// Seconds since the start and the resident set.
struct Samples {
    began: Instant,
    taken: Vec<(u64, u64)>,
}

impl Samples {
    /// At most one every two seconds.
    fn take(&mut self, worker: &Worker) -> Result<()> {
        let seconds = self.began.elapsed().as_secs();
        if self.taken.last().is_none_or(|(last, _)| seconds >= last + 2) {
            self.taken.push((seconds, worker.usage()?.rss_bytes));
        }
        Ok(())
    }

    /// A line each, forty at most.
    fn plot(&self) -> String {
        let step = self.taken.len().div_ceil(40).max(1);
        let line = |(seconds, bytes): &(u64, u64)| {
            let bar = "#".repeat((bytes / COLUMN_BYTES) as usize);
            format!("{seconds:>5} s {:>6.1} MB {bar}\n", *bytes as f64 / 1e6)
        };
        self.taken.iter().step_by(step).map(line).collect()
    }
}

fn schema() -> Value {
    json!({ "type": "struct", "optional": false, "fields": [
        { "field": "f", "type": "string", "optional": false }, { "field": "pad", "type": "string", "optional": false }] })
}

#[test]
fn open_objects_stay_within_the_budget_and_all_complete() -> Result<()> {
    let (kafka, server) = (Kafka::shared()?, S3Server::start()?);
    let (topic, folders, budget) = ("s3-memory", count(1_000, 10_000), count(6_400_000, 64_000_000));
    // The drill's load is spread over ten minutes.
    let (rounds, between) = (count(4, 40), Duration::from_millis(count(0, 15_000) as u64));
    kafka.topics().create(topic, 1, &[])?;
    let properties = Properties::distributed(kafka, topic).with("sluice.memory.budget", &budget.to_string());
    let worker = Sluice::distributed(&properties).start()?;
    let mut config = server.connector_keys();
    let more = json!({ "connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": topic,
        "storage.class": "io.confluent.connect.s3.storage.S3Storage", "flush.size": (folders * rounds).to_string(),
        "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
        "partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner", "partition.field.name": "f",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "true",
        "consumer.override.auto.offset.reset": "earliest", "sluice.spill.dir": worker.folder().join("spill") });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    worker.rest().put_connector("out", &config)?.expect(201)?;
    let pad = "x".repeat(OBJECT_BYTES / rounds);
    let record = |number: usize| {
        let payload = json!({ "f": format!("{number:05}"), "pad": pad });
        (None::<Vec<u8>>, Some(json!({ "schema": schema(), "payload": payload }).to_string()))
    };
    let mut samples = Samples { began: Instant::now(), taken: Vec::new() };
    for _ in 0..rounds {
        kafka.topics().produce_keyed(topic, None, (0..folders).map(record))?;
        let until = Instant::now() + between;
        while Instant::now() < until {
            samples.take(&worker)?;
            thread::park_timeout(Duration::from_secs(1));
        }
    }
    let object = rounds * (pad.len() + r#"{"f":"00000","pad":""}"#.len() + 1);
    wait_until("every object", ARRIVED, || {
        samples.take(&worker)?;
        let objects = server.objects()?;
        let whole = objects.values().filter(|bytes| bytes.len() == object).count();
        ensure!(whole == folders, "{whole} whole objects of {folders}\n{}", tail(&worker.logs()));
        Ok(())
    })?;
    let peak = worker.usage()?.peak_rss_bytes;
    let volume = folders * object;
    eprintln!("{folders} objects of {volume} bytes in all, budget {budget}, peak RSS {peak}\n{}", samples.plot());
    ensure!(volume > budget, "the test must need more than the budget");
    ensure!(peak <= budget as u64 + BESIDE, "peak RSS {peak} with a budget of {budget}");
    Ok(())
}

/// What the status says while nothing more fits.
#[test]
fn a_full_spill_folder_is_said_over_rest_and_room_ends_it() -> Result<()> {
    let (kafka, mut server) = (Kafka::shared()?, S3Server::start()?);
    let (topic, records) = ("s3-full-folder", 300);
    kafka.topics().create(topic, 1, &[])?;
    let worker =
        Sluice::distributed(&Properties::distributed(kafka, topic).with("sluice.memory.budget", "8000000")).start()?;
    let mut config = server.connector_keys();
    let more = json!({ "connector.class": "S3SinkConnector", "topics": topic, "flush.size": "50",
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "format.class": "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
        "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter", "s3.part.retries": "0",
        "consumer.override.auto.offset.reset": "earliest", "sluice.spill.dir": worker.folder().join("spill"),
        "sluice.spill.max.bytes": "100000" });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    worker.rest().put_connector("full", &config)?.expect(201)?;
    wait_until("the task to run", ARRIVED, || {
        let status = worker.rest().status("full")?;
        ensure!(status["tasks"][0]["state"] == "RUNNING", "{status}");
        Ok(())
    })?;
    // Nothing is taken any more, while 30 MB come.
    server.kill9()?;
    let wide = |number: usize| (None::<Vec<u8>>, Some(format!("{number:08} {}", "x".repeat(100_000))));
    kafka.topics().produce_keyed(topic, None, (0..records).map(wide))?;
    let trace = wait_until("the pause to be named", ARRIVED, || {
        let status = worker.rest().status("full")?;
        ensure!(status["tasks"][0]["state"] == "RUNNING", "{status}");
        status["tasks"][0]["trace"].as_str().map(str::to_owned).context("no trace yet")
    })?;
    ensure!(trace.starts_with("PAUSED_BY_") && trace.contains("To do: "), "{trace}");
    server.restart()?;
    wait_until("every object, and nothing to say", ARRIVED, || {
        let objects = server.object_names()?.len();
        ensure!(objects == records / 50, "{objects} objects\n{}", tail(&worker.logs()));
        let status = worker.rest().status("full")?;
        ensure!(status["tasks"][0]["trace"].is_null(), "{status}");
        Ok(())
    })
}

fn tail(logs: &str) -> String {
    let lines: Vec<&str> = logs.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
