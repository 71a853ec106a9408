//! Workers behind fault proxies, counters and sinks that run on them, and what is known of their topics and files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{
    EndWatch, Kafka, Properties, Proxy, Random, Scratch, Sluice, Worker, test_worker_binary, wait_until,
};

use super::ledger::{Expelled, Found, Ledger, Sunk};
use super::picture::{self, Picture};
use super::{SESSION, SETTLED, WORKERS, delay};

/// What a producer puts into one request at most.
pub(super) const BATCH_BYTES: usize = 16_384;
/// Of every connector.
const TASKS: usize = 4;
const GROUP: &str = "rounds";

/// A counter and what its topic holds.
struct Counter {
    ledger: Ledger,
    ends: EndWatch,
    batch_size: u64,
    /// Deleted ones write no more.
    lives: bool,
}

/// A sink of a counter's topic.
struct Sink {
    counter: String,
    sunk: Sunk,
    /// Offsets by partition that were looked at already.
    looked: BTreeMap<i32, i64>,
}

/// Everything that plays the rounds.
pub(super) struct Fleet {
    pub(super) workers: Vec<Worker>,
    /// One for each worker, to the broker.
    pub(super) proxies: Vec<Proxy>,
    pub(super) kafka: Kafka,
    counters: BTreeMap<String, Counter>,
    sinks: BTreeMap<String, Sink>,
    created: usize,
    scratch: Scratch,
}

impl Fleet {
    /// Three workers, with that many counters and sinks of four tasks each.
    pub(super) fn start(pairs: usize) -> Result<Self> {
        let (kafka, proxies) = Kafka::start_behind_proxies(WORKERS, &[])?;
        let worker =
            |proxy: &Proxy| Sluice::distributed(&properties(&kafka, proxy)).binary(&test_worker_binary()?).start();
        let workers = proxies.iter().map(worker).collect::<Result<_>>()?;
        let scratch = Scratch::new("rounds")?;
        let (counters, sinks) = (BTreeMap::new(), BTreeMap::new());
        let mut fleet = Self { workers, proxies, kafka, counters, sinks, created: 0, scratch };
        for number in 0..pairs {
            // One of them has more on the wire.
            let (counter, batch_size) = (format!("counter-{number}"), if number == 0 { 60 } else { 5 });
            fleet.create_counter(&counter, batch_size, 0)?;
            fleet.create_sink(&format!("sink-{number}"), &counter)?;
        }
        Ok(fleet)
    }

