//! `kill -9` of the worker and the broker at random moments: every line arrives at least once and in order, offsets never
//! run ahead (Invariants 1, 2, 3 and 7).

use std::fs;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Fault, Kafka, Properties, Random, Record, Scratch, Seen, Sluice, Worker, count, wait_until};

use crate::accounting::{Account, numbered_line};

const ARRIVED: Duration = Duration::from_secs(180);

/// As many kills as the drill asks for.
fn kills() -> usize {
    count(4, 20)
}

fn lines() -> usize {
    count(60_000, 600_000)
}

#[test]
fn killing_the_worker_loses_no_line_of_a_source() -> Result<()> {
    let kafka = Kafka::start()?;
    let scratch = Scratch::new("kill-source")?;
    let input = scratch.join("in.txt");
    let mut writer = fs::File::create(&input)?;
    let mut worker = Sluice::distributed(&frequent_flushes(&kafka, "kill-source")).start()?;
    start_source(&worker, &input, "killed")?;
    let mut random = Random::of("kill-source");
    let (kills, total) = (kills(), lines());
    for kill in 0..kills {
        append(&mut writer, kill * total / kills..(kill + 1) * total / kills)?;
        park(random.range(50, 900));
        worker.kill9()?;
        offsets_are_not_ahead(&kafka, &worker, &input, "killed")?;
        worker.restart()?;
    }
    every_line_is_in_topic(&kafka, "killed", total)
}

/// Records wait in the producer while lines come in all the time, so that there is always something that is not acknowledged
/// yet: storing offsets in any other order than after the acknowledgement loses lines here.
#[test]
fn a_kill_between_acknowledgement_and_offset_flush_repeats_lines_and_loses_none() -> Result<()> {
    const POINTS: [&str; 2] = ["after-ack-before-flush", "after-flush-before-commit"];
    let kafka = Kafka::start()?;
    let scratch = Scratch::new("kill-flush")?;
    let input = scratch.join("in.txt");
    let mut writer = fs::File::create(&input)?;
    let properties = frequent_flushes(&kafka, "kill-flush");
    let (kills, total) = (count(2, 5), count(20_000, 100_000));
    for kill in 0..kills {
        let fault = Fault::kill(POINTS[kill % 2], 1);
        let mut worker = Sluice::distributed(&properties).with_fault(&fault).start()?;
        start_source_with(&worker, &input, "flushed", &json!({ "producer.override.linger.ms": 300 }))?;
        append_slowly(&mut writer, kill * total / kills..(kill + 1) * total / kills)?;
        let ended = worker.wait_end(ARRIVED).context("the worker to die at its fault point")?;
        ensure!(!ended.success(), "the fault point ended the worker with {ended}");
        offsets_are_not_ahead(&kafka, &worker, &input, "flushed")?;
    }
    let worker = Sluice::distributed(&properties).start()?;
    every_line_is_in_topic(&kafka, "flushed", total)?;
    drop(worker);
    Ok(())
}

#[test]
fn killing_the_worker_loses_no_record_of_a_sink_and_glues_none_together() -> Result<()> {
    let kafka = Kafka::start()?;
    let scratch = Scratch::new("kill-sink")?;
    let output = scratch.join("out.txt");
    kafka.topics().create("sunk", 1, &[])?;
    let mut worker = Sluice::distributed(&frequent_flushes(&kafka, "kill-sink")).start()?;
    let sink = json!({ "connector.class": "FileStreamSink", "file": output, "topics": "sunk" });
    worker.rest().put_connector("out", &sink)?.expect(201)?;
    let mut random = Random::of("kill-sink");
    let (kills, total) = (kills(), lines());
    for kill in 0..kills {
        kafka.topics().produce("sunk", (kill * total / kills..(kill + 1) * total / kills).map(numbered_line))?;
        park(random.range(50, 900));
        worker.kill9()?;
        let committed = kafka.topics().group_offsets("connect-out", "sunk")?.get(&0).copied().unwrap_or(0);
        let written = Account::of(fs::read_to_string(&output).unwrap_or_default().lines())?;
        let ahead = written.missing_below(usize::try_from(committed.max(0))?);
        ensure!(ahead.is_none(), "the group's offset is {committed}, but line {ahead:?} is not in the file");
        worker.restart()?;
    }
    wait_until("every line in the sink's file", ARRIVED, || {
        let text = fs::read_to_string(&output).unwrap_or_default();
        Account::of(text.lines()).and_then(|account| account.is_complete(total, kills))
    })
}

