//! Exactly-once sources against a real Kafka: a reader of committed records sees each record once, whatever dies (KIP-618,
//! Invariants 1, 3, 5 and 7), and offsets topics of connectors' own.

mod several_tasks;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{
    Engine, Fault, Kafka, Properties, Random, Record, Scratch, Seen, Setup, Sluice, Worker, count, free_port,
    wait_until,
};
use sluice_kafka::wire::{ClientConfig, TransactionAdmin};
use sluice_kafka::{ErrorKind, TransactionalWriter};

use crate::accounting::{number_of, numbered_line};

const SOON: Duration = Duration::from_secs(180);

/// A file that grows, the topic that a source copies it to, and how far the topic was checked.
struct Copy<'a> {
    kafka: &'a Kafka,
    name: &'static str,
    file: PathBuf,
    written: usize,
    /// Lines seen, and the offset after the last one.
    seen: usize,
    next: i64,
}

impl<'a> Copy<'a> {
    fn new(kafka: &'a Kafka, name: &'static str, scratch: &Scratch) -> Result<Self> {
        kafka.topics().create(name, 1, &[])?;
        let file = scratch.join(format!("{name}.txt"));
        fs::File::create(&file)?;
        Ok(Self { kafka, name, file, written: 0, seen: 0, next: 0 })
    }

    fn source(&self, more: &Value) -> Value {
        let mut config = json!({ "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
            "file": self.file, "topic": self.name, "tasks.max": "1" });
        for (key, value) in more.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        config
    }

    fn grow(&mut self, lines: usize) -> Result<()> {
        append(&self.file, self.written..self.written + lines)?;
        self.written += lines;
        Ok(())
    }

    /// Reads on what is committed: the very next line each time, so none is missing, twice or out of order.
    fn look(&mut self) -> Result<usize> {
        let starts = BTreeMap::from([(0, self.next)]);
        for record in self.kafka.topics().read_from(self.name, &starts)? {
            let text = record.value_text();
            let number = number_of(&text).with_context(|| format!("not a line of the input: {text:?}"))?;
            ensure!(number == self.seen, "line {number} at offset {} where line {} belongs", record.offset, self.seen);
            self.seen += 1;
            self.next = record.offset + 1;
        }
        Ok(self.seen)
    }

    fn wait_seen(&mut self, lines: usize) -> Result<()> {
        let what = format!("{lines} lines in topic {}", self.name);
        wait_until(&what, SOON, || match self.look() {
            // A line twice or missing does not heal: it ends the wait.
            Err(error) => Seen::Met(Err(error)),
            Ok(seen) if seen >= lines => Seen::Met(Ok(())),
            Ok(seen) => Seen::NotYet(format!("{seen} lines")),
        })?
    }

    /// All lines are there, and nothing comes after them.
    fn wait_complete(&mut self) -> Result<()> {
        self.wait_seen(self.written)?;
        ensure!(self.seen == self.written, "{} lines of {}", self.seen, self.written);
        Ok(())
    }

    /// Invariant 1: the committed position is that of a prefix whose lines are all committed.
    fn offsets_are_not_ahead(&mut self, offsets_topic: &str) -> Result<()> {
        let position = stored_position(self.kafka, offsets_topic)?;
        let file = fs::read(&self.file)?;
        let prefix =
            file.get(..usize::try_from(position)?).context("the stored position is past the end of the file")?;
        let stored = prefix.iter().filter(|byte| **byte == b'\n').count();
        let seen = self.look()?;
        ensure!(stored <= seen, "the stored position is behind {stored} lines, but {seen} are committed");
        Ok(())
    }
}

fn append(file: &Path, numbers: Range<usize>) -> Result<()> {
    let text: String = numbers.map(|number| numbered_line(number) + "\n").collect();
    Ok(fs::OpenOptions::new().append(true).open(file)?.write_all(text.as_bytes())?)
}

fn stored_position(kafka: &Kafka, offsets_topic: &str) -> Result<u64> {
    let position =
        |record: &Record| serde_json::from_str::<Value>(&record.value_text()).ok()?.get("position")?.as_u64();
    Ok(kafka.topics().read(offsets_topic)?.iter().rev().find_map(position).unwrap_or(0))
}

