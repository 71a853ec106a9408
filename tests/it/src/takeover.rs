//! A worker is replaced by the other implementation and goes on where it was: internal topics, offset file and group are shared
//! by Apache Kafka Connect and Sluice (Invariants 1, 2, 5 and 6).

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Engine, Kafka, Properties, Rest, Scratch, Setup, Worker, free_port, wait_until};

use crate::accounting::{Account, numbered_line};

const SOON: Duration = Duration::from_secs(90);
/// What is appended to every input while each worker runs, or while none does.
const PART: usize = 400;

/// One input file that grows, and the topic that a source copies it to.
struct Feed {
    name: &'static str,
    file: PathBuf,
    lines: usize,
}

impl Feed {
    fn new(name: &'static str, scratch: &Scratch) -> Result<Self> {
        let mut feed = Feed { name, file: scratch.join(format!("{name}.txt")), lines: 0 };
        feed.grow()?;
        Ok(feed)
    }

    fn grow(&mut self) -> Result<()> {
        append(&self.file, self.lines..self.lines + PART)?;
        self.lines += PART;
        Ok(())
    }

    fn source(&self) -> Value {
        json!({ "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "file": self.file, "topic": self.name })
    }

    /// Every line is in the topic, and none twice.
    fn wait_copied(&self, kafka: &Kafka, lines: usize) -> Result<()> {
        wait_until(&format!("{lines} lines in topic {}", self.name), SOON, || {
            let records = kafka.topics().read(self.name)?;
            let texts: Vec<String> = records.iter().map(sluice_harness::Record::value_text).collect();
            exactly(texts.iter().map(String::as_str), lines)
        })
    }
}

fn append(file: &Path, numbers: Range<usize>) -> Result<()> {
    let text: String = numbers.map(|number| numbered_line(number) + "\n").collect();
    Ok(fs::OpenOptions::new().create(true).append(true).open(file)?.write_all(text.as_bytes())?)
}

fn exactly<'a>(lines: impl Iterator<Item = &'a str>, total: usize) -> Result<()> {
    let account = Account::of(lines)?;
    account.is_complete(total, 0)?;
    ensure!(account.duplicates() == 0, "{} lines are there more than once", account.duplicates());
    Ok(())
}

fn wait_written(file: &Path, lines: usize) -> Result<()> {
    wait_until(&format!("{lines} lines in {}", file.display()), SOON, || {
        exactly(fs::read_to_string(file).unwrap_or_default().lines(), lines)
    })
}

fn start(engine: Engine, properties: &Properties) -> Result<Worker> {
    Setup::distributed(engine, properties).start().with_context(|| format!("starting {engine:?}"))
}

/// What REST says of every connector besides where it runs: type, config, tasks, states, offsets.
fn picture(rest: &Rest) -> Result<BTreeMap<String, Value>> {
    let names = rest.get("/connectors")?.expect(200)?.json()?;
    let names = names.as_array().context("a list of connectors")?.iter().filter_map(Value::as_str);
    names
        .map(|name| {
            let state = |of: &Value| of["state"].clone();
            let status = rest.status(name)?;
            let tasks: Vec<Value> = status["tasks"].as_array().into_iter().flatten().map(state).collect();
            let info = rest.get(&format!("/connectors/{name}"))?.expect(200)?.json()?;
            let task_configs = rest.get(&format!("/connectors/{name}/tasks"))?.expect(200)?.json()?;
            let topics = rest.get(&format!("/connectors/{name}/topics"))?.expect(200)?.json()?;
            let seen = json!({ "info": info, "task configs": task_configs, "state": state(&status["connector"]), "tasks": tasks,
                "offsets": rest.offsets(name)?, "topics": topics });
            Ok((name.to_owned(), seen))
        })
        .collect()
}

/// The same picture on the worker that took over.
fn wait_same(worker: &Worker, before: &BTreeMap<String, Value>) -> Result<()> {
    wait_until("everything to be as it was before", SOON, || {
        let now = picture(worker.rest())?;
        ensure!(now == *before, "before: {before:#?}\nnow: {now:#?}");
        Ok(())
    })
}

#[test]
fn the_topics_of_kafka_connect_are_taken_over_and_taken_back() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("takeover")?);
    let output = scratch.join("out.txt");
    let mut feeds = ["takeover-runs", "takeover-paused", "takeover-stopped"].map(|name| Feed::new(name, &scratch));
    let [runs, paused, stopped] = feeds.each_mut().map(|feed| feed.as_mut().expect("the folder can be written"));
    let properties =
        Properties::distributed(kafka, "takeover").with("listeners", &format!("http://127.0.0.1:{}", free_port()?));

    let mut jvm = start(Engine::Oracle, &properties)?;
    for feed in [&*runs, &*paused, &*stopped] {
        jvm.rest().put_connector(feed.name, &feed.source())?.expect(201)?;
    }
    let sink = json!({ "connector.class": "FileStreamSink", "file": output, "topics": runs.name, "tasks.max": "1" });
    jvm.rest().put_connector("takeover-sink", &sink)?.expect(201)?;
    for feed in [&*runs, &*paused, &*stopped] {
        feed.wait_copied(kafka, PART)?;
    }
    wait_written(&output, PART)?;
    jvm.rest().pause(paused.name)?;
    jvm.rest().stop(stopped.name)?;
    jvm.rest().wait_state(paused.name, "PAUSED", 1, SOON)?;
    jvm.rest().wait_state(stopped.name, "STOPPED", 0, SOON)?;
    for feed in [&*runs, &*paused, &*stopped] {
        wait_offsets(&jvm, feed, PART)?;
    }
    wait_consumed(&jvm, "takeover-sink", PART)?;
    let before = picture(jvm.rest())?;
    jvm.stop()?;
    drop(jvm);

    // Taken over: everything is as it was, and goes on with what was written while nobody worked.
    let mut sluice = start(Engine::Sluice, &properties)?;
    wait_same(&sluice, &before)?;
    for feed in [&mut *runs, &mut *paused, &mut *stopped] {
        feed.grow()?;
    }
    runs.wait_copied(kafka, 2 * PART)?;
    wait_written(&output, 2 * PART)?;
    paused.wait_copied(kafka, PART)?;
    stopped.wait_copied(kafka, PART)?;
    sluice.rest().resume(paused.name)?;
    paused.wait_copied(kafka, 2 * PART)?;
    sluice.rest().pause(runs.name)?;
    sluice.rest().wait_state(runs.name, "PAUSED", 1, SOON)?;
    sluice.rest().put_connector("takeover-short", &paused.source())?.expect(201)?;
    sluice.rest().remove_connector("takeover-short", SOON)?;
    for feed in [&*runs, &*paused] {
        wait_offsets(&sluice, feed, 2 * PART)?;
    }
    wait_consumed(&sluice, "takeover-sink", 2 * PART)?;
    let before = picture(sluice.rest())?;
    ensure!(sluice.stop()?.success(), "{}", sluice.logs());
    drop(sluice);
    for feed in [&mut *runs, &mut *paused, &mut *stopped] {
        feed.grow()?;
    }

    // Taken back: states that Sluice changed are kept; the stopped source goes on from where the JVM worker once was.
    let jvm = start(Engine::Oracle, &properties)?;
    jvm.rest().wait_state(runs.name, "PAUSED", 1, SOON)?;
    ensure!(picture(jvm.rest())?.keys().eq(before.keys()), "the same connectors");
    paused.wait_copied(kafka, 3 * PART)?;
    runs.wait_copied(kafka, 2 * PART)?;
    for feed in [&*runs, &*stopped] {
        jvm.rest().resume(feed.name)?;
        feed.wait_copied(kafka, 3 * PART)?;
    }
    wait_written(&output, 3 * PART)
}

