//! Several tasks of one connector on two workers: whoever dies or gets other tasks, the committed numbers of every task follow each other,
//! because what the tasks before left open is fenced before new ones start (Invariants 1, 3 and 5). Transactions end after every batch, or
//! where the connector says so; those that it aborts are not there, and do not come again.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, Random, Seen, Sluice, Worker, count, test_worker_binary, wait_until};

use super::{SOON, park, worker_properties};

const TASKS: u32 = 4;
/// Records in a transaction where the connector says where it ends.
const SIZE: usize = 30;
/// Every how many transactions it aborts one.
const ABORTED: usize = 4;

/// What was read of the topic: of each task the next number, and the offset to go on at.
struct Numbers<'a> {
    kafka: &'a Kafka,
    topic: &'static str,
    aborts: bool,
    next: BTreeMap<u32, usize>,
    offsets: BTreeMap<i32, i64>,
}

impl<'a> Numbers<'a> {
    fn new(kafka: &'a Kafka, topic: &'static str, aborts: bool) -> Result<Self> {
        let partitions = i32::try_from(TASKS)?;
        kafka.topics().create(topic, partitions, &[])?;
        let offsets = (0..partitions).map(|partition| (partition, 0)).collect();
        Ok(Self { kafka, topic, aborts, next: (0..TASKS).map(|task| (task, 0)).collect(), offsets })
    }

    /// Reads on what is committed: of every task the very next number each time, so none is missing, twice or out of order.
    fn look(&mut self) -> Result<&BTreeMap<u32, usize>> {
        for record in self.kafka.topics().read_from(self.topic, &self.offsets)? {
            let (text, task) = (record.value_text(), u32::try_from(record.partition)?);
            let next = self.next.get_mut(&task).context("a partition of the topic")?;
            if self.aborts && *next / SIZE % ABORTED == ABORTED - 1 {
                *next += SIZE;
            }
            let expected = format!("task {task} number {next}.");
            ensure!(text == expected, "{text:?} at offset {} where {expected:?} belongs", record.offset);
            *next += 1;
            self.offsets.insert(record.partition, record.offset + 1);
        }
        Ok(&self.next)
    }

    /// Until the first `tasks` tasks have gone on by that many numbers.
    fn wait_more(&mut self, tasks: u32, more: usize) -> Result<()> {
        let goals: BTreeMap<u32, usize> =
            self.look()?.iter().filter(|(task, _)| **task < tasks).map(|(task, next)| (*task, next + more)).collect();
        wait_until("all tasks to go on", SOON, || match self.look() {
            // A number twice or missing does not heal: it ends the wait.
            Err(error) => Seen::Met(Err(error)),
            Ok(next) if goals.iter().all(|(task, goal)| next[task] >= *goal) => Seen::Met(Ok(())),
            Ok(next) => Seen::NotYet(format!("{next:?} instead of {goals:?}")),
        })?
    }
}

/// A connector of several tasks on two workers.
struct Pair {
    workers: [Worker; 2],
    properties: Properties,
    source: Value,
    tasks: u32,
}

impl Pair {
    fn start(kafka: &Kafka, topic: &str, more: &Value) -> Result<Self> {
        let binary = test_worker_binary()?;
        let properties = worker_properties(kafka, topic).with("scheduled.rebalance.max.delay.ms", "0");
        let start = || Sluice::distributed(&properties).binary(&binary).start();
        let workers = [start()?, start()?];
        let mut source =
            json!({ "connector.class": "CounterSource", "topic": topic, "batch.size": "50", "interval.ms": "10" });
        for (key, value) in more.as_object().into_iter().flatten() {
            source[key] = value.clone();
        }
        let pair = Self { workers, properties, source, tasks: TASKS };
        pair.put(0)?;
        Ok(pair)
    }

    fn put(&self, worker: usize) -> Result<()> {
        let mut source = self.source.clone();
        source["tasks.max"] = json!(self.tasks.to_string());
        let answer = self.workers[worker].rest().put_connector("in", &source)?;
        ensure!(matches!(answer.status, 200 | 201), "{}: {}", answer.status, answer.body);
        Ok(())
    }

    /// Kills a worker, or lets the connector have another number of tasks.
    fn strike(&mut self, round: usize, random: &mut Random) -> Result<String> {
        let victim = random.range(0, 2) as usize;
        if round % 3 < 2 {
            self.workers[victim].kill9()?;
            self.workers[victim].restart()?;
            return Ok(format!("worker {victim} was killed"));
        }
        self.tasks = if self.tasks == TASKS { 2 } else { TASKS };
        self.put(victim)?;
        Ok(format!("there are {} tasks", self.tasks))
    }
}

fn rounds(topic: &'static str, aborts: bool, more: &Value) -> Result<()> {
    let kafka = Kafka::shared()?;
    let mut seen = Numbers::new(kafka, topic, aborts)?;
    let mut pair = Pair::start(kafka, topic, more)?;
    let mut random = Random::of(topic);
    let rounds = count(3, 15);
    for round in 0..rounds {
        seen.wait_more(pair.tasks, 500)?;
        park(random.range(0, 100));
        let what = pair.strike(round, &mut random)?;
        seen.wait_more(pair.tasks, 300).with_context(|| format!("round {round}: {what}"))?;
    }
    for worker in &mut pair.workers {
        ensure!(worker.stop()?.success(), "{}", worker.logs());
    }
    let next = seen.look()?;
    let configs = pair.properties.get("config.storage.topic").context("a config topic")?;
    let records = kafka.topics().read(configs)?;
    let fenced = records.iter().filter(|record| record.key_text() == "tasks-fencing-in").count();
    ensure!(fenced > 0, "no round of fencing was stored");
    eprintln!("{topic}: next numbers {next:?} after {rounds} rounds, {fenced} of fencing: each number once");
    Ok(())
}

#[test]
fn several_tasks_on_two_workers_write_each_number_once() -> Result<()> {
    rounds("eos-tasks", false, &json!({}))
}

#[test]
fn a_connector_that_ends_its_transactions_itself_has_them_whole_or_not_at_all() -> Result<()> {
    let size = SIZE.to_string();
    let more = json!({ "transaction.boundary": "connector", "transaction.size": size,
        "transaction.aborted": ABORTED.to_string() });
    rounds("eos-connector", true, &more)
}
