//! A registry's refusals through the whole worker: the error policy decides, and the trace has the registry's own explanation.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, SchemaRegistry, Scratch, Sluice, wait_until};

use crate::poison::counter;
use crate::registry::topic;

const DEADLINE: Duration = Duration::from_secs(90);
const LEVELS: [&str; 6] =
    ["BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"];

/// A source whose records are a struct with the one field `line`.
fn source(file: &std::path::Path, topic: &str, registry: &SchemaRegistry) -> Value {
    json!({
        "connector.class": "FileStreamSource",
        "file": file,
        "topic": topic,
        "transforms": "hoist",
        "transforms.hoist.type": "org.apache.kafka.connect.transforms.HoistField$Value",
        "transforms.hoist.field": "line",
        "value.converter": "io.confluent.connect.avro.AvroConverter",
        "value.converter.schema.registry.url": registry.url(),
    })
}

/// Gives the topic's subject a version that a struct with `line` is incompatible with in both directions.
fn occupy(registry: &SchemaRegistry, topic: &str, level: &str) -> Result<()> {
    let other = r#"{"type":"record","name":"ConnectDefault","namespace":"io.confluent.connect.avro","fields":[{"name":"number","type":"int"}]}"#;
    let path = SchemaRegistry::path(&format!("/subjects/{topic}-value/versions"));
    registry.rest().post(&path, &json!({"schema": other}))?.expect(200)?;
    registry.set_compatibility(&format!("{topic}-value"), level)
}

// Invariant 3.
#[test]
fn a_refused_schema_fails_the_task_with_the_registrys_explanation() -> Result<()> {
    let (kafka, registry) = (Kafka::shared()?, SchemaRegistry::shared()?);
    let scratch = Scratch::new("refused")?;
    let file = scratch.join("in.txt");
    fs::write(&file, "one line\n")?;
    let worker = Sluice::distributed(&Properties::distributed(kafka, "refused")).start()?;
    for level in LEVELS {
        let topic = topic(&format!("refused-{level}"));
        occupy(registry, &topic, level)?;
        worker.rest().put_connector(&topic, &source(&file, &topic, registry))?;
        let status = worker.rest().wait_state(&topic, "FAILED", 1, DEADLINE)?;
        let trace = status["tasks"][0]["trace"].as_str().context("a trace")?;
        ensure!(trace.contains(&format!("Error registering Avro schema under subject {topic}-value")), "{trace}");
        ensure!(trace.contains("answered 409") && trace.to_lowercase().contains("compatib"), "{level}: {trace}");
        worker.rest().remove_connector(&topic, DEADLINE)?;
    }
    Ok(())
}

// Invariant 3: skipped because the user asked for it, and the source goes on.
#[test]
fn with_tolerance_a_refused_schema_skips_the_record() -> Result<()> {
    let (kafka, registry) = (Kafka::shared()?, SchemaRegistry::shared()?);
    let scratch = Scratch::new("tolerated")?;
    let (file, topic) = (scratch.join("in.txt"), topic("tolerated"));
    fs::write(&file, "one line\n")?;
    occupy(registry, &topic, "BACKWARD")?;
    let properties = Properties::distributed(kafka, "tolerated").with("offset.flush.interval.ms", "200");
    let worker = Sluice::distributed(&properties).start()?;
    let mut config = source(&file, &topic, registry);
    config["errors.tolerance"] = json!("all");
    worker.rest().put_connector(&topic, &config)?;
    wait_until("the line to be skipped", DEADLINE, || {
        let metrics = worker.rest().get("/metrics")?.expect(200)?.body;
        let skipped = counter(&metrics, "total_records_skipped", &topic);
        ensure!(skipped == 1, "{skipped} records skipped");
        Ok(())
    })?;
    registry.set_compatibility(&format!("{topic}-value"), "NONE")?;
    OpenOptions::new().append(true).open(&file)?.write_all(b"another\n")?;
    wait_until("the next line to arrive", DEADLINE, || {
        let records = kafka.topics().read(&topic)?;
        ensure!(records.len() == 1, "{} records", records.len());
        Ok(())
    })
}