fn worker_properties(kafka: &Kafka, name: &str) -> Properties {
    Properties::distributed(kafka, name)
        .with("exactly.once.source.support", "enabled")
        .with("session.timeout.ms", "6000")
        .with("offset.storage.partitions", "3")
}

fn offsets_topic(worker: &Worker) -> Result<String> {
    Ok(worker.properties().get("offset.storage.topic").context("an offsets topic")?.to_owned())
}

/// A random moment is what these tests are about; nothing is awaited here.
fn park(millis: u64) {
    thread::park_timeout(Duration::from_millis(millis));
}

#[test]
fn thirty_kills_during_a_copy_leave_each_record_once() -> Result<()> {
    let (kafka, scratch) = (Kafka::start()?, Scratch::new("eos-kills")?);
    let mut copy = Copy::new(&kafka, "eos-kills", &scratch)?;
    let mut worker = Sluice::distributed(&worker_properties(&kafka, "eos-kills")).start()?;
    worker.rest().put_connector("in", &copy.source(&json!({})))?.expect(201)?;
    let offsets = offsets_topic(&worker)?;
    let mut random = Random::of("eos-kills");
    let (kills, total) = (count(3, 30), count(50_000, 1_000_000));
    let mut before_the_end = 0;
    for kill in 0..kills {
        let (start, end) = (kill * total / kills, (kill + 1) * total / kills);
        copy.grow(end - start)?;
        // Somewhere within what was added, and within a transaction.
        copy.wait_seen(start + random.range(0, (end - start) as u64 / 2) as usize)?;
        park(random.range(0, 60));
        worker.kill9()?;
        copy.offsets_are_not_ahead(&offsets)?;
        before_the_end += usize::from(copy.seen < end);
        worker.restart()?;
    }
    copy.wait_complete()?;
    ensure!(worker.stop()?.success(), "{}", worker.logs());
    copy.wait_complete()?;
    eprintln!("{total} records, {kills} kills, {before_the_end} of them during the copy: each record once");
    Ok(())
}

#[test]
fn a_kill_at_either_side_of_a_commit_repeats_nothing_and_loses_nothing() -> Result<()> {
    const POINTS: [&str; 2] = ["after-produce-before-commit", "after-commit-before-callbacks"];
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("eos-points")?);
    let mut copy = Copy::new(kafka, "eos-points", &scratch)?;
    let properties = worker_properties(kafka, "eos-points");
    let part = count(10_000, 50_000);
    for point in POINTS {
        let mut worker = Sluice::distributed(&properties).with_fault(&Fault::kill(point, 3)).start()?;
        let source = copy.source(&json!({}));
        ensure!(matches!(worker.rest().put_connector("in", &source)?.status, 200 | 201));
        copy.grow(part)?;
        let ended = worker.wait_end(SOON).context("the worker to die at its fault point")?;
        ensure!(!ended.success(), "the fault point ended the worker with {ended}");
        copy.offsets_are_not_ahead(&offsets_topic(&worker)?)?;
    }
    let worker = Sluice::distributed(&properties).start()?;
    copy.wait_complete()?;
    drop(worker);
    Ok(())
}

#[test]
fn an_interval_holds_several_batches_and_a_stop_commits_the_last() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("eos-interval")?);
    let mut copy = Copy::new(kafka, "eos-interval", &scratch)?;
    let mut worker = Sluice::distributed(&worker_properties(kafka, "eos-interval")).start()?;
    let more =
        json!({ "transaction.boundary": "interval", "transaction.boundary.interval.ms": "1000", "batch.size": "100" });
    worker.rest().put_connector("in", &copy.source(&more))?.expect(201)?;
    copy.grow(5_000)?;
    copy.wait_complete()?;
    let largest = wait_until("the size of a transaction", SOON, || {
        let metrics = worker.rest().get("/metrics").map(|answer| answer.body).unwrap_or_default();
        let family = "kafka_connect_source_task_metrics_transaction_size_max{";
        let line = metrics.lines().find(|line| line.starts_with(family))?;
        line.rsplit(' ').next()?.parse::<f64>().ok().filter(|size| size.is_finite())
    })?;
    ensure!(largest > 100.0, "the largest transaction has {largest} records, a batch has 100");
    let commits = kafka.topics().read(&offsets_topic(&worker)?)?.len();
    ensure!(commits < 50, "{commits} transactions for 50 batches");
    copy.grow(1_000)?;
    park(300);
    ensure!(worker.stop()?.success(), "{}", worker.logs());
    let committed = copy.look()?;
    worker.restart()?;
    copy.wait_complete()?;
    ensure!(committed >= 5_000);
    Ok(())
}

