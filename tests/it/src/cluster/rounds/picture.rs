//! Who runs what: as every worker tells it over REST, and as the metrics of those that run it show it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sluice_harness::Worker;

/// Connector (`name`) or task (`name 0`) to the id of its worker.
pub(super) type Picture = BTreeMap<String, String>;

/// What all these workers agree on.
///
/// # Errors
/// When they tell different things, something is not RUNNING, or with none of them, runs twice, or elsewhere than they tell.
pub(super) fn of(workers: &[&Worker], expected: &BTreeMap<String, usize>) -> Result<Picture> {
    let told = told(workers)?;
    let items = expected.iter().flat_map(|(name, tasks)| {
        std::iter::once(name.clone()).chain((0..*tasks).map(move |task| format!("{name} {task}")))
    });
    let items: BTreeSet<String> = items.collect();
    let strange: Vec<&String> = told.keys().filter(|item| !items.contains(*item)).collect();
    let missing: Vec<&String> = items.iter().filter(|item| !told.contains_key(*item)).collect();
    ensure!(strange.is_empty() && missing.is_empty(), "missing {missing:?}, not expected {strange:?}");
    let run = run(workers)?;
    let differences: Vec<String> = items
        .iter()
        .filter(|item| told.get(*item) != run.get(*item))
        .map(|item| format!("{item} is told to be with {:?}, and is with {:?}", told.get(item), run.get(item)))
        .collect();
    ensure!(differences.is_empty(), "{} differ: {}", differences.len(), differences[0]);
    ensure!(run.len() == items.len(), "{} things run, {} are told", run.len(), items.len());
    Ok(told)
}

/// The difference between the worker with most and with least is one at most, for connectors and for tasks.
pub(super) fn is_balanced(picture: &Picture, workers: usize) -> bool {
    [false, true].into_iter().all(|tasks| {
        let mut loads: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, worker) in picture.iter().filter(|(item, _)| item.contains(' ') == tasks) {
            *loads.entry(worker).or_default() += 1;
        }
        let most = loads.values().max().copied().unwrap_or(0);
        let least = if loads.len() < workers { 0 } else { loads.values().min().copied().unwrap_or(0) };
        most - least <= 1
    })
}

fn told(workers: &[&Worker]) -> Result<Picture> {
    let mut answers = Vec::new();
    for worker in workers {
        answers.push(worker.rest().get("/connectors?expand=status&expand=info")?.expect(200)?.json()?);
    }
    let first = answers.first().context("a worker")?;
    for (answer, worker) in answers.iter().zip(workers) {
        ensure!(answer == first, "{} and {} tell different things", workers[0].id(), worker.id());
    }
    let alive: BTreeSet<&str> = workers.iter().map(|worker| worker.id()).collect();
    let mut picture = Picture::new();
    for (name, connector) in first.as_object().context("an object")? {
        let status = &connector["status"];
        let mut note = |item: String, status: &Value| {
            let worker = status["worker_id"].as_str().unwrap_or_default();
            ensure!(status["state"] == "RUNNING", "{item}: {status}");
            ensure!(alive.contains(worker), "{item} is with {worker}, which is not there");
            picture.insert(item, worker.to_owned());
            Ok(())
        };
        note(name.clone(), &status["connector"])?;
        for task in status["tasks"].as_array().context("a list of tasks")? {
            note(format!("{name} {}", task["id"]), task)?;
        }
    }
    Ok(picture)
}

fn run(workers: &[&Worker]) -> Result<Picture> {
    let mut picture = Picture::new();
    for worker in workers {
        for line in worker.rest().get("/metrics")?.expect(200)?.body.lines() {
            let Some(item) = running(line) else { continue };
            if let Some(other) = picture.insert(item.clone(), worker.id().to_owned()) {
                anyhow::bail!("{item} runs on {other} and on {}", worker.id());
            }
        }
    }
    Ok(picture)
}

/// The connector or task of a metric that says that it runs.
fn running(line: &str) -> Option<String> {
    let label = |name: &str| line.split_once(&format!("{name}=\""))?.1.split('"').next();
    if label("status") != Some("running") {
        return None;
    }
    if line.starts_with("kafka_connect_connector_task_metrics_status{") {
        return Some(format!("{} {}", label("connector")?, label("task")?));
    }
    line.starts_with("kafka_connect_connector_metrics_status{").then(|| label("connector").map(str::to_owned))?
}
