//! The status store of a standalone worker.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use super::StatusEntry;
use super::backing::Backing;
use super::records::StatusKey;
use super::table::StatusTable;
use crate::Error;

/// Keeps statuses in memory. Every write overwrites: only one worker writes.
#[derive(Debug, Default)]
pub struct MemoryStatusBackingStore {
    table: Mutex<StatusTable>,
    /// What was put and is not shown yet.
    late: Option<Mutex<Vec<(StatusKey, StatusEntry)>>>,
}

impl MemoryStatusBackingStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that shows statuses as late as one on a topic may: not before [`super::StatusBackingStore::settle`]. For tests.
    pub fn late() -> Self {
        Self { late: Some(Mutex::default()), ..Self::default() }
    }
}

#[async_trait]
impl Backing for MemoryStatusBackingStore {
    fn table(&self) -> MutexGuard<'_, StatusTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is no other owner to be careful of.
    fn put(&self, key: StatusKey, status: StatusEntry, _safe: bool) {
        match &self.late {
            Some(late) => late.lock().unwrap_or_else(PoisonError::into_inner).push((key, status)),
            None => self.table().put(&key, status),
        }
    }

    fn put_topic(&self, key: StatusKey, value: Option<Bytes>) {
        self.table().read(key.to_text().as_bytes(), value.as_deref());
    }

    async fn start(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn stop(&self) {}

    async fn flush(&self) {}

    async fn settle(&self) {
        let Some(late) = &self.late else { return };
        let put = std::mem::take(&mut *late.lock().unwrap_or_else(PoisonError::into_inner));
        put.into_iter().for_each(|(key, status)| self.table().put(&key, status));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConnectorStatus, StatusBackingStore, StatusEntry, TaskStatus, TopicStatus};
    use super::MemoryStatusBackingStore;
    use crate::{ConnectorTaskId, State};

    #[test]
    fn a_task_that_stops_is_no_longer_shown_as_running() {
        let store = MemoryStatusBackingStore::new();
        let id = ConnectorTaskId { connector: "c".into(), task: 0 };
        let entry = |state| StatusEntry { state, trace: None, worker_id: "w".into(), generation: 0, version: None };
        for state in [State::Running, State::Unassigned] {
            store.put_task_safe(TaskStatus { id: id.clone(), status: entry(state) });
            assert_eq!(store.task(&id).map(|status| status.state), Some(state));
        }
    }

    #[test]
    fn what_is_put_is_shown_until_it_is_destroyed() {
        let store = MemoryStatusBackingStore::new();
        let id = ConnectorTaskId { connector: "a-b".into(), task: 0 };
        let entry = |state| StatusEntry { state, trace: None, worker_id: "w".into(), generation: 0, version: None };
        let connector = |state| ConnectorStatus { connector: "a-b".into(), status: entry(state) };
        store.put_connector(connector(State::Running));
        store.put_task_safe(TaskStatus { id: id.clone(), status: entry(State::Failed) });
        store.put_topic(TopicStatus { topic: "t".into(), id: id.clone(), discover_timestamp_ms: 1 });
        assert_eq!(store.connectors(), ["a-b"]);
        assert_eq!(store.task(&id).map(|status| status.state), Some(State::Failed));
        assert_eq!(store.topics("a-b").len(), 1);

        store.delete_topic("a-b", "t");
        assert!(store.topic("a-b", "t").is_none());
        store.put_connector(connector(State::Destroyed));
        assert!(store.connector("a-b").is_none() && store.tasks("a-b").is_empty());
    }
}
