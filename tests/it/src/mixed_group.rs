//! Workers of both kinds in one group: each takes requests for all, leadership moves both ways, session keys are accepted both ways, and
//! all are replaced one by one while data flows (Invariants 1, 4 and 5).

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Engine, Kafka, Properties, Record, Scratch, Setup, Worker, wait_until};

use crate::accounting::{Account, numbered_line};

/// A rebalance of three workers with JVMs among them on a busy machine.
const SOON: Duration = Duration::from_secs(120);
const PART: usize = 200;

fn start(engine: Engine, properties: &Properties) -> Result<Worker> {
    Setup::distributed(engine, properties).start().with_context(|| format!("starting {engine:?}"))
}

/// A file that grows and the topic that a source copies it to.
struct Feed {
    name: String,
    file: PathBuf,
    lines: usize,
}

impl Feed {
    fn new(name: &str, scratch: &Scratch) -> Result<Self> {
        let mut feed = Feed { name: name.to_owned(), file: scratch.join(format!("{name}.txt")), lines: 0 };
        feed.grow()?;
        Ok(feed)
    }

    fn grow(&mut self) -> Result<()> {
        let text: String = (self.lines..self.lines + PART).map(|number| numbered_line(number) + "\n").collect();
        fs::OpenOptions::new().create(true).append(true).open(&self.file)?.write_all(text.as_bytes())?;
        self.lines += PART;
        Ok(())
    }

    fn source(&self) -> Value {
        json!({ "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "file": self.file, "topic": self.name })
    }

    /// Every line is in the topic; some may be there twice when an owner was replaced.
    fn wait_copied(&self, kafka: &Kafka) -> Result<Account> {
        wait_until(&format!("{} lines in topic {}", self.lines, self.name), SOON, || {
            let records = kafka.topics().read(&self.name)?;
            let texts: Vec<String> = records.iter().map(Record::value_text).collect();
            let account = Account::of(texts.iter().map(String::as_str))?;
            account.is_complete(self.lines, 0)?;
            Ok(account)
        })
    }
}

/// Every worker says that the connector and its task are in the state.
fn wait_everywhere(workers: &[&Worker], name: &str, state: &str, tasks: usize) -> Result<()> {
    let logs = || workers.iter().map(|worker| worker.logs()).collect::<Vec<_>>().join("\n=======\n");
    let mut waits = workers.iter().map(|worker| worker.rest().wait_state(name, state, tasks, SOON).map(drop));
    waits.try_for_each(|wait| wait).with_context(logs)
}

/// Who runs the instance of each connector, as one worker tells.
fn owners(worker: &Worker, names: &[String]) -> Result<Vec<String>> {
    let owner = |name: &String| {
        Ok(worker.rest().status(name)?["connector"]["worker_id"].as_str().unwrap_or_default().to_owned())
    };
    names.iter().map(owner).collect()
}

/// A connector's life through one worker, seen on all.
fn live_through(asked: &Worker, workers: &[&Worker], feed: &mut Feed, kafka: &Kafka) -> Result<()> {
    let (rest, name) = (asked.rest(), feed.name.clone());
    rest.put_connector(&name, &feed.source())?.expect(201)?;
    wait_everywhere(workers, &name, "RUNNING", 1)?;
    feed.wait_copied(kafka)?;
    rest.pause(&name)?;
    wait_everywhere(workers, &name, "PAUSED", 1)?;
    rest.resume(&name)?;
    wait_everywhere(workers, &name, "RUNNING", 1)?;
    let mut config = feed.source();
    config["batch.size"] = "100".into();
    rest.put_connector(&name, &config)?.expect(200)?;
    wait_until(&format!("the task of {name} to have its new config"), SOON, || {
        for worker in workers {
            let tasks = worker.rest().get(&format!("/connectors/{name}/tasks"))?.expect(200)?.json()?;
            ensure!(tasks[0]["config"]["batch.size"] == "100", "{tasks}");
        }
        Ok(())
    })?;
    wait_everywhere(workers, &name, "RUNNING", 1)?;
    feed.grow()?;
    feed.wait_copied(kafka)?;
    rest.post_empty(&format!("/connectors/{name}/restart?includeTasks=true"))?.expect(202)?;
    wait_everywhere(workers, &name, "RUNNING", 1)?;
    rest.stop(&name)?;
    wait_everywhere(workers, &name, "STOPPED", 0)?;
    rest.remove_connector(&name, SOON)?;
    wait_until(&format!("{name} to be gone everywhere"), SOON, || {
        for worker in workers {
            worker.rest().get(&format!("/connectors/{name}"))?.expect(404)?;
        }
        Ok(())
    })
}

/// With as many connectors as workers every worker has one, and each one's task configs were committed by the leader: a follower's
/// came signed from the other kind of worker.
fn everybody_works(asked: &Worker, workers: &[&Worker], kafka: &Kafka, scratch: &Scratch, round: &str) -> Result<()> {
    let names: Vec<String> = (0..workers.len()).map(|number| format!("mixed-{round}-{number}")).collect();
    let feeds: Vec<Feed> = names.iter().map(|name| Feed::new(name, scratch)).collect::<Result<_>>()?;
    for feed in &feeds {
        asked.rest().put_connector(&feed.name, &feed.source())?.expect(201)?;
    }
    for feed in &feeds {
        wait_everywhere(workers, &feed.name, "RUNNING", 1)?;
        feed.wait_copied(kafka)?;
    }
    let mut found = owners(asked, &names)?;
    found.sort();
    let mut expected: Vec<String> = workers.iter().map(|worker| worker.id().to_owned()).collect();
    expected.sort();
    ensure!(found == expected, "the instances run on {found:?}");
    names.iter().try_for_each(|name| asked.rest().remove_connector(name, SOON))
}

#[test]
fn each_worker_takes_requests_for_all_whoever_leads() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("mixed")?);
    let properties = Properties::distributed(kafka, "mixed");
    // A JVM worker leads.
    let mut jvm = start(Engine::Oracle, &properties)?;
    let mut other_jvm = start(Engine::Oracle, &properties)?;
    let sluice = start(Engine::Sluice, &properties)?;
    let all = [&jvm, &other_jvm, &sluice];
    everybody_works(&sluice, &all, kafka, &scratch, "jvm-leads")?;
    for (name, asked) in [("mixed-a", &jvm), ("mixed-b", &other_jvm), ("mixed-c", &sluice)] {
        live_through(asked, &all, &mut Feed::new(name, &scratch)?, kafka)?;
    }
    // Leadership moves to the Sluice worker, and stays there when the others come back.
    jvm.stop()?;
    other_jvm.stop()?;
    wait_until("the Sluice worker to lead", SOON, || {
        let metrics = sluice.rest().get("/metrics")?.body;
        let leads = metrics.lines().any(|line| line.contains("leader_name") && line.contains(sluice.id()));
        ensure!(leads, "{metrics}");
        Ok(())
    })?;
    jvm.restart()?;
    other_jvm.restart()?;
    let all = [&jvm, &other_jvm, &sluice];
    everybody_works(&jvm, &all, kafka, &scratch, "sluice-leads")?;
    for (name, asked) in [("mixed-d", &jvm), ("mixed-e", &sluice)] {
        live_through(asked, &all, &mut Feed::new(name, &scratch)?, kafka)?;
    }
    Ok(())
}

