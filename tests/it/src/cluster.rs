//! Several Sluice workers as one group: they share the work, and none of it is lost or done by two when one of them dies, is paused,
//! or comes back (Invariants 1, 3, 4 and 5).

mod agreement;
mod bad_input;
mod exactly_once;
mod faults;
mod rounds;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, Record, Scratch, Setup, Sluice, Worker, count, wait_until};

use crate::accounting::{Account, numbered_line};

/// After a fault the group settles within its session, the delay and 10 s; the machine may be busy.
const SETTLED: Duration = Duration::from_secs(120);
const WORKERS: usize = 3;

/// Connectors of each kind, with one task each.
fn connectors() -> usize {
    count(4, 12)
}

/// Lines per source in each part of a test.
fn part() -> usize {
    count(2_000, 20_000)
}

/// A file that a source copies to a topic, from where a sink copies it to another file.
struct Feed {
    name: String,
    input: PathBuf,
    output: PathBuf,
    lines: usize,
}

impl Feed {
    fn source(&self) -> Value {
        json!({ "connector.class": "FileStreamSource", "file": self.input, "topic": self.name, "tasks.max": 1 })
    }

    fn sink(&self) -> Value {
        json!({ "connector.class": "FileStreamSink", "file": self.output, "topics": self.name, "tasks.max": 1 })
    }

    fn grow(&mut self) -> Result<()> {
        let text: String = (self.lines..self.lines + part()).map(|number| numbered_line(number) + "\n").collect();
        fs::OpenOptions::new().create(true).append(true).open(&self.input)?.write_all(text.as_bytes())?;
        self.lines += part();
        Ok(())
    }

    /// Every line is in the topic, in order, at least once.
    fn topic_account(&self, kafka: &Kafka) -> Result<Account> {
        let records = kafka.topics().read(&self.name)?;
        let texts: Vec<String> = records.iter().map(Record::value_text).collect();
        let account = Account::of(texts.iter().map(String::as_str))?;
        account.is_complete(self.lines, 0)?;
        Ok(account)
    }

    /// Every line is in the sink's file; a worker that was killed while it wrote may have cut one.
    fn file_account(&self, cut: usize) -> Result<()> {
        Account::of(fs::read_to_string(&self.output).unwrap_or_default().lines())?.is_complete(self.lines, cut)
    }
}

/// Workers on a broker of their own, with data flowing through them.
struct Cluster {
    kafka: Kafka,
    workers: Vec<Worker>,
    feeds: Vec<Feed>,
    /// Files of sources and sinks; goes last.
    _scratch: Scratch,
}

impl Cluster {
    /// Workers whose session ends after 6 s, and feeds that have begun to flow.
    fn start(name: &str, delay_ms: u32) -> Result<Self> {
        let (kafka, scratch) = (Kafka::start()?, Scratch::new(name)?);
        let properties = Properties::distributed(&kafka, name)
            .with("offset.flush.interval.ms", "500")
            .with("session.timeout.ms", "6000")
            .with("heartbeat.interval.ms", "1500")
            .with("scheduled.rebalance.max.delay.ms", &delay_ms.to_string());
        let workers: Vec<Worker> =
            (0..WORKERS).map(|_| Sluice::distributed(&properties)).map(Setup::start).collect::<Result<_>>()?;
        let mut feeds = Vec::new();
        for number in 0..connectors() / 2 {
            let name = format!("feed-{number}");
            let (input, output) = (scratch.join(format!("{name}.in")), scratch.join(format!("{name}.out")));
            kafka.topics().create(&name, 1, &[])?;
            feeds.push(Feed { name, input, output, lines: 0 });
        }
        let mut cluster = Self { kafka, workers, feeds, _scratch: scratch };
        cluster.grow()?;
        for (number, feed) in cluster.feeds.iter().enumerate() {
            // Any worker takes the request.
            let rest = cluster.workers[number % WORKERS].rest();
            rest.put_connector(&format!("{}-source", feed.name), &feed.source())?.expect(201)?;
            rest.put_connector(&format!("{}-sink", feed.name), &feed.sink())?.expect(201)?;
        }
        cluster.settled()?;
        Ok(cluster)
    }

