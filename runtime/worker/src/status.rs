//! Writes statuses of connectors, tasks and their topics on behalf of this worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sluice_storage::{
    ConnectorStatus, ConnectorTaskId, State, StatusBackingStore, StatusEntry, TaskStatus, TopicStatus,
};

use crate::config::providers::redacted;

/// Writes statuses with this worker's id and group generation (connect-worker.md 2.4). No method blocks.
///
/// UNASSIGNED and FAILED are "safe" writes, which do not overwrite the status of a newer owner; the others are plain.
pub struct StatusReporter {
    store: Arc<dyn StatusBackingStore>,
    worker_id: String,
    generation: AtomicI32,
}

impl StatusReporter {
    /// Writes to `store` as `worker_id`, generation 0.
    pub fn new(store: Arc<dyn StatusBackingStore>, worker_id: impl Into<String>) -> Self {
        Self { store, worker_id: worker_id.into(), generation: AtomicI32::new(0) }
    }

    /// Sets the group generation that later statuses carry; the herder calls it after each rebalance.
    pub fn set_generation(&self, generation: i32) {
        self.generation.store(generation, Ordering::Relaxed);
    }

    /// The store that is written to.
    pub fn store(&self) -> &Arc<dyn StatusBackingStore> {
        &self.store
    }

    /// Writes the status of a connector; `Destroyed` removes it.
    pub fn connector(&self, connector: &str, state: State, trace: Option<String>, version: Option<&str>) {
        let status = ConnectorStatus { connector: connector.to_owned(), status: self.entry(state, trace, version) };
        match state {
            State::Unassigned | State::Failed => self.store.put_connector_safe(status),
            _ => self.store.put_connector(status),
        }
    }

    /// Writes the status of a task; `Destroyed` removes it.
    pub fn task(&self, id: &ConnectorTaskId, state: State, trace: Option<String>, version: Option<&str>) {
        let status = TaskStatus { id: id.clone(), status: self.entry(state, trace, version) };
        match state {
            State::Unassigned | State::Failed => self.store.put_task_safe(status),
            _ => self.store.put_task(status),
        }
    }

    /// Notes that a task uses a topic, unless the store knows that the connector does.
    pub fn topic(&self, id: &ConnectorTaskId, topic: &str) {
        if self.store.topic(&id.connector, topic).is_some() {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let discover_timestamp_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        self.store.put_topic(TopicStatus { topic: topic.to_owned(), id: id.clone(), discover_timestamp_ms });
    }

    fn entry(&self, state: State, trace: Option<String>, version: Option<&str>) -> StatusEntry {
        StatusEntry {
            state,
            // Invariant 9: a connector may put into its error what it was configured with.
            trace: trace.map(|trace| redacted(&trace).into_owned()),
            worker_id: self.worker_id.clone(),
            generation: self.generation.load(Ordering::Relaxed),
            version: version.map(str::to_owned),
        }
    }
}