/// Invariant 5.
#[test]
fn a_worker_that_was_frozen_writes_nothing_after_another_took_over() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("eos-zombie")?);
    let mut copy = Copy::new(kafka, "eos-zombie", &scratch)?;
    let properties = worker_properties(kafka, "eos-zombie");
    let zombie = Sluice::distributed(&properties).start()?;
    // Records wait in the open transaction when the process is frozen.
    let more = json!({ "transaction.boundary": "interval", "transaction.boundary.interval.ms": "700" });
    zombie.rest().put_connector("in", &copy.source(&more))?.expect(201)?;
    copy.grow(2_000)?;
    copy.wait_complete()?;
    copy.grow(20_000)?;
    park(200);
    zombie.server().signal("STOP")?;
    let successor = Sluice::distributed(&properties).start()?;
    successor.rest().wait_running("in", 1, SOON)?;
    copy.grow(2_000)?;
    copy.wait_complete()?;
    zombie.server().signal("CONT")?;
    wait_until("the zombie to notice", SOON, || {
        let logs = zombie.logs();
        ensure!(
            logs.contains("fenced") || logs.contains("out of the group") || logs.contains("Another worker"),
            "{logs}"
        );
        Ok(())
    })?;
    copy.grow(2_000)?;
    copy.wait_complete()?;
    eprintln!(
        "the zombie's producer was {}",
        if zombie.logs().contains("fenced") { "fenced" } else { "stopped in time" }
    );
    drop(zombie);
    copy.grow(2_000)?;
    copy.wait_complete()
}

