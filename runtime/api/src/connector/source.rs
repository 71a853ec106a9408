//! The source task contract.

use std::sync::Arc;

use async_trait::async_trait;

use super::{MemoryShare, TransactionContext};
use crate::Properties;
use crate::error::Result;
use crate::record::{OffsetMap, SourceRecord};

/// Reads stored source offsets.
#[async_trait]
pub trait OffsetStorageReader: Send + Sync {
    /// The stored offset of each partition, in the order of `partitions`; `None` where there is none.
    ///
    /// # Errors
    /// `Connect` when the store cannot be read or the reader was closed because the task was cancelled.
    async fn offsets(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>>;
}

/// What the worker gives to a source task.
#[derive(Clone)]
pub struct SourceTaskContext {
    /// The name of the connector.
    pub connector: Arc<str>,
    /// The number of the task.
    pub task: u32,
    /// Stored offsets.
    pub offsets: Arc<dyn OffsetStorageReader>,
    /// What the task may hold in buffers of its own.
    pub memory: MemoryShare,
    /// Where to ask for the ends of transactions; set when `transaction.boundary` is `connector`.
    pub transactions: Option<TransactionContext>,
}

/// A record that is done: acknowledged by the broker, or dropped on the way there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedRecord {
    /// The token that the task put into the record.
    pub token: u64,
    /// Topic partition and offset, or `None` when the record was dropped by a transform or an error policy.
    pub position: Option<(i32, i64)>,
}

/// Reads from a source.
///
/// The worker calls the methods from one thread, one at a time: `start`, then `poll` again and again, `stop` at the end.
/// Offsets are stored only after the broker acknowledged the record and all before it of the same source partition
/// (Invariant 1), so after a crash the task goes on from at most an older offset: at least once.
///
/// ```
/// use std::sync::Arc;
/// use async_trait::async_trait;
/// use sluice_api::{OffsetMap, Properties, Result, Schema, SourceRecord, SourceTask, SourceTaskContext, Value};
///
/// /// Counts to `limit`, ten records a batch.
/// #[derive(Default)]
/// struct CounterTask { next: i64, limit: i64, topic: Arc<str> }
///
/// #[async_trait(?Send)]
/// impl SourceTask for CounterTask {
///     async fn start(&mut self, context: SourceTaskContext, config: &Properties) -> Result<()> {
///         self.topic = config["topic"].as_str().into();
///         self.limit = 25;
///         let stored = context.offsets.offsets(&[partition()]).await?.remove(0);
///         if let Some(Value::Int64(next)) = stored.as_ref().and_then(|offset| offset.get("next")) {
///             self.next = *next;
///         }
///         Ok(())
///     }
///
///     async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
///         let shared = Arc::new(partition());
///         let end = self.limit.min(self.next + 10);
///         let batch = (self.next..end).map(|n| {
///             let offset = OffsetMap::single("next", Value::Int64(n + 1));
///             SourceRecord::new(shared.clone(), offset, self.topic.clone(), Some(Schema::INT64), Value::Int64(n))
///         });
///         let batch = batch.collect();
///         self.next = end;
///         Ok(batch)
///     }
/// }
///
/// fn partition() -> OffsetMap { OffsetMap::single("counter", Value::from("only")) }
/// ```
#[async_trait(?Send)]
pub trait SourceTask: Send {
    /// Prepares the task; `config` is what the connector's `task_configs` gave for it.
    ///
    /// # Errors
    /// The task becomes FAILED.
    async fn start(&mut self, context: SourceTaskContext, config: &Properties) -> Result<()>;

    /// The next batch; an empty one when there is nothing yet. Wait inside (asynchronously) rather than returning empty
    /// batches in a tight loop. The records' order is the order of production and of offsets.
    ///
    /// Cancel safety: the future is dropped only when the task is stopping; it is never polled again then.
    ///
    /// # Errors
    /// `Retriable` is taken as an empty batch and the poll is repeated; anything else ends the task.
    async fn poll(&mut self) -> Result<Vec<SourceRecord>>;

    /// Whether [`SourceTask::commit_records`] shall be called; it costs a little per record.
    fn wants_committed_records(&self) -> bool {
        false
    }

    /// Records that are done, in the order in which they were acknowledged, as one batch.
    ///
    /// # Errors
    /// Logged only, as Kafka Connect does.
    async fn commit_records(&mut self, _records: &[CommittedRecord]) -> Result<()> {
        Ok(())
    }

    /// Offsets that belong to no record (who the source is, how far an idle one was confirmed), taken between polls and stored by the
    /// next flush or transaction that begins afterwards. Their partitions are not those of records: nothing orders the two.
    fn take_offsets(&mut self) -> Vec<(Arc<OffsetMap>, OffsetMap)> {
        Vec::new()
    }

    /// Called after stored offsets have been flushed, also when there was nothing to flush. Never during a poll: a task that needs
    /// it in time returns from [`SourceTask::poll`] at least every second.
    ///
    /// # Errors
    /// Logged only.
    async fn commit(&mut self) -> Result<()> {
        Ok(())
    }

    /// Releases what the task holds. Comes after the last flush of offsets and the last [`SourceTask::commit`].
    ///
    /// # Errors
    /// Logged; the task ends as stopped.
    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}
