//! `errors.tolerance`, the dead letter queue, restarts of single tasks, and the topics that a source creates.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, Random, Record, Scratch, Seen, Sluice, count, wait_until};

use crate::accounting::{Account, number_of, numbered_line};

const DEADLINE: Duration = Duration::from_secs(90);

fn properties(kafka: &Kafka, name: &str) -> Properties {
    Properties::distributed(kafka, name).with("offset.flush.interval.ms", "200").with("session.timeout.ms", "6000")
}

/// A sink of JSON texts.
fn json_sink(file: &Path, topic: &str, tolerance: &str) -> Value {
    json!({
        "connector.class": "FileStreamSink",
        "file": file,
        "topics": topic,
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "errors.tolerance": tolerance,
        // A task that comes back finds its partitions sooner.
        "consumer.override.session.timeout.ms": "6000",
        "consumer.override.heartbeat.interval.ms": "500",
    })
}

/// The line as JSON text, or something that is no JSON.
fn value(number: usize, bad: bool) -> String {
    let line = numbered_line(number);
    if bad { format!("{{\"{line}") } else { format!("\"{line}\"") }
}

fn written(file: &Path) -> BTreeSet<usize> {
    fs::read_to_string(file).unwrap_or_default().lines().filter_map(number_of).collect()
}

fn committed(kafka: &Kafka, connector: &str, topic: &str) -> Result<usize> {
    let offsets = kafka.topics().group_offsets(&format!("connect-{connector}"), topic)?;
    Ok(usize::try_from(offsets.get(&0).copied().unwrap_or(0))?)
}

// Invariant 3.
#[test]
fn without_tolerance_a_bad_record_fails_the_task_and_is_not_skipped() -> Result<()> {
    const BAD: usize = 20;
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new("none")?;
    let output = scratch.join("out.txt");
    kafka.topics().create("none", 1, &[])?;
    kafka.topics().produce("none", (0..40).map(|number| value(number, number == BAD)))?;
    let worker = Sluice::distributed(&properties(kafka, "none")).start()?;
    for _ in 0..2 {
        worker.rest().put_connector("intolerant", &json_sink(&output, "none", "none"))?;
        let status = worker.rest().wait_state("intolerant", "FAILED", 1, DEADLINE)?;
        let trace = status["tasks"][0]["trace"].as_str().context("a trace")?;
        ensure!(trace.contains("serialization error"), "{trace}");
        let past: Vec<usize> = written(&output).into_iter().filter(|number| *number >= BAD).collect();
        ensure!(past.is_empty(), "{past:?} were written past the bad record");
        let offset = committed(kafka, "intolerant", "none")?;
        ensure!(offset <= BAD, "offset {offset} is committed, past the bad record {BAD}");
        // A new start goes on at the committed offset and meets the record again.
        worker.rest().remove_connector("intolerant", DEADLINE)?;
    }
    Ok(())
}

