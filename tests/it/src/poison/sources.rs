//! Poison for sources: there is no queue, so a bad record fails the task or is counted as skipped.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, Record, Scratch, Sluice, wait_until};

use super::counter;

const DEADLINE: Duration = Duration::from_secs(90);

/// A source of `file` into `topic`.
fn source(file: &std::path::Path, topic: &str, tolerant: bool, more: &Value) -> Value {
    let mut config = json!({
        "connector.class": "FileStreamSource",
        "file": file,
        "topic": topic,
        "errors.tolerance": if tolerant { "all" } else { "none" },
        "errors.log.enable": true,
        "errors.log.include.messages": true,
    });
    more.as_object().into_iter().flatten().for_each(|(key, value)| config[key] = value.clone());
    config
}

/// Runs lines through both tolerances. `bad` says which cannot be written; `says` is in the trace.
fn run(name: &str, lines: &[String], bad: &[usize], settings: &[(&str, &str)], more: &Value, says: &str) -> Result<()> {
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new(name)?;
    let input = scratch.join("in.txt");
    fs::write(&input, lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    let worker = Sluice::distributed(&Properties::distributed(kafka, name).with("offset.flush.interval.ms", "200"));
    let worker = worker.start()?;
    let rest = worker.rest();
    for tolerant in [false, true] {
        let topic = format!("{name}-{tolerant}");
        kafka.topics().create(&topic, 1, settings)?;
        rest.put_connector(&topic, &source(&input, &topic, tolerant, more))?;
        let written =
            || -> Result<Vec<String>> { Ok(kafka.topics().read(&topic)?.iter().map(Record::value_text).collect()) };
        if !tolerant {
            let status = rest.wait_state(&topic, "FAILED", 1, DEADLINE)?;
            let trace = status["tasks"][0]["trace"].as_str().context("a trace")?;
            ensure!(trace.contains(says), "{trace}");
            let written = written()?;
            ensure!(written == lines[..written.len()], "not a prefix of the input");
            let position = rest.offsets(&topic)?[0]["offset"]["position"].as_u64().unwrap_or(0);
            let limit: usize = lines[..bad[0]].iter().map(|line| line.len() + 1).sum();
            ensure!(position <= limit as u64, "position {position} is past the bad record at {limit}");
            continue;
        }
        let good: Vec<&String> =
            lines.iter().enumerate().filter(|(at, _)| !bad.contains(at)).map(|(_, line)| line).collect();
        wait_until("every good line in the topic, and the bad ones counted", DEADLINE, || {
            let skipped = counter(&rest.get("/metrics")?.body, "total_records_skipped", &topic);
            let written = written()?;
            ensure!(written.iter().eq(good.iter().copied()), "{} of {} good lines", written.len(), good.len());
            ensure!(skipped == bad.len() && written.len() + skipped == lines.len(), "{skipped} skipped");
            Ok(())
        })?;
        let log = worker.logs();
        let line = log.lines().find(|line| line.contains("Executing stage")).context("a line about a bad record")?;
        ensure!(line.contains("source record"), "{line}");
    }
    Ok(())
}

#[test]
fn oversized_records_of_a_source_fail_it_or_are_counted() -> Result<()> {
    let line = |number: usize| match number % 10 {
        4 => format!("{number} {}", "x".repeat(4_000)),
        _ => format!("{number}"),
    };
    let lines: Vec<String> = (0..30).map(line).collect();
    let more = json!({"producer.override.max.request.size": "2000"});
    run("oversized", &lines, &[4, 14, 24], &[], &more, "max.request.size")
}

#[test]
fn records_without_the_key_that_their_topic_needs_fail_the_source_or_are_counted() -> Result<()> {
    let lines: Vec<String> = (0..3).map(|number| format!("line {number}")).collect();
    run("keyless", &lines, &[0, 1, 2], &[("cleanup.policy", "compact")], &json!({}), "topic keyless-false")
}

#[test]
fn records_that_a_source_cannot_transform_fail_it_or_are_counted() -> Result<()> {
    let lines: Vec<String> =
        (0..30).map(|number| if number % 7 == 2 { format!("x{number}") } else { number.to_string() }).collect();
    let bad: Vec<usize> = (0..30).filter(|number| number % 7 == 2).collect();
    let more = json!({
        "transforms": "cast",
        "transforms.cast.type": "org.apache.kafka.connect.transforms.Cast$Value",
        "transforms.cast.spec": "int64",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": false,
    });
    run("uncastable", &lines, &bad, &[], &more, "Tolerance exceeded in error handler")
}