#[test]
fn all_three_are_replaced_one_by_one_and_back_while_data_flows() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("replaced")?);
    let properties = Properties::distributed(kafka, "replaced");
    let mut workers: Vec<Worker> = Vec::new();
    for engine in [Engine::Oracle; 3] {
        workers.push(start(engine, &properties)?);
    }
    let mut feeds: Vec<Feed> =
        (0..3).map(|number| Feed::new(&format!("replaced-{number}"), &scratch)).collect::<Result<_>>()?;
    for feed in &feeds {
        workers[0].rest().put_connector(&feed.name, &feed.source())?.expect(201)?;
        feed.wait_copied(kafka)?;
    }
    for engine in [Engine::Sluice, Engine::Oracle] {
        for _ in 0..3 {
            let replacement = start(engine, &properties)?;
            feeds.iter_mut().try_for_each(Feed::grow)?;
            workers.remove(0).stop()?;
            workers.push(replacement);
            let all: Vec<&Worker> = workers.iter().collect();
            feeds.iter_mut().try_for_each(Feed::grow)?;
            for feed in &feeds {
                feed.wait_copied(kafka)?;
                wait_everywhere(&all, &feed.name, "RUNNING", 1)?;
            }
        }
    }
    // Every worker stopped gracefully, so nothing was sent twice.
    for feed in &feeds {
        let account = feed.wait_copied(kafka)?;
        ensure!(account.duplicates() == 0, "{}: {} lines twice", feed.name, account.duplicates());
    }
    Ok(())
}