// Invariant 3: a record is delivered or in the queue before the offset moves past it, also when the worker is killed.
#[test]
fn with_tolerance_every_bad_record_is_in_the_dead_letter_queue() -> Result<()> {
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new("letters")?;
    let output = scratch.join("out.txt");
    kafka.topics().create("all", 1, &[])?;
    let mut worker = Sluice::distributed(&properties(kafka, "letters")).start()?;
    let mut config = json_sink(&output, "all", "all");
    config["errors.deadletterqueue.topic.name"] = json!("letters");
    config["errors.deadletterqueue.topic.replication.factor"] = json!(1);
    config["errors.deadletterqueue.context.headers.enable"] = json!(true);
    worker.rest().put_connector("tolerant", &config)?;
    worker.rest().wait_running("tolerant", 1, DEADLINE)?;
    let mut random = Random::of("letters");
    let (kills, total) = (count(2, 10), count(4_000, 40_000));
    for kill in 0..kills {
        let numbers = kill * total / kills..(kill + 1) * total / kills;
        kafka.topics().produce("all", numbers.map(|number| value(number, is_bad(number))))?;
        thread::park_timeout(Duration::from_millis(random.range(10, 600)));
        worker.kill9()?;
        let offset = committed(kafka, "tolerant", "all")?;
        let accounted = accounted(kafka, &output)?;
        let missing = (0..offset).find(|number| !accounted.contains(number));
        ensure!(
            missing.is_none(),
            "offset {offset} is committed, but record {missing:?} is neither delivered nor queued"
        );
        worker.restart()?;
    }
    wait_until("every record to be delivered or queued, and committed", DEADLINE, || {
        let (accounted, offset) = (accounted(kafka, &output)?, committed(kafka, "tolerant", "all")?);
        ensure!(accounted.len() == total && offset == total, "{} of {total}, committed {offset}", accounted.len());
        Ok(())
    })?;
    letters_tell_where_they_come_from(&kafka.topics().read("letters")?, total)?;
    let good = written(&output);
    ensure!(good.iter().all(|number| !is_bad(*number)), "a bad record was delivered");
    let status = worker.rest().status("tolerant")?;
    ensure!(status["tasks"][0]["state"] == "RUNNING", "{status}");
    Ok(())
}

fn is_bad(number: usize) -> bool {
    number % 7 == 3
}

/// What is in the file, and what is in the queue by the offset that a letter's headers name.
fn accounted(kafka: &Kafka, output: &Path) -> Result<BTreeSet<usize>> {
    let mut numbers = written(output);
    // The task creates the queue; before that nothing can be in it.
    if kafka.topics().names()?.iter().any(|name| name == "letters") {
        let letters = kafka.topics().read("letters")?;
        numbers.extend(letters.iter().filter_map(|letter| header(letter, "offset")?.parse::<usize>().ok()));
    }
    Ok(numbers)
}

fn header<'a>(letter: &'a Record, name: &str) -> Option<&'a str> {
    let name = format!("__connect.errors.{name}");
    let value = letter.headers.iter().find(|(found, _)| *found == name)?.1.as_deref()?;
    std::str::from_utf8(value).ok()
}

fn letters_tell_where_they_come_from(letters: &[Record], total: usize) -> Result<()> {
    let mut seen = BTreeSet::new();
    for letter in letters {
        let number: usize = header(letter, "offset").context("an offset")?.parse()?;
        ensure!(
            is_bad(number) && letter.value_text() == value(number, true),
            "letter {number} is not the record as it was"
        );
        for (name, expected) in [
            ("topic", "all"),
            ("partition", "0"),
            ("connector.name", "tolerant"),
            ("task.id", "0"),
            ("stage", "VALUE_CONVERTER"),
            ("class.name", "org.apache.kafka.connect.json.JsonConverter"),
            ("exception.class.name", "org.apache.kafka.connect.errors.DataException"),
            ("exception.message", "Converting byte[] to Kafka Connect data failed due to serialization error: "),
        ] {
            ensure!(header(letter, name) == Some(expected), "{name} of letter {number}: {:?}", header(letter, name));
        }
        ensure!(header(letter, "exception.stacktrace").is_some_and(|trace| !trace.is_empty()), "no stack trace");
        seen.insert(number);
    }
    ensure!(seen.into_iter().eq((0..total).filter(|number| is_bad(*number))), "not every bad record is in the queue");
    Ok(())
}

