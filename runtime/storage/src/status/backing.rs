//! What the stores of statuses share: a table that is shown, and writes that become keys and values.

use std::sync::MutexGuard;

use async_trait::async_trait;
use bytes::Bytes;

use super::records::{StatusKey, topic_value};
use super::table::StatusTable;
use super::{ConnectorStatus, StatusBackingStore, StatusEntry, TaskStatus, TopicStatus};
use crate::{ConnectorTaskId, Error};

/// Where a store's table is and how its writes get there; the rest of [`StatusBackingStore`] follows.
#[async_trait]
pub(super) trait Backing: Send + Sync {
    /// What is shown.
    fn table(&self) -> MutexGuard<'_, StatusTable>;

    /// Writes the status of a connector or task; a `safe` one not over that of a newer owner.
    fn put(&self, key: StatusKey, status: StatusEntry, safe: bool);

    /// Writes the status of a topic, or removes it.
    fn put_topic(&self, key: StatusKey, value: Option<Bytes>);

    /// See [`StatusBackingStore::start`].
    async fn start(&self) -> Result<(), Error>;

    /// See [`StatusBackingStore::stop`].
    async fn stop(&self);

    /// See [`StatusBackingStore::flush`].
    async fn flush(&self);

    /// See [`StatusBackingStore::settle`].
    async fn settle(&self);
}

#[async_trait]
impl<B: Backing> StatusBackingStore for B {
    async fn start(&self) -> Result<(), Error> {
        Backing::start(self).await
    }

    async fn stop(&self) {
        Backing::stop(self).await;
    }

    fn put_connector(&self, status: ConnectorStatus) {
        self.put(StatusKey::Connector(status.connector), status.status, false);
    }

    fn put_connector_safe(&self, status: ConnectorStatus) {
        self.put(StatusKey::Connector(status.connector), status.status, true);
    }

    fn put_task(&self, status: TaskStatus) {
        self.put(StatusKey::Task(status.id), status.status, false);
    }

    fn put_task_safe(&self, status: TaskStatus) {
        self.put(StatusKey::Task(status.id), status.status, true);
    }

    fn put_topic(&self, status: TopicStatus) {
        let value = topic_value(&status);
        let key = StatusKey::Topic { topic: status.topic, connector: status.id.connector };
        Backing::put_topic(self, key, Some(value));
    }

    fn delete_topic(&self, connector: &str, topic: &str) {
        let key = StatusKey::Topic { topic: topic.to_owned(), connector: connector.to_owned() };
        Backing::put_topic(self, key, None);
    }

    async fn flush(&self) {
        Backing::flush(self).await;
    }

    async fn settle(&self) {
        Backing::settle(self).await;
    }

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