/// Waits until the stored position of a source is behind its first `lines` lines.
fn wait_offsets(worker: &Worker, feed: &Feed, lines: usize) -> Result<()> {
    let bytes: usize = (0..lines).map(|number| numbered_line(number).len() + 1).sum();
    let wanted = json!([{ "partition": { "filename": feed.file }, "offset": { "position": bytes } }]);
    wait_until(&format!("the stored position of {}", feed.name), SOON, || {
        let offsets = worker.rest().offsets(feed.name)?;
        ensure!(offsets == wanted, "{offsets} instead of {wanted}");
        Ok(())
    })
}

/// Waits until the committed offset of a sink of one partition is `records`.
fn wait_consumed(worker: &Worker, sink: &str, records: usize) -> Result<()> {
    wait_until(&format!("the committed offset of {sink}"), SOON, || {
        let offsets = worker.rest().offsets(sink)?;
        ensure!(offsets[0]["offset"]["kafka_offset"] == records, "{offsets}");
        Ok(())
    })
}

#[test]
fn the_offset_file_is_read_by_both() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("takeover-file")?);
    let (mut feed, output) = (Feed::new("takeover-file", &scratch)?, scratch.join("out.txt"));
    let source = connector_file(&scratch, "source.properties", "takeover-file-in", &feed.source())?;
    let sink = json!({ "connector.class": "FileStreamSink", "file": output, "topics": feed.name });
    let sink = connector_file(&scratch, "sink.properties", "takeover-file-out", &sink)?;
    let properties = Properties::standalone(kafka, &scratch.join("offsets"));
    for engine in [Engine::Oracle, Engine::Sluice, Engine::Oracle] {
        let mut worker = Setup::standalone(engine, &properties, &[&source, &sink]).start()?;
        feed.wait_copied(kafka, feed.lines).with_context(|| format!("{engine:?}: {}", worker.logs()))?;
        wait_written(&output, feed.lines).with_context(|| format!("{engine:?}: {}", worker.logs()))?;
        feed.grow()?;
        feed.wait_copied(kafka, feed.lines)?;
        wait_written(&output, feed.lines)?;
        worker.stop()?;
        feed.grow()?;
    }
    Ok(())
}