    /// The numbers of all workers.
    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.workers.len()).collect()
    }

    /// The numbers of all workers but one.
    pub(super) fn without(&self, one: usize) -> Vec<usize> {
        (0..self.workers.len()).filter(|worker| *worker != one).collect()
    }

    fn create_counter(&mut self, name: &str, batch_size: u64, asked: usize) -> Result<()> {
        self.kafka.topics().create(name, TASKS as i32, &[("message.timestamp.type", "LogAppendTime")])?;
        let ends = self.kafka.topics().watch_end(name)?;
        let counter = Counter { ledger: Ledger::new(name), ends, batch_size, lives: true };
        self.put(asked, name, &counter_config(name, batch_size))?;
        self.counters.insert(name.to_owned(), counter);
        Ok(())
    }

    fn create_sink(&mut self, name: &str, counter: &str) -> Result<()> {
        let file = self.file(name);
        let config = json!({
            "connector.class": "FileStreamSink", "file": file, "topics": counter, "tasks.max": TASKS,
        });
        self.put(0, name, &config)?;
        let sink = Sink { counter: counter.to_owned(), sunk: Sunk::new(file), looked: BTreeMap::new() };
        self.sinks.insert(name.to_owned(), sink);
        Ok(())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.scratch.join(format!("{name}.txt"))
    }

    /// Asks until it is done: a leader may have died.
    fn put(&self, asked: usize, name: &str, config: &Value) -> Result<()> {
        let rest = self.workers[asked].rest();
        wait_until(&format!("{} to take {name}", rest.authority()), SETTLED, || rest.put_connector(name, config))
            .map(drop)
    }

    /// Creates, reconfigures or deletes a connector through one of these workers.
    pub(super) fn change(&mut self, random: &mut Random, alive: &[usize]) -> Result<String> {
        let asked = alive[random.range(0, alive.len() as u64) as usize];
        let further: Vec<String> = self
            .counters
            .iter()
            .filter(|(name, counter)| name.starts_with("further") && counter.lives)
            .map(|(name, _)| name.clone())
            .collect();
        match (random.range(0, 3), further.first()) {
            (0, _) => {
                let name = format!("further-{}", self.created);
                self.created += 1;
                self.create_counter(&name, 5, asked)?;
                Ok(format!("{name} created through {asked}"))
            }
            (1, Some(name)) => {
                let rest = self.workers[asked].rest();
                wait_until(&format!("{} to delete {name}", rest.authority()), SETTLED, || {
                    let answer = rest.delete(&format!("/connectors/{name}"))?;
                    ensure!(matches!(answer.status, 204 | 404), "{}: {}", answer.status, answer.body);
                    Ok(())
                })?;
                self.counters.get_mut(name).context("a counter")?.lives = false;
                Ok(format!("{name} deleted through {asked}"))
            }
            _ => {
                let name = format!("counter-{}", random.range(1, self.sinks.len() as u64));
                let batch_size = random.range(2, 9);
                self.put(asked, &name, &counter_config(&name, batch_size))?;
                self.counters.get_mut(&name).context("a counter")?.batch_size = batch_size;
                Ok(format!("{name} reconfigured through {asked}"))
            }
        }
    }

    /// Waits until everything runs on these workers, each thing once, all tell the same, and every counter counts; says since when.
    pub(super) fn settled(&self, alive: &[usize]) -> Result<Instant> {
        wait_until(&format!("everything to run on workers {alive:?}"), SETTLED, || {
            let picture = self.picture(alive)?;
            let since = Instant::now();
            self.counted()?;
            ensure!(self.picture(alive)? == picture, "it did not last");
            Ok(since)
        })
    }

    /// Waits until all workers have their even share; says since when.
    pub(super) fn balanced(&self) -> Result<Instant> {
        wait_until("an even share for all workers", SETTLED, || {
            let picture = self.picture(&self.all())?;
            ensure!(picture::is_balanced(&picture, self.workers.len()), "not balanced: {picture:?}");
            Ok(Instant::now())
        })
    }

    fn picture(&self, alive: &[usize]) -> Result<Picture> {
        let workers: Vec<&Worker> = alive.iter().map(|worker| &self.workers[*worker]).collect();
        let counters = self.counters.iter().filter(|(_, counter)| counter.lives).map(|(name, _)| name);
        let expected = counters.chain(self.sinks.keys()).map(|name| (name.clone(), TASKS)).collect();
        let picture = picture::of(&workers, &expected)?;
        for (name, counter) in self.counters.iter().filter(|(_, counter)| counter.lives) {
            let tasks = workers[0].rest().get(&format!("/connectors/{name}/tasks"))?.expect(200)?.json()?;
            let expected = counter.batch_size.to_string();
            ensure!(tasks[0]["config"]["batch.size"] == *expected, "{name} has not its new config yet: {tasks}");
        }
        Ok(picture)
    }

    /// Waits until every task of every counter has written on.
    fn counted(&self) -> Result<()> {
        let ends = || -> Result<Vec<BTreeMap<i32, i64>>> {
            self.counters.values().filter(|counter| counter.lives).map(|counter| counter.ends.ends()).collect()
        };
        let before = ends()?;
        wait_until("every counter to count", Duration::from_secs(5), || {
            let now = ends()?;
            let grown = |(before, now): (&BTreeMap<i32, i64>, &BTreeMap<i32, i64>)| {
                before.iter().all(|(partition, end)| now.get(partition).is_some_and(|now| now > end))
            };
            ensure!(before.iter().zip(&now).all(grown), "from {before:?} to {now:?}");
            Ok(())
        })
    }

    /// The worker that leads, as another one tells.
    pub(super) fn leader(&self) -> Result<usize> {
        wait_until("a leader", SETTLED, || {
            let metrics = self.workers[0].rest().get("/metrics")?.body;
            let line =
                metrics.lines().find(|line| line.contains("leader_name{")).context("no leader in the metrics")?;
            let leads = |worker: &Worker| line.contains(worker.id());
            self.workers.iter().position(leads).with_context(|| format!("an unknown leader: {line}"))
        })
    }

    /// Waits until the coordinator has dropped a worker.
    pub(super) fn dropped(&self, worker: usize) -> Result<()> {
        let id = self.workers[worker].id();
        wait_until(&format!("the group to drop {id}"), SETTLED, || {
            let members = self.kafka.topics().group_members(GROUP)?;
            ensure!(!members.iter().any(|member| member.contains(id)), "{members:?}");
            Ok(())
        })
    }

    /// Looks at all that was written since the last look: no number is missing, and nothing is stored as done that is not.
    pub(super) fn look(&mut self, expelled: Option<&Expelled>) -> Result<Found> {
        let mut stored = Vec::new();
        for (name, _) in self.counters.iter().filter(|(_, counter)| counter.lives) {
            stored.push((name.clone(), self.workers[0].rest().offsets(name)?));
        }
        let mut committed = Vec::new();
        for (name, sink) in &self.sinks {
            committed
                .push((name.clone(), self.kafka.topics().group_offsets(&format!("connect-{name}"), &sink.counter)?));
        }
        let mut found = Found::default();
        for counter in self.counters.values_mut() {
            let seen = counter.ledger.look(&self.kafka.topics(), expelled)?;
            found.overlaps.extend(seen.overlaps);
            found.late.extend(seen.late);
        }
        for (name, offsets) in stored {
            for (task, next) in stored_numbers(&offsets)? {
                let there = self.counters[&name].ledger.next(task);
                ensure!(next <= there, "{name} task {task}: number {next} is stored as done, {there} are there");
            }
        }
        for (name, offsets) in committed {
            let sink = self.sinks.get_mut(&name).context("a sink")?;
            sink.look(&self.counters[&sink.counter].ledger, &offsets).with_context(|| name.clone())?;
        }
        Ok(found)
    }

    /// Stops the counters. What is stored as done then is exactly what is there.
    pub(super) fn stop_counters(&mut self) -> Result<()> {
        let names: Vec<String> =
            self.counters.iter().filter(|(_, counter)| counter.lives).map(|(name, _)| name.clone()).collect();
        for (number, name) in names.iter().enumerate() {
            self.workers[number % WORKERS].rest().stop(name)?;
        }
        for name in &names {
            self.workers[0].rest().wait_state(name, "STOPPED", 0, SETTLED)?;
        }
        self.look(None)?;
        for name in &names {
            let stored = stored_numbers(&self.workers[0].rest().offsets(name)?)?;
            let ledger = &self.counters[name].ledger;
            ensure!(stored.len() == TASKS, "{name}: {stored:?}");
            for (task, next) in stored {
                ensure!(
                    next == ledger.next(task),
                    "{name} task {task}: {next} are stored, {} there",
                    ledger.next(task)
                );
            }
        }
        Ok(())
    }

    /// Waits until every number is in the file of its sink.
    pub(super) fn all_arrived(&mut self) -> Result<()> {
        for (name, sink) in &mut self.sinks {
            let ledger = &self.counters[&sink.counter].ledger;
            wait_until(&format!("all of {} in the file of {name}", sink.counter), SETTLED, || {
                sink.sunk.look()?;
                for task in ledger.tasks() {
                    let missing = sink.sunk.missing(task, 0..ledger.next(task));
                    ensure!(
                        missing.is_none(),
                        "number {missing:?} of {} of task {task} is not there",
                        ledger.next(task)
                    );
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Numbers in topics, and those of them that are there more than once.
    pub(super) fn totals(&self) -> (usize, usize) {
        let totals = self.counters.values().map(|counter| counter.ledger.totals());
        totals.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// How often a task's stored number is followed by a smaller one: what an old owner had on the wire.
    pub(super) fn stored_back(&self) -> Result<usize> {
        let mut stored: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        let mut back = 0;
        for record in self.kafka.topics().read(&format!("{GROUP}-offset"))? {
            let value: Value = serde_json::from_str(&record.value_text())?;
            let next = value["next"].as_u64().with_context(|| format!("not of a counter: {value}"))?;
            let before = stored.insert(record.key.unwrap_or_default(), next);
            back += usize::from(before.is_some_and(|before| before > next));
        }
        Ok(back)
    }

    pub(super) fn sunk_totals(&self) -> String {
        let sum = |figure: fn(&Sunk) -> usize| self.sinks.values().map(|sink| figure(&sink.sunk)).sum::<usize>();
        format!("in files {} more than once, {} cut", sum(|sunk| sunk.duplicates), sum(|sunk| sunk.cut))
    }

    pub(super) fn logs(&self) -> String {
        self.workers
            .iter()
            .map(|worker| format!("======= {}\n{}\n", worker.id(), worker.server().last_words()))
            .collect()
    }
}

impl Sink {
    /// Invariant 2: what is committed is in the file.
    fn look(&mut self, ledger: &Ledger, committed: &BTreeMap<i32, i64>) -> Result<()> {
        self.sunk.look()?;
        for (partition, end) in committed {
            let from = self.looked.insert(*partition, *end).unwrap_or(0).min(*end);
            let numbers = ledger.numbers(*partition, from, *end)?;
            let missing = self.sunk.missing(*partition, numbers.iter().copied());
            ensure!(
                missing.is_none(),
                "offset {end} of partition {partition} is committed, {missing:?} is not in the file"
            );
        }
        Ok(())
    }
}

fn properties(kafka: &Kafka, proxy: &Proxy) -> Properties {
    ["config", "offset", "status"]
        .into_iter()
        .fold(Properties::distributed(kafka, GROUP), |properties, kind| {
            properties.with(&format!("{kind}.storage.topic"), &format!("{GROUP}-{kind}"))
        })
        .with("group.id", GROUP)
        .with("bootstrap.servers", &proxy.address())
        .with("offset.flush.interval.ms", "500")
        .with("session.timeout.ms", &SESSION.as_millis().to_string())
        .with("heartbeat.interval.ms", "1500")
        .with("scheduled.rebalance.max.delay.ms", &delay().as_millis().to_string())
        .with("producer.batch.size", &BATCH_BYTES.to_string())
        // The partitions of a sink task that is gone are given away as fast as tasks of the worker are.
        .with("consumer.session.timeout.ms", &SESSION.as_millis().to_string())
        .with("consumer.heartbeat.interval.ms", "1500")
}

fn counter_config(name: &str, batch_size: u64) -> Value {
    json!({
        "connector.class": "CounterSource", "topic": name, "tasks.max": TASKS, "batch.size": batch_size, "interval.ms": 100,
    })
}

/// By task.
fn stored_numbers(offsets: &Value) -> Result<Vec<(i32, u32)>> {
    let number = |value: &Value| value.as_u64().with_context(|| format!("not a number: {value}"));
    let entry = |entry: &Value| {
        Ok((i32::try_from(number(&entry["partition"]["task"])?)?, u32::try_from(number(&entry["offset"]["next"])?)?))
    };
    offsets.as_array().context("a list of offsets")?.iter().map(entry).collect()
}
