//! The second source contract: tasks that carry their data to Kafka themselves, such as the mirror.
//!
//! The worker starts, pauses and stops such a task, gives it stored offsets and a memory share, and stores the progress that
//! the task reports. It never sees a record.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use super::{MemoryShare, OffsetStorageReader};
use crate::Properties;
use crate::error::Result;
use crate::record::OffsetMap;

/// What the worker wants a carrier to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Carry.
    Running,
    /// Finish what is in flight, report it, then wait for a change.
    Paused,
    /// Finish what is in flight, report it, then return from [`CarrierTask::run`].
    Stopping,
}

/// Progress in one source partition since the last report.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Where in the source.
    pub source_partition: Arc<OffsetMap>,
    /// The position to go on from.
    pub source_offset: OffsetMap,
    /// Records carried.
    pub records: u64,
    /// Bytes carried.
    pub bytes: u64,
}

/// A record of the offsets topic, ready to be written inside the carrier's own transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetRecord {
    /// The offsets topic.
    pub topic: Arc<str>,
    /// The serialized source partition.
    pub key: Bytes,
    /// The serialized source offset.
    pub value: Bytes,
}

/// Takes a carrier's reports. None of the methods blocks.
pub trait CarrierProgress: Send + Sync {
    /// Everything up to `progress.source_offset` is acknowledged by the target. Invariant 1: report only after the
    /// acknowledgement (or after the commit of the own transaction); the worker stores it at the next offset flush.
    ///
    /// # Errors
    /// `Fenced` when this task was cancelled: a newer owner may be running; stop without writing anything more.
    fn report(&self, progress: Progress) -> Result<()>;
}

/// Serializes a source partition and offset for the offsets topic.
pub type SerializeOffset = Arc<dyn Fn(&OffsetMap, &OffsetMap) -> Result<OffsetRecord> + Send + Sync>;

/// What exactly-once gives to a carrier (KIP-618).
#[derive(Clone)]
pub struct ExactlyOnceContext {
    /// `<group.id>-<connector>-<task>`; earlier owners are fenced before the task starts.
    pub transactional_id: Arc<str>,
    /// Serializes a source offset for the carrier's own transaction.
    pub offset_record: SerializeOffset,
}

/// What the worker gives to a carrier.
#[derive(Clone)]
pub struct CarrierContext {
    /// The name of the connector.
    pub connector: Arc<str>,
    /// The number of the task.
    pub task: u32,
    /// Stored offsets.
    pub offsets: Arc<dyn OffsetStorageReader>,
    /// What the task may hold in buffers of its own.
    pub memory: MemoryShare,
    /// What to do now; await its changes.
    pub state: watch::Receiver<RunState>,
    /// Where progress goes.
    pub progress: Arc<dyn CarrierProgress>,
    /// Set when the worker runs with exactly-once.
    pub exactly_once: Option<ExactlyOnceContext>,
}

/// A source task that carries its data itself.
#[async_trait(?Send)]
pub trait CarrierTask: Send {
    /// Prepares the task.
    ///
    /// # Errors
    /// The task becomes FAILED.
    async fn start(&mut self, context: CarrierContext, config: &Properties) -> Result<()>;

    /// Carries until the state becomes [`RunState::Stopping`]; returns when nothing is in flight any more.
    ///
    /// Cancel safety: the future is dropped when the graceful time-out has passed; whatever was reported by then counts.
    ///
    /// # Errors
    /// The task becomes FAILED. `Retriable` errors are the task's own business.
    async fn run(&mut self) -> Result<()>;
}