fn connector_file(scratch: &Scratch, file: &str, name: &str, config: &Value) -> Result<PathBuf> {
    let config = config.as_object().context("a config")?.iter();
    let properties = Properties::new().with("name", name);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let properties = config.fold(properties, |properties, (key, value)| properties.with(key, &text(value)));
    let path = scratch.join(file);
    fs::write(&path, properties.text())?;
    Ok(path)
}

// Invariant 5.
#[test]
fn work_goes_from_a_jvm_worker_to_its_neighbour_in_the_group_and_back() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("takeover-group")?);
    let mut feed = Feed::new("takeover-group", &scratch)?;
    let properties = Properties::distributed(kafka, "takeover-group");
    let mut jvm = start(Engine::Oracle, &properties)?;
    jvm.rest().put_connector(feed.name, &feed.source())?.expect(201)?;
    feed.wait_copied(kafka, PART)?;

    let mut sluice = start(Engine::Sluice, &properties)?;
    feed.grow()?;
    feed.wait_copied(kafka, 2 * PART)?;
    jvm.stop()?;
    wait_runs_on(&sluice, feed.name, &sluice)?;
    feed.grow()?;
    feed.wait_copied(kafka, 3 * PART)?;

    jvm.restart()?;
    sluice.stop()?;
    wait_runs_on(&jvm, feed.name, &jvm)?;
    feed.grow()?;
    feed.wait_copied(kafka, 4 * PART)
}

/// The connector and its task are RUNNING on `owner`, as `asked` tells.
fn wait_runs_on(asked: &Worker, connector: &str, owner: &Worker) -> Result<()> {
    wait_until(&format!("{connector} to run on {}", owner.id()), SOON, || {
        let status = asked.rest().status(connector)?;
        let runs = |of: &Value| of["state"] == "RUNNING" && of["worker_id"] == owner.id();
        ensure!(runs(&status["connector"]) && runs(&status["tasks"][0]), "{status}");
        Ok(())
    })
}