#[test]
fn fencing_a_transactional_id_takes_the_right_to_write_from_its_owner() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.topics().create("eos-fenced", 1, &[])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bootstrap = kafka.bootstrap();
    let properties: sluice_kafka::Properties = [
        ("bootstrap.servers", bootstrap.as_str()),
        ("transactional.id", "g-eos-fenced-0"),
        ("enable.idempotence", "true"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    runtime.block_on(async {
        let record = |text: &'static str| vec![(text.into(), Some(text.into()))];
        let writer = TransactionalWriter::claim_with("eos-fenced", &properties, SOON).await?;
        writer.write(record("before"), SOON).await?;
        let admin = TransactionAdmin::new(ClientConfig::parse([("bootstrap.servers", bootstrap.as_str())])?);
        ensure!(admin.are_transactions_offered().await?);
        let ids = ["g-eos-fenced-0".to_owned(), "g-eos-fenced-never-used".to_owned()];
        admin.fence_producers(&ids, Duration::from_secs(60)).await?;
        let fenced = writer.write(record("after"), SOON).await.err().context("the write of a zombie")?;
        ensure!(fenced.kind() == ErrorKind::Fenced, "{fenced} ({:?})", fenced.kind());
        let successor = TransactionalWriter::claim_with("eos-fenced", &properties, SOON).await?;
        successor.write(record("successor"), SOON).await?;
        anyhow::Ok(())
    })?;
    let values: Vec<String> = kafka.topics().read("eos-fenced")?.iter().map(Record::value_text).collect();
    ensure!(values == ["before", "successor"], "{values:?}");
    Ok(())
}

#[test]
fn a_connector_of_kafka_connect_with_exactly_once_is_taken_over_and_taken_back() -> Result<()> {
    const PART: usize = 3_000;
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("eos-takeover")?);
    let mut copy = Copy::new(kafka, "eos-takeover", &scratch)?;
    let properties =
        worker_properties(kafka, "eos-takeover").with("listeners", &format!("http://127.0.0.1:{}", free_port()?));
    let mut committed = Vec::new();
    for (turn, engine) in [Engine::Oracle, Engine::Sluice, Engine::Oracle].into_iter().enumerate() {
        let mut worker =
            Setup::distributed(engine, &properties).start().with_context(|| format!("starting {engine:?}"))?;
        if turn == 0 {
            worker.rest().put_connector("in", &copy.source(&json!({})))?.expect(201)?;
        }
        copy.grow(PART)?;
        copy.wait_complete()?;
        worker.rest().wait_running("in", 1, SOON)?;
        wait_until("the position of the whole file", SOON, || {
            let offsets = worker.rest().offsets("in")?;
            let bytes = fs::metadata(&copy.file)?.len();
            ensure!(offsets[0]["offset"]["position"] == bytes, "{offsets} instead of {bytes}");
            Ok(())
        })?;
        committed.push(worker.rest().offsets("in")?);
        // The middle one dies with what it has open, the others end well.
        if turn == 1 {
            copy.grow(PART)?;
            worker.kill9()?;
        } else {
            worker.stop()?;
        }
    }
    copy.wait_complete()?;
    let configs = properties.get("config.storage.topic").context("a config topic")?;
    let fencing: Vec<String> = kafka
        .topics()
        .read(configs)?
        .iter()
        .filter(|record| record.key_text() == "tasks-fencing-in")
        .map(Record::value_text)
        .collect();
    ensure!(fencing.first().is_some_and(|record| record == r#"{"task-count":1}"#), "{fencing:?}");
    Ok(())
}

#[test]
fn offsets_are_altered_and_forgotten_in_transactions_after_fencing() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("eos-alter")?);
    let file = scratch.join("in.txt");
    fs::write(&file, "one\ntwo\nthree\n")?;
    kafka.topics().create("eos-alter", 1, &[])?;
    let worker = Sluice::distributed(&worker_properties(kafka, "eos-alter")).start()?;
    let source = json!({ "connector.class": "FileStreamSource", "file": file, "topic": "eos-alter" });
    worker.rest().put_connector("in", &source)?.expect(201)?;
    let values =
        || -> Result<Vec<String>> { Ok(kafka.topics().read("eos-alter")?.iter().map(Record::value_text).collect()) };
    let wait_values = |wanted: &[&str]| {
        wait_until("the lines", SOON, || {
            let values = values()?;
            ensure!(values == wanted, "{values:?}");
            Ok(())
        })
    };
    wait_values(&["one", "two", "three"])?;
    worker.rest().stop("in")?;
    worker.rest().wait_state("in", "STOPPED", 0, SOON)?;
    let altered = json!({ "offsets": [{ "partition": { "filename": file }, "offset": { "position": 4 } }] });
    worker.rest().patch("/connectors/in/offsets", &altered)?.expect(200)?;
    ensure!(worker.rest().offsets("in")?[0]["offset"]["position"] == 4, "{}", worker.rest().offsets("in")?);
    worker.rest().resume("in")?;
    wait_values(&["one", "two", "three", "two", "three"])?;
    worker.rest().stop("in")?;
    worker.rest().wait_state("in", "STOPPED", 0, SOON)?;
    worker.rest().delete("/connectors/in/offsets")?.expect(200)?;
    ensure!(worker.rest().offsets("in")? == json!([]), "{}", worker.rest().offsets("in")?);
    worker.rest().resume("in")?;
    wait_values(&["one", "two", "three", "two", "three", "one", "two", "three"])
}

