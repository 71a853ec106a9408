//! Every metric of the worker process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sluice_api::ConnectorKind;
use sluice_storage::{ConnectorTaskId, State};

use super::task::TaskMetrics;
use super::text::Text;

/// The metrics of one worker; shared by the worker, the herder and the admin listener.
#[derive(Default)]
pub struct Metrics {
    tasks: Mutex<BTreeMap<ConnectorTaskId, Arc<TaskMetrics>>>,
    connectors: Mutex<BTreeMap<String, ConnectorMetrics>>,
    pub(crate) connector_startups: Startups,
    pub(crate) task_startups: Startups,
    gauges: Mutex<BTreeMap<(String, String), f64>>,
    texts: Mutex<BTreeMap<(String, String), String>>,
}

/// Group `connector-metrics` of one connector.
#[derive(Clone)]
pub(crate) struct ConnectorMetrics {
    pub(crate) class: String,
    pub(crate) kind: ConnectorKind,
    pub(crate) version: String,
    pub(crate) state: State,
}

/// How often something was started.
#[derive(Default)]
pub(crate) struct Startups {
    succeeded: AtomicU64,
    failed: AtomicU64,
}

impl Startups {
    pub(crate) fn succeeded(&self) {
        self.succeeded.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    fn render(&self, text: &mut Text, what: &str) {
        const GROUP: &str = "connect-worker-metrics";
        let succeeded = self.succeeded.load(Ordering::Relaxed) as f64;
        let failed = self.failed.load(Ordering::Relaxed) as f64;
        let attempts = succeeded + failed;
        let samples = [
            ("attempts-total", attempts),
            ("success-total", succeeded),
            ("failure-total", failed),
            ("success-percentage", succeeded / attempts.max(1.0)),
            ("failure-percentage", failed / attempts.max(1.0)),
        ];
        for (name, value) in samples {
            text.sample(GROUP, &format!("{what}-startup-{name}"), &[], value);
        }
    }
}

impl Metrics {
    /// No metrics yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a gauge of the herder's, e.g. group `connect-worker-rebalance-metrics`, attribute `epoch`.
    pub fn set(&self, group: &str, attribute: &str, value: f64) {
        lock(&self.gauges).insert((group.to_owned(), attribute.to_owned()), value);
    }

    /// Sets a gauge whose value is a text: it becomes a label named as the attribute, on a sample of 1.
    pub fn set_text(&self, group: &str, attribute: &str, text: &str) {
        lock(&self.texts).insert((group.to_owned(), attribute.to_owned()), text.to_owned());
    }

    /// Everything as Prometheus text (format 0.0.4).
    pub fn render(&self) -> String {
        let mut text = Text::default();
        let tasks = lock(&self.tasks).clone();
        for (id, metrics) in &tasks {
            metrics.render(&mut text, &id.connector, id.task);
        }
        self.render_worker(&mut text, &tasks);
        for (connector, metrics) in lock(&self.connectors).iter() {
            metrics.render(&mut text, connector);
        }
        for ((group, attribute), value) in lock(&self.gauges).iter() {
            text.sample(group, attribute, &[], *value);
        }
        for ((group, attribute), value) in lock(&self.texts).iter() {
            text.sample(group, attribute, &[(&attribute.replace('-', "_"), value)], 1.0);
        }
        text.finish()
    }

    pub(crate) fn add_task(&self, id: &ConnectorTaskId, metrics: Arc<TaskMetrics>) {
        lock(&self.tasks).insert(id.clone(), metrics);
    }

    /// Removes the metrics of this very task, not those of a successor with the same id.
    pub(crate) fn remove_task(&self, id: &ConnectorTaskId, metrics: &Arc<TaskMetrics>) {
        let mut tasks = lock(&self.tasks);
        if tasks.get(id).is_some_and(|current| Arc::ptr_eq(current, metrics)) {
            tasks.remove(id);
        }
    }

    pub(crate) fn set_connector(&self, connector: &str, metrics: ConnectorMetrics) {
        lock(&self.connectors).insert(connector.to_owned(), metrics);
    }

    pub(crate) fn set_connector_state(&self, connector: &str, state: State) {
        if let Some(metrics) = lock(&self.connectors).get_mut(connector) {
            metrics.state = state;
        }
    }

    pub(crate) fn remove_connector(&self, connector: &str) {
        lock(&self.connectors).remove(connector);
    }

    fn render_worker(&self, text: &mut Text, tasks: &BTreeMap<ConnectorTaskId, Arc<TaskMetrics>>) {
        const GROUP: &str = "connect-worker-metrics";
        text.sample(GROUP, "connector-count", &[], lock(&self.connectors).len() as f64);
        text.sample(GROUP, "task-count", &[], tasks.len() as f64);
        self.connector_startups.render(text, "connector");
        self.task_startups.render(text, "task");
        let mut counts: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for (id, metrics) in tasks {
            let counts = counts.entry(&id.connector).or_default();
            *counts.entry("total").or_default() += 1;
            *counts.entry(state_label(metrics.state())).or_default() += 1;
        }
        for (connector, counts) in counts {
            for state in ["total", "running", "paused", "failed", "unassigned", "destroyed", "restarting"] {
                let count = counts.get(state).copied().unwrap_or(0);
                text.sample(GROUP, &format!("connector-{state}-task-count"), &[("connector", connector)], count as f64);
            }
        }
    }
}

impl ConnectorMetrics {
    fn render(&self, text: &mut Text, connector: &str) {
        const GROUP: &str = "connector-metrics";
        let kind = match self.kind {
            ConnectorKind::Source => "source",
            ConnectorKind::Sink => "sink",
        };
        let attributes = [
            ("connector-class", "connector_class", self.class.as_str()),
            ("connector-type", "connector_type", kind),
            ("connector-version", "connector_version", self.version.as_str()),
            ("status", "status", state_label(self.state)),
        ];
        for (attribute, label, value) in attributes {
            text.sample(GROUP, attribute, &[("connector", connector), (label, value)], 1.0);
        }
    }
}

fn state_label(state: State) -> &'static str {
    match state {
        State::Unassigned => "unassigned",
        State::Running => "running",
        State::Paused => "paused",
        State::Failed => "failed",
        State::Restarting => "restarting",
        State::Stopped => "stopped",
        State::Destroyed => "destroyed",
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
