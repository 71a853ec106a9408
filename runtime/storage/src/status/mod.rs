//! The status store: what connectors and tasks are doing, and which topics connectors use (connect-worker.md 2.4).

mod backing;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod kafka;
mod memory;
mod records;
mod table;
mod writer;

use async_trait::async_trait;

pub use kafka::KafkaStatusBackingStore;
pub use memory::MemoryStatusBackingStore;

use crate::ConnectorTaskId;

/// The state of a connector or task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody runs it.
    Unassigned,
    /// It runs.
    Running,
    /// It is paused.
    Paused,
    /// It failed; the trace says why.
    Failed,
    /// A restart was asked for.
    Restarting,
    /// It is stopped (connectors only).
    Stopped,
    /// It is gone: written as a tombstone, never shown.
    Destroyed,
}

impl State {
    /// The name in topics and REST bodies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unassigned => "UNASSIGNED",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Failed => "FAILED",
            Self::Restarting => "RESTARTING",
            Self::Stopped => "STOPPED",
            Self::Destroyed => "DESTROYED",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        use State::{Destroyed, Failed, Paused, Restarting, Running, Stopped, Unassigned};
        let all = [Unassigned, Running, Paused, Failed, Restarting, Stopped, Destroyed];
        all.into_iter().find(|state| state.name() == name)
    }
}

/// A status as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusEntry {
    /// The state.
    pub state: State,
    /// Why it failed.
    pub trace: Option<String>,
    /// `host:port` of the worker that wrote it.
    pub worker_id: String,
    /// The group generation of the writer, 0 in standalone.
    pub generation: i32,
    /// The version of the plugin.
    pub version: Option<String>,
}

/// The status of a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorStatus {
    /// The connector.
    pub connector: String,
    /// The status.
    pub status: StatusEntry,
}

/// The status of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStatus {
    /// The task.
    pub id: ConnectorTaskId,
    /// The status.
    pub status: StatusEntry,
}

/// A topic that a connector uses (KIP-558).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicStatus {
    /// The topic.
    pub topic: String,
    /// The task that saw it first.
    pub id: ConnectorTaskId,
    /// When, in milliseconds since the epoch.
    pub discover_timestamp_ms: i64,
}

/// The store of statuses. Writes return at once and are retried in the background where Kafka Connect retries them.
#[async_trait]
pub trait StatusBackingStore: Send + Sync {
    /// Reads to the end of the topic.
    ///
    /// # Errors
    /// `Unusable` when the topic is not compacted.
    async fn start(&self) -> Result<(), crate::Error>;

    /// Stops reading and closes the clients, after pending writes or a short deadline.
    async fn stop(&self);

    /// Writes a connector's status; `State::Destroyed` removes it with all its tasks'.
    fn put_connector(&self, status: ConnectorStatus);

    /// Writes a connector's status unless a newer owner has written one (the "safe write" of connect-worker.md 2.4).
    fn put_connector_safe(&self, status: ConnectorStatus);

    /// Writes a task's status; `State::Destroyed` removes it.
    fn put_task(&self, status: TaskStatus);

    /// Writes a task's status unless a newer owner has written one.
    fn put_task_safe(&self, status: TaskStatus);

    /// Notes a topic that a connector uses.
    fn put_topic(&self, status: TopicStatus);

    /// Forgets a topic.
    fn delete_topic(&self, connector: &str, topic: &str);

    /// Waits until everything put so far is acknowledged or has failed.
    async fn flush(&self);

    /// Waits until everything that was put before the call, here or by another worker, is shown or has failed. Waits for the
    /// cluster for ever: give it a deadline. Cancel safe.
    async fn settle(&self);

    /// The status of a connector as last read.
    fn connector(&self, connector: &str) -> Option<StatusEntry>;

    /// The status of a task as last read.
    fn task(&self, id: &ConnectorTaskId) -> Option<StatusEntry>;

    /// The statuses of a connector's tasks as last read, by task number.
    fn tasks(&self, connector: &str) -> Vec<TaskStatus>;

    /// The names of all connectors with a status.
    fn connectors(&self) -> Vec<String>;

    /// A topic of a connector.
    fn topic(&self, connector: &str, topic: &str) -> Option<TopicStatus>;

    /// The topics of a connector.
    fn topics(&self, connector: &str) -> Vec<TopicStatus>;
}