/// At least once and exactly once; the topic is created like the worker's, and the worker's gets a copy.
#[test]
fn an_offsets_topic_of_its_own_comes_first_and_the_workers_stands_in() -> Result<()> {
    for support in ["disabled", "enabled"] {
        let name: &'static str = if support == "enabled" { "eos-own" } else { "alo-own" };
        let (kafka, scratch) = (Kafka::shared()?, Scratch::new(name)?);
        let mut copy = Copy::new(kafka, name, &scratch)?;
        let properties = worker_properties(kafka, name).with("exactly.once.source.support", support);
        let worker = Sluice::distributed(&properties).start()?;
        let own = format!("{name}-own-offsets");
        let with_own = copy.source(&json!({ "offsets.storage.topic": own }));
        worker.rest().put_connector("in", &with_own)?.expect(201)?;
        copy.grow(500)?;
        copy.wait_complete()?;
        let bytes = fs::metadata(&copy.file)?.len();
        for topic in [&own, &offsets_topic(&worker)?] {
            wait_until(&format!("the position in topic {topic} ({support})"), SOON, || {
                let position = stored_position(kafka, topic)?;
                ensure!(position == bytes, "{position} of {bytes}");
                Ok(())
            })?;
        }
        ensure!(kafka.topics().settings(&own)?["cleanup.policy"] == "compact");
        ensure!(kafka.topics().partitions(&own)?.len() == 3);
        ensure!(worker.rest().offsets("in")?[0]["offset"]["position"] == bytes, "{}", worker.rest().offsets("in")?);

        // Altered and forgotten in both.
        worker.rest().stop("in")?;
        worker.rest().wait_state("in", "STOPPED", 0, SOON)?;
        let altered = json!({ "offsets": [{ "partition": { "filename": copy.file }, "offset": { "position": 0 } }] });
        worker.rest().patch("/connectors/in/offsets", &altered)?.expect(200)?;
        ensure!(worker.rest().offsets("in")?[0]["offset"]["position"] == 0, "{support}");
        worker.rest().delete("/connectors/in/offsets")?.expect(200)?;
        ensure!(worker.rest().offsets("in")? == json!([]), "{support}");
        let altered =
            json!({ "offsets": [{ "partition": { "filename": copy.file }, "offset": { "position": bytes } }] });
        worker.rest().patch("/connectors/in/offsets", &altered)?.expect(200)?;

        // Without the topic of its own it goes on from the worker's.
        worker.rest().put_connector("in", &copy.source(&json!({})))?.expect(200)?;
        worker.rest().resume("in")?;
        copy.grow(500)?;
        copy.wait_complete()?;
    }
    Ok(())
}

#[test]
fn preparing_writes_the_config_topic_in_transactions_and_runs_sources_as_before() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("eos-preparing")?);
    let mut copy = Copy::new(kafka, "eos-preparing", &scratch)?;
    let properties = worker_properties(kafka, "eos-preparing").with("exactly.once.source.support", "preparing");
    let worker = Sluice::distributed(&properties).start()?;
    worker.rest().put_connector("in", &copy.source(&json!({})))?.expect(201)?;
    copy.grow(500)?;
    copy.wait_complete()?;
    let configs = worker.properties().get("config.storage.topic").context("a config topic")?;
    let (records, end) = (kafka.topics().read(configs)?, kafka.topics().end_offsets(configs)?[&0]);
    let markers = usize::try_from(end)? - records.len();
    ensure!(markers >= 3, "{markers} transaction markers after {} records", records.len());
    ensure!(
        !records.iter().any(|record| record.key_text().starts_with("tasks-fencing")),
        "sources are not exactly-once yet"
    );
    Ok(())
}

#[test]
fn a_broker_without_transactions_is_refused_with_the_reason() -> Result<()> {
    let scratch = Scratch::new("eos-embedded")?;
    let (broker, port) = (free_port()?, free_port()?);
    let dev = Sluice::command(scratch.join("dev"))?.arg("dev").arg("--data-dir").arg(scratch.join("data"));
    let dev = dev.arg("--port").arg(port.to_string()).arg("--broker-port").arg(broker.to_string()).start()?;
    sluice_harness::Rest::at(&format!("127.0.0.1:{port}")).wait_healthy(SOON)?;
    let bootstrap = format!("127.0.0.1:{broker}");
    for support in ["preparing", "enabled"] {
        let properties = worker_properties(Kafka::shared()?, "eos-embedded")
            .with("bootstrap.servers", &bootstrap)
            .with("exactly.once.source.support", support);
        let mut worker = Sluice::distributed(&properties).launch()?;
        let ended = worker.wait_end(SOON)?;
        ensure!(!ended.success(), "{ended}");
        let logs = worker.logs();
        ensure!(logs.contains("`exactly.once.source.support` needs a Kafka cluster with transactions"), "{logs}");
        ensure!(logs.contains(&bootstrap), "{logs}");
    }
    drop(dev);
    Ok(())
}