// Invariant 2.
#[test]
fn restarting_one_of_two_sink_tasks_loses_nothing() -> Result<()> {
    const PARTITIONS: i32 = 4;
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new("shared-sink")?;
    let output = scratch.join("out.txt");
    kafka.topics().create("four", PARTITIONS, &[])?;
    let worker = Sluice::distributed(&properties(kafka, "four")).start()?;
    let config = json!({ "connector.class": "FileStreamSink", "file": output, "topics": "four", "tasks.max": 2 });
    worker.rest().put_connector("two-tasks", &config)?;
    worker.rest().wait_running("two-tasks", 2, DEADLINE)?;
    let (restarts, total) = (count(3, 20), count(6_000, 60_000));
    for restart in 0..restarts {
        let numbers = restart * total / restarts..(restart + 1) * total / restarts;
        for partition in 0..PARTITIONS {
            let lines =
                numbers.clone().map(|number| (None::<&[u8]>, Some(format!("{partition} {}", numbered_line(number)))));
            kafka.topics().produce_keyed("four", Some(partition), lines)?;
        }
        worker.rest().post_empty(&format!("/connectors/two-tasks/tasks/{}/restart", restart % 2))?.expect(204)?;
    }
    wait_until("every record of every partition in the file", DEADLINE, || {
        let text = fs::read_to_string(&output)?;
        for partition in 0..PARTITIONS {
            let prefix = format!("{partition} ");
            Account::of(text.lines().filter_map(|line| line.strip_prefix(&prefix)))?
                .is_complete(total, 0)
                .with_context(|| format!("partition {partition}"))?;
        }
        anyhow::Ok(())
    })?;
    wait_until("both tasks to commit what they delivered", DEADLINE, || {
        let offsets = kafka.topics().group_offsets("connect-two-tasks", "four")?;
        ensure!(offsets.len() == 4 && offsets.values().all(|offset| *offset == total as i64), "{offsets:?}");
        Ok(())
    })?;
    worker.rest().wait_running("two-tasks", 2, DEADLINE).map(drop)
}

// Invariants 1 and 3: a compacted topic takes no record without a key.
#[test]
fn a_record_that_the_topic_refuses_fails_the_source_and_moves_no_offset() -> Result<()> {
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new("refused")?;
    let input = scratch.join("in.txt");
    fs::write(&input, "one\ntwo\n")?;
    kafka.topics().create("refused", 1, &[("cleanup.policy", "compact")])?;
    let worker = Sluice::distributed(&properties(kafka, "refused")).start()?;
    let config = json!({ "connector.class": "FileStreamSource", "file": input, "topic": "refused" });
    worker.rest().put_connector("refused", &config)?;
    let status = worker.rest().wait_state("refused", "FAILED", 1, DEADLINE)?;
    let trace = status["tasks"][0]["trace"].as_str().context("a trace")?;
    ensure!(trace.contains("topic refused"), "{trace}");
    let offsets = worker.rest().offsets("refused")?;
    ensure!(offsets == json!([]), "offsets moved: {offsets}");
    Ok(())
}

#[test]
fn a_source_creates_its_topic_as_its_rules_say() -> Result<()> {
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new("creation")?;
    let input = scratch.join("in.txt");
    fs::write(&input, "one\ntwo\n")?;
    let worker = Sluice::distributed(&properties(kafka, "creation")).start()?;
    for (topic, partitions, retention, size) in
        [("created-plain", 3, "7200000", "1048588"), ("created-big", 5, "3600000", "2000000")]
    {
        let config = json!({
            "connector.class": "FileStreamSource",
            "file": input,
            "topic": topic,
            "topic.creation.default.partitions": 3,
            "topic.creation.default.replication.factor": 1,
            "topic.creation.default.retention.ms": 7_200_000,
            "topic.creation.groups": "big",
            "topic.creation.big.include": "created-b.*",
            "topic.creation.big.partitions": 5,
            "topic.creation.big.retention.ms": 3_600_000,
            "topic.creation.big.max.message.bytes": 2_000_000,
        });
        worker.rest().put_connector(topic, &config)?;
        wait_until("both lines in the topic", DEADLINE, || match kafka.topics().read(topic) {
            Ok(records) if records.len() == 2 => Seen::Met(()),
            Ok(records) => Seen::NotYet(format!("{} records", records.len())),
            Err(error) => Seen::NotYet(format!("{error:#}")),
        })?;
        let found = kafka.topics().partitions(topic)?.len();
        ensure!(found == partitions, "topic {topic} has {found} partitions");
        let settings = kafka.topics().settings(topic)?;
        ensure!(settings["retention.ms"] == retention && settings["max.message.bytes"] == size, "{settings:?}");
    }
    Ok(())
}
