//! Topics beside the delivery, in which a sink task tells what became of its records.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Properties;
use crate::error::Result;

/// A topic of reports, made when it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTopic {
    /// Its name.
    pub name: String,
    /// How many partitions a new one gets.
    pub partitions: i32,
    /// How many replicas a new one gets.
    pub replication_factor: i32,
}

/// A record for such a topic, in the bytes that are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One of the topics that were opened.
    pub topic: Arc<str>,
    /// The key.
    pub key: Option<Bytes>,
    /// The value.
    pub value: Option<Bytes>,
    /// Headers, in order.
    pub headers: Vec<(Arc<str>, Option<Bytes>)>,
}

/// Writes reports. The worker commits nothing of its own accord for them: a task that wants its reports to be there before the offsets
/// of their records are committed awaits [`Reports::settled`] in `flush` (Invariant 3).
#[async_trait]
pub trait Reports: Send + Sync {
    /// Makes missing topics, and the client that writes. The properties are those of Java clients; with `bootstrap.servers` they stand
    /// alone, without they are laid over the worker's.
    ///
    /// # Errors
    /// `Connect` when the cluster cannot be reached or refuses a topic.
    async fn open(&self, topics: &[ReportTopic], producer: &Properties, admin: &Properties) -> Result<()>;

    /// Queues a report.
    ///
    /// # Errors
    /// Nothing was opened, or an earlier report was refused: the task must end.
    fn send(&self, report: Report) -> Result<()>;

    /// Waits until all reports are acknowledged.
    ///
    /// # Errors
    /// One was not: offsets of its record must not be committed.
    async fn settled(&self) -> Result<()>;
}
