//! Thousands of open objects below the part size: memory stays within the budget, and every object is complete.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use sluice_harness::{Kafka, Properties, S3Server, Sluice, count, wait_until};

const ARRIVED: Duration = Duration::from_secs(900);
const ROUNDS: usize = 4;
const PAD_BYTES: usize = 2_500;
/// What a worker takes beside its budget.
const BESIDE: u64 = 60_000_000;

#[test]
fn open_objects_stay_within_the_budget_and_all_complete() -> Result<()> {
    let (kafka, server) = (Kafka::shared()?, S3Server::start()?);
    let (topic, folders, budget) = ("s3-memory", count(1_000, 10_000), count(6_400_000, 64_000_000));
    kafka.topics().create(topic, 1, &[])?;
    let schema = json!({ "type": "struct", "optional": false, "fields": [
        { "field": "f", "type": "string", "optional": false }, { "field": "pad", "type": "string", "optional": false }] });
    let pad = "x".repeat(PAD_BYTES);
    let record = |number: usize| {
        let payload = json!({ "f": format!("{:05}", number % folders), "pad": pad });
        (None::<Vec<u8>>, Some(json!({ "schema": schema, "payload": payload }).to_string()))
    };
    kafka.topics().produce_keyed(topic, None, (0..folders * ROUNDS).map(record))?;
    let properties = Properties::distributed(kafka, topic).with("sluice.memory.budget", &budget.to_string());
    let mut worker = Sluice::distributed(&properties).start()?;
    let mut config = server.connector_keys();
    let more = json!({ "connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": topic,
        "storage.class": "io.confluent.connect.s3.storage.S3Storage", "flush.size": (folders * ROUNDS).to_string(),
        "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
        "partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner", "partition.field.name": "f",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "true",
        "consumer.override.auto.offset.reset": "earliest", "sluice.spill.dir": worker.folder().join("spill") });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    worker.rest().put_connector("out", &config)?.expect(201)?;
    let line = ROUNDS * (PAD_BYTES + r#"{"f":"00000","pad":""}"#.len() + 1);
    wait_until("every object", ARRIVED, || {
        let objects = server.objects()?;
        let whole = objects.values().filter(|bytes| bytes.len() == line).count();
        ensure!(whole == folders, "{whole} whole objects of {folders}\n{}", tail(&worker.logs()));
        Ok(())
    })?;
    let peak = worker.usage()?.peak_rss_bytes;
    let volume = folders * line;
    eprintln!("{folders} objects of {volume} bytes in all, budget {budget}, peak RSS {peak}");
    ensure!(volume > budget, "the test must need more than the budget");
    ensure!(peak <= budget as u64 + BESIDE, "peak RSS {peak} with a budget of {budget}");
    ensure!(worker.stop()?.success(), "{}", worker.logs());
    Ok(())
}

fn tail(logs: &str) -> String {
    let lines: Vec<&str> = logs.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
