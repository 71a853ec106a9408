//! `GET`, `PATCH` and `DELETE /connectors/C/offsets` end to end: the task goes on where the offsets say (KIP-875).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, Record, Scratch, Seen, Sluice, Topics, Worker, wait_until};

use crate::accounting::numbered_line;

const DEADLINE: Duration = Duration::from_secs(60);
const LINES: usize = 100;
/// Where the offsets are set back to.
const ALTERED: usize = 60;

fn lines(from: usize) -> Vec<String> {
    (from..LINES).map(numbered_line).collect()
}

fn bytes_of(count: usize) -> usize {
    (0..count).map(|number| numbered_line(number).len() + 1).sum()
}

fn worker(kafka: &Kafka, name: &str) -> Result<Worker> {
    Sluice::distributed(&Properties::distributed(kafka, name).with("offset.flush.interval.ms", "200")).start()
}

#[test]
fn a_source_goes_on_at_altered_offsets_and_begins_again_after_a_reset() -> Result<()> {
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new("source-offsets")?;
    let (input, topics) = (scratch.join("in.txt"), kafka.topics());
    fs::write(&input, lines(0).join("\n") + "\n")?;
    let worker = worker(kafka, "source-offsets")?;
    let config = json!({ "connector.class": "FileStreamSource", "file": input, "topic": "source-offsets" });
    worker.rest().put_connector("in", &config)?;
    let mut expected = lines(0);
    topic_holds(&topics, "source-offsets", &expected)?;
    offsets_are(&worker, "in", &source_offsets(&input, LINES))?;

    refused_while_running(&worker, "in", &source_offsets(&input, ALTERED))?;
    stop(&worker, "in")?;
    alter(&worker, "in", &source_offsets(&input, ALTERED))?;
    offsets_are(&worker, "in", &source_offsets(&input, ALTERED))?;
    worker.rest().resume("in")?;
    expected.extend(lines(ALTERED));
    topic_holds(&topics, "source-offsets", &expected)?;
    offsets_are(&worker, "in", &source_offsets(&input, LINES))?;

    stop(&worker, "in")?;
    reset(&worker, "in")?;
    offsets_are(&worker, "in", &json!([]))?;
    worker.rest().resume("in")?;
    expected.extend(lines(0));
    topic_holds(&topics, "source-offsets", &expected)
}

#[test]
fn a_sink_goes_on_at_altered_offsets_and_begins_again_after_a_reset() -> Result<()> {
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new("sink-offsets")?;
    let output = scratch.join("out.txt");
    kafka.topics().create("sink-offsets", 1, &[])?;
    kafka.topics().produce("sink-offsets", lines(0))?;
    let worker = worker(kafka, "sink-offsets")?;
    let config = json!({ "connector.class": "FileStreamSink", "file": output, "topics": "sink-offsets" });
    worker.rest().put_connector("altered-sink", &config)?;
    let mut expected = lines(0);
    file_holds(&output, &expected)?;
    offsets_are(&worker, "altered-sink", &sink_offsets("sink-offsets", LINES))?;

    refused_while_running(&worker, "altered-sink", &sink_offsets("sink-offsets", ALTERED))?;
    stop(&worker, "altered-sink")?;
    alter(&worker, "altered-sink", &sink_offsets("sink-offsets", ALTERED))?;
    offsets_are(&worker, "altered-sink", &sink_offsets("sink-offsets", ALTERED))?;
    worker.rest().resume("altered-sink")?;
    expected.extend(lines(ALTERED));
    file_holds(&output, &expected)?;
    offsets_are(&worker, "altered-sink", &sink_offsets("sink-offsets", LINES))?;

    stop(&worker, "altered-sink")?;
    reset(&worker, "altered-sink")?;
    offsets_are(&worker, "altered-sink", &json!([]))?;
    let group = kafka.topics().group_offsets("connect-altered-sink", "sink-offsets")?;
    ensure!(group == BTreeMap::new(), "the group still has {group:?}");
    worker.rest().resume("altered-sink")?;
    expected.extend(lines(0));
    file_holds(&output, &expected)
}

fn source_offsets(input: &Path, count: usize) -> Value {
    json!([{ "partition": { "filename": input }, "offset": { "position": bytes_of(count) } }])
}

fn sink_offsets(topic: &str, offset: usize) -> Value {
    json!([{ "partition": { "kafka_topic": topic, "kafka_partition": 0 }, "offset": { "kafka_offset": offset } }])
}

fn path(connector: &str) -> String {
    format!("/connectors/{connector}/offsets")
}

fn refused_while_running(worker: &Worker, connector: &str, offsets: &Value) -> Result<()> {
    let altered = worker.rest().patch(&path(connector), &json!({ "offsets": offsets }))?.expect(400)?;
    let reset = worker.rest().delete(&path(connector))?.expect(400)?;
    for answer in [altered, reset] {
        ensure!(answer.body.contains("must be in the STOPPED state"), "{answer:?}");
    }
    Ok(())
}

fn stop(worker: &Worker, connector: &str) -> Result<()> {
    worker.rest().stop(connector)?;
    worker.rest().wait_state(connector, "STOPPED", 0, DEADLINE).map(drop)
}

fn alter(worker: &Worker, connector: &str, offsets: &Value) -> Result<()> {
    let answer = worker.rest().patch(&path(connector), &json!({ "offsets": offsets }))?.expect(200)?;
    ensure!(answer.body.contains("altered successfully"), "{answer:?}");
    Ok(())
}

fn reset(worker: &Worker, connector: &str) -> Result<()> {
    let answer = worker.rest().delete(&path(connector))?.expect(200)?;
    ensure!(answer.body.contains("reset successfully"), "{answer:?}");
    Ok(())
}

fn offsets_are(worker: &Worker, connector: &str, expected: &Value) -> Result<()> {
    wait_until(&format!("the offsets of {connector} to be {expected}"), DEADLINE, || {
        match worker.rest().offsets(connector) {
            Ok(offsets) if offsets == *expected => Seen::Met(()),
            Ok(offsets) => Seen::NotYet(offsets.to_string()),
            Err(error) => Seen::NotYet(format!("{error:#}")),
        }
    })
}

fn topic_holds(topics: &Topics, topic: &str, expected: &[String]) -> Result<()> {
    holds(&format!("{} records in the topic", expected.len()), expected, || {
        Ok(topics.read(topic)?.iter().map(Record::value_text).collect())
    })
}

fn file_holds(file: &Path, expected: &[String]) -> Result<()> {
    holds(&format!("{} lines in the file", expected.len()), expected, || {
        let text = fs::read_to_string(file).context("reading the sink's file")?;
        Ok(text.lines().map(str::to_owned).collect())
    })
}

/// Exactly these lines: a stop commits what was delivered, so nothing comes twice here.
fn holds(what: &str, expected: &[String], mut read: impl FnMut() -> Result<Vec<String>>) -> Result<()> {
    let found = wait_until(what, DEADLINE, || match read() {
        Ok(found) if found.len() >= expected.len() => Seen::Met(found),
        Ok(found) => Seen::NotYet(format!("{} of them", found.len())),
        Err(error) => Seen::NotYet(format!("{error:#}")),
    })?;
    let differs = found.iter().zip(expected).position(|(found, expected)| found != expected);
    ensure!(
        differs.is_none() && found.len() == expected.len(),
        "{} lines, the first that differs is {differs:?}",
        found.len()
    );
    Ok(())
}
