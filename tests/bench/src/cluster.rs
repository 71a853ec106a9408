//! Three workers in one group with many connectors, all found in a config topic that was written before.
//!
//! Measured from the start of the processes until everything is RUNNING, then at rest, then from the death of one worker until
//! everything is RUNNING on the two others. Nothing is created over REST: a cluster that restarts finds its work in the topic.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Scratch, Seen, Worker, wait_until};

use crate::engines::{Engines, Subject};
use crate::plan::{Plan, Row};
use crate::progress::say;
use crate::report::{Figures, Measure};

const WORKERS: usize = 3;
/// The wait for a worker that is gone, the same for both engines.
const REBALANCE_DELAY_MS: &str = "5000";
/// What the peer gets when the full number does not settle.
const FEWER: u32 = 300;
const DEADLINE: Duration = Duration::from_secs(15 * 60);
const TOPIC: &str = "bench-cluster-lines";
const SOURCE: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";
const SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";

/// How large the row is.
#[derive(Clone, Copy, Debug)]
struct Load {
    connectors: u32,
    sinks: bool,
    /// Until what a start leaves behind is over: pauses that grow, clients that are closed when they have nothing to do.
    settling: Duration,
    rest: Duration,
}

/// One run of a row.
///
/// # Errors
/// When the cluster does not settle within 15 minutes; the peer is then tried with 300 connectors.
pub(crate) fn measure(
    kafka: &Kafka,
    engines: &Engines<'_>,
    plan: &Plan,
    row: Row,
    subject: Subject,
) -> Result<Figures> {
    let sinks = row == Row::Cluster200Sinks;
    let connectors = if plan.small {
        20
    } else if sinks {
        200
    } else {
        1_000
    };
    let (settling, rest) = if plan.small { (1, 5) } else { (90, 60) };
    let load = Load { connectors, sinks, settling: Duration::from_secs(settling), rest: Duration::from_secs(rest) };
    match cluster(kafka, engines, subject, load) {
        Err(error) if subject == Subject::Oracle && connectors > FEWER => {
            say(&format!("{connectors} connectors did not settle: {error:#}; trying {FEWER}"));
            cluster(kafka, engines, subject, Load { connectors: FEWER, ..load })
        }
        measured => measured,
    }
}

fn cluster(kafka: &Kafka, engines: &Engines<'_>, subject: Subject, load: Load) -> Result<Figures> {
    let scratch = Scratch::new("bench-cluster")?;
    let (setup, config_topic) = engines.member(subject)?;
    let setup = setup.property("scheduled.rebalance.max.delay.ms", REBALANCE_DELAY_MS);
    write_configs(kafka, &config_topic, &scratch, load)?;
    let began = Instant::now();
    let mut workers = (0..WORKERS).map(|_| setup.clone().launch()).collect::<Result<Vec<_>>>()?;
    let everywhere: Vec<String> = workers.iter().map(|worker| worker.id().to_owned()).collect();
    wait_running(&workers[0], load, &everywhere)?;
    let running_seconds = began.elapsed().as_secs_f64();
    let (rss_bytes, cpu_percent) = at_rest(&workers, load)?;
    workers.pop().context("three workers")?.kill9()?;
    let died = Instant::now();
    wait_running(&workers[0], load, &everywhere[..WORKERS - 1])?;
    let settle_seconds = died.elapsed().as_secs_f64();
    say(&format!(
        "{} connectors running after {running_seconds:.1} s, again {settle_seconds:.1} s after a death, {:.0} MB, {cpu_percent:.1} % of a core",
        load.connectors,
        rss_bytes / 1e6
    ));
    Ok(vec![
        (Measure::Connectors, f64::from(load.connectors)),
        (Measure::AllRunningSeconds, running_seconds),
        (Measure::SettleSeconds, settle_seconds),
        (Measure::ClusterRssBytes, rss_bytes),
        (Measure::RestCpuPercent, cpu_percent),
    ])
}

