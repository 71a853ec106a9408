//! The status store of a standalone worker.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::records::{StatusKey, topic_value};
use super::table::StatusTable;
use super::{ConnectorStatus, StatusBackingStore, StatusEntry, TaskStatus, TopicStatus};
use crate::{ConnectorTaskId, Error};

/// Keeps statuses in memory. Every write overwrites: only one worker writes.
#[derive(Debug, Default)]
pub struct MemoryStatusBackingStore(Mutex<StatusTable>);

impl MemoryStatusBackingStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn table(&self) -> MutexGuard<'_, StatusTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, key: &StatusKey, status: StatusEntry) {
        self.table().put(key, status);
    }
}

#[async_trait]
impl StatusBackingStore for MemoryStatusBackingStore {
    async fn start(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn stop(&self) {}

    fn put_connector(&self, status: ConnectorStatus) {
        self.put(&StatusKey::Connector(status.connector), status.status);
    }

    fn put_connector_safe(&self, status: ConnectorStatus) {
        self.put(&StatusKey::Connector(status.connector), status.status);
    }

    fn put_task(&self, status: TaskStatus) {
        self.put(&StatusKey::Task(status.id), status.status);
    }

    fn put_task_safe(&self, status: TaskStatus) {
        self.put(&StatusKey::Task(status.id), status.status);
    }

    fn put_topic(&self, status: TopicStatus) {
        let value = topic_value(&status);
        let key = StatusKey::Topic { topic: status.topic, connector: status.id.connector };
        self.table().read(key.to_text().as_bytes(), Some(&value));
    }

    fn delete_topic(&self, connector: &str, topic: &str) {
        let key = StatusKey::Topic { topic: topic.to_owned(), connector: connector.to_owned() };
        self.table().read(key.to_text().as_bytes(), None);
    }

    async fn flush(&self) {}

    async fn settle(&self) {}

    fn connector(&self, connector: &str) -> Option<StatusEntry> {
        self.table().connector(connector)
    }

    fn task(&self, id: &ConnectorTaskId) -> Option<StatusEntry> {
        self.table().task(id)
    }

    fn tasks(&self, connector: &str) -> Vec<TaskStatus> {
        self.table().tasks(connector)
    }

    fn connectors(&self) -> Vec<String> {
        self.table().connectors()
    }

    fn topic(&self, connector: &str, topic: &str) -> Option<TopicStatus> {
        self.table().topic(connector, topic)
    }

    fn topics(&self, connector: &str) -> Vec<TopicStatus> {
        self.table().topics(connector)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ConnectorStatus, ConnectorTaskId, MemoryStatusBackingStore, StatusBackingStore, StatusEntry, TaskStatus,
        TopicStatus,
    };
    use crate::State;

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