    fn grow(&mut self) -> Result<()> {
        self.feeds.iter_mut().try_for_each(Feed::grow)
    }

    fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.feeds.iter().flat_map(|feed| ["source", "sink"].map(|kind| format!("{}-{kind}", feed.name)))
    }

    /// Waits until all workers say the same: everything is RUNNING, shared out evenly among those that are alive.
    fn settled(&self) -> Result<()> {
        self.settled_among(&(0..self.workers.len()).collect::<Vec<_>>())
    }

    fn settled_among(&self, alive: &[usize]) -> Result<()> {
        let settled = wait_until(&format!("workers {alive:?} to share the work"), SETTLED, || {
            let mut pictures = BTreeSet::new();
            for worker in alive {
                pictures.insert(self.picture(*worker)?);
            }
            ensure!(pictures.len() == 1, "workers do not agree: {pictures:#?}");
            let expected: BTreeSet<&str> = alive.iter().map(|worker| self.workers[*worker].id()).collect();
            for kind in ["connector", "task"] {
                let mut loads: BTreeMap<&str, usize> = expected.iter().map(|id| (*id, 0)).collect();
                for (item, owner) in pictures.iter().flatten().filter(|(item, _)| item.starts_with(kind)) {
                    match loads.get_mut(owner.as_str()) {
                        Some(load) => *load += 1,
                        None => bail!("{item} is with {owner}, which is not there"),
                    }
                }
                let (least, most) = (loads.values().min().copied(), loads.values().max().copied());
                ensure!(most.unwrap_or(0) - least.unwrap_or(0) <= 1, "not balanced: {loads:?}");
            }
            Ok(())
        });
        settled.with_context(|| self.logs())
    }

    /// Who runs what, as one worker tells; an error when something is not RUNNING.
    fn picture(&self, worker: usize) -> Result<BTreeMap<String, String>> {
        let mut owners = BTreeMap::new();
        for name in self.names() {
            let status = self.workers[worker].rest().status(&name)?;
            let mut note = |item: String, status: &Value| {
                ensure!(status["state"] == "RUNNING", "{item}: {status}");
                owners.insert(item, status["worker_id"].as_str().unwrap_or_default().to_owned());
                Ok(())
            };
            note(format!("connector {name}"), &status["connector"])?;
            let tasks = status["tasks"].as_array().context("a list of tasks")?;
            ensure!(tasks.len() == 1, "{name} has tasks {tasks:?}");
            note(format!("task {name}-0"), &tasks[0])?;
        }
        Ok(owners)
    }

    /// The worker that leads, by number.
    fn leader(&self, asked: usize) -> Result<usize> {
        let metrics = self.workers[asked].rest().get("/metrics")?.body;
        let line = metrics.lines().find(|line| line.contains("leader_name{")).context("no leader in the metrics")?;
        let leads = |worker: &Worker| line.contains(worker.id());
        self.workers.iter().position(leads).with_context(|| format!("an unknown leader: {line}"))
    }

    /// Waits until every line of every feed has arrived; duplicates in topics in all.
    fn all_arrived(&self, cut: usize) -> Result<usize> {
        let mut duplicates = 0;
        for feed in &self.feeds {
            let copied = wait_until(&format!("{} lines in topic {}", feed.lines, feed.name), SETTLED, || {
                feed.topic_account(&self.kafka)
            });
            duplicates += copied.with_context(|| self.logs())?.duplicates();
            let sunk = wait_until(&format!("{} lines of {} in the file", feed.lines, feed.name), SETTLED, || {
                feed.file_account(cut)
            });
            sunk.with_context(|| self.logs())?;
        }
        Ok(duplicates)
    }

    fn logs(&self) -> String {
        self.workers.iter().map(|worker| format!("======= {}\n{}", worker.id(), worker.server().last_words())).collect()
    }
}