/// Fills the config topic with what any worker would have written: config, task config and commit of each connector.
fn write_configs(kafka: &Kafka, topic: &str, scratch: &Scratch, load: Load) -> Result<()> {
    let topics = kafka.topics();
    topics.create(topic, 1, &[("cleanup.policy", "compact")])?;
    if !topics.names()?.iter().any(|name| name == TOPIC) {
        topics.create(TOPIC, 1, &[])?;
        topics.produce(TOPIC, (0..100).map(|line| format!("line {line}")))?;
    }
    let mut records = Vec::new();
    for number in 0..load.connectors {
        let name = format!("bench-{number:04}");
        let file = scratch.join(&name);
        if !load.sinks {
            fs::write(&file, "one line\n").with_context(|| format!("writing {}", file.display()))?;
        }
        let config = config(&name, &file.display().to_string(), load.sinks);
        let mut task = config.clone();
        task["task.class"] = json!(if load.sinks { SINK } else { SOURCE }.replace("Connector", "Task"));
        records.push((format!("connector-{name}"), json!({ "properties": config })));
        records.push((format!("task-{name}-0"), json!({ "properties": task })));
        records.push((format!("commit-{name}"), json!({ "tasks": 1 })));
    }
    topics.produce_keyed(topic, Some(0), records.into_iter().map(|(key, value)| (Some(key), Some(value.to_string()))))
}

fn config(name: &str, file: &str, sink: bool) -> Value {
    let (class, key) = if sink { (SINK, "topics") } else { (SOURCE, "topic") };
    let mut config = json!({ "name": name, "connector.class": class, "tasks.max": "1", "file": file });
    config[key] = json!(TOPIC);
    config
}

/// Every connector and its task is RUNNING on one of `owners`, and each of them has something.
fn wait_running(worker: &Worker, load: Load, owners: &[String]) -> Result<()> {
    let wanted = load.connectors as usize * 2;
    wait_until("everything to run", DEADLINE, || {
        let statuses = worker.rest().get("/connectors?expand=status").and_then(|answer| answer.expect(200)?.json());
        let Ok(Value::Object(statuses)) = statuses else { return Seen::NotYet("no answer".to_owned()) };
        let mut seen = BTreeSet::new();
        let running =
            statuses.values().map(|status| count_running(&status["status"], owners, &mut seen)).sum::<usize>();
        if running == wanted && seen.len() == owners.len() {
            return Seen::Met(());
        }
        Seen::NotYet(format!("{running} of {wanted} on {} workers", seen.len()))
    })
}

fn count_running(status: &Value, owners: &[String], seen: &mut BTreeSet<String>) -> usize {
    let tasks = status["tasks"].as_array().into_iter().flatten();
    let states = tasks.chain([&status["connector"]]);
    let running = states.filter(|state| state["state"] == "RUNNING");
    let owned = running.filter_map(|state| owners.iter().find(|owner| state["worker_id"] == owner.as_str()));
    owned.map(|owner| seen.insert(owner.clone())).count()
}

/// Resident memory of all workers, and the share of a core that the busiest of them takes.
fn at_rest(workers: &[Worker], load: Load) -> Result<(f64, f64)> {
    pass(load.settling)?;
    let usages = || workers.iter().map(Worker::usage).collect::<Result<Vec<_>>>();
    let (before, began) = (usages()?, Instant::now());
    pass(load.rest)?;
    let (after, seconds) = (usages()?, began.elapsed().as_secs_f64());
    let used = before.iter().zip(&after).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    let rss_bytes = after.iter().map(|usage| usage.rss_bytes as f64).sum();
    Ok((rss_bytes, used.fold(0.0, f64::max) / seconds * 100.0))
}

fn pass(time: Duration) -> Result<()> {
    let began = Instant::now();
    wait_until("the rest", time * 2, || (began.elapsed() >= time).then_some(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_on_a_living_worker_counts() {
        let status = json!({
            "connector": { "state": "RUNNING", "worker_id": "a:1" },
            "tasks": [{ "state": "RUNNING", "worker_id": "b:1" }, { "state": "FAILED", "worker_id": "a:1" }],
        });
        let mut seen = BTreeSet::new();
        assert_eq!(count_running(&status, &["a:1".to_owned()], &mut seen), 1);
        assert_eq!(count_running(&status, &["a:1".to_owned(), "b:1".to_owned()], &mut seen), 2);
        assert_eq!(seen.len(), 2);
    }
}