#[test]
fn killing_the_broker_loses_no_line() -> Result<()> {
    let mut kafka = Kafka::start()?;
    let scratch = Scratch::new("kill-broker")?;
    let (input, output) = (scratch.join("in.txt"), scratch.join("out.txt"));
    let mut writer = fs::File::create(&input)?;
    let worker = Sluice::distributed(&frequent_flushes(&kafka, "kill-broker")).start()?;
    start_source(&worker, &input, "through")?;
    let sink = json!({ "connector.class": "FileStreamSink", "file": output, "topics": "through" });
    worker.rest().put_connector("out", &sink)?.expect(201)?;
    let mut random = Random::of("kill-broker");
    let (kills, total) = (count(1, 5), count(30_000, 200_000));
    for kill in 0..kills {
        append(&mut writer, kill * total / kills..(kill + 1) * total / kills)?;
        park(random.range(50, 900));
        kafka.kill9()?;
        kafka.restart()?;
    }
    every_line_is_in_topic(&kafka, "through", total)?;
    wait_until("every line in the sink's file", ARRIVED, || {
        let text = fs::read_to_string(&output).unwrap_or_default();
        Account::of(text.lines()).and_then(|account| account.is_complete(total, 0))
    })
}

fn frequent_flushes(kafka: &Kafka, name: &str) -> Properties {
    Properties::distributed(kafka, name).with("offset.flush.interval.ms", "200").with("session.timeout.ms", "6000")
}

fn start_source(worker: &Worker, input: &Path, topic: &str) -> Result<()> {
    start_source_with(worker, input, topic, &json!({}))
}

fn start_source_with(worker: &Worker, input: &Path, topic: &str, more: &Value) -> Result<()> {
    let mut config = json!({ "connector.class": "FileStreamSource", "file": input, "topic": topic, "tasks.max": 1 });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    let answer = worker.rest().put_connector("in", &config)?;
    ensure!(matches!(answer.status, 200 | 201), "{answer:?}");
    Ok(())
}

fn append(file: &mut fs::File, numbers: std::ops::Range<usize>) -> Result<()> {
    let text: String = numbers.map(|number| numbered_line(number) + "\n").collect();
    Ok(file.write_all(text.as_bytes())?)
}

/// As [`append`], in a hundred pieces over two seconds.
fn append_slowly(file: &mut fs::File, numbers: std::ops::Range<usize>) -> Result<()> {
    let step = (numbers.len() / 100).max(1);
    for start in numbers.clone().step_by(step) {
        append(file, start..(start + step).min(numbers.end))?;
        park(20);
    }
    Ok(())
}

/// A random moment is what these tests are about; nothing is awaited here.
fn park(millis: u64) {
    thread::park_timeout(Duration::from_millis(millis));
}

/// Invariant 1: the stored position is that of a prefix of the file whose lines are all in the topic.
fn offsets_are_not_ahead(kafka: &Kafka, worker: &Worker, input: &Path, topic: &str) -> Result<()> {
    let offsets_topic = worker.properties().get("offset.storage.topic").context("an offsets topic")?;
    let stored = kafka.topics().read(offsets_topic)?;
    let position = stored.iter().rev().find_map(position_of).unwrap_or(0);
    let file = fs::read(input)?;
    let prefix = file.get(..usize::try_from(position)?).context("the stored position is past the end of the file")?;
    let acknowledged = prefix.iter().filter(|byte| **byte == b'\n').count();
    let records = kafka.topics().read(topic)?;
    let texts: Vec<String> = records.iter().map(Record::value_text).collect();
    let seen: std::collections::BTreeSet<usize> =
        texts.iter().filter_map(|text| crate::accounting::number_of(text)).collect();
    let missing = (0..acknowledged).find(|number| !seen.contains(number));
    ensure!(
        missing.is_none(),
        "position {position} says {acknowledged} lines are done, but line {missing:?} is not in the topic"
    );
    Ok(())
}

fn position_of(record: &Record) -> Option<u64> {
    serde_json::from_str::<Value>(&record.value_text()).ok()?.get("position")?.as_u64()
}

fn every_line_is_in_topic(kafka: &Kafka, topic: &str, total: usize) -> Result<()> {
    let account = wait_until("every line in the topic", ARRIVED, || {
        let texts: Vec<String> = match kafka.topics().read(topic) {
            Ok(records) => records.iter().map(Record::value_text).collect(),
            Err(error) => return Seen::NotYet(format!("{error:#}")),
        };
        match Account::of(texts.iter().map(String::as_str)) {
            // A broken order does not heal: it ends the wait.
            Err(broken) => Seen::Met(Err(broken)),
            Ok(account) => match account.is_complete(total, 0) {
                Ok(()) => Seen::Met(Ok(account)),
                Err(missing) => Seen::NotYet(missing.to_string()),
            },
        }
    })??;
    eprintln!("{topic}: {total} lines, {} of them more than once", account.duplicates());
    Ok(())
}
