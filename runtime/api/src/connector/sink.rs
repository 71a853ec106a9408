//! The sink task contract.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use indexmap::IndexMap;

use super::{MemoryShare, Reports};
use crate::Properties;
use crate::error::{ConnectError, Result};
use crate::record::{SinkRecord, TopicPartition};

/// The next offset to read, per topic partition.
pub type OffsetsToCommit = IndexMap<TopicPartition, i64>;

/// Takes records that the task cannot deliver (KIP-610).
#[async_trait]
pub trait ErrantRecordReporter: Send + Sync {
    /// Sends `record` with its error the way `errors.*` says. Offsets past it are committed only when that is done.
    ///
    /// # Errors
    /// With `errors.tolerance=none`: the task must return this error.
    fn report(&self, record: &SinkRecord, error: ConnectError) -> Result<()>;

    /// Waits until everything that was reported has arrived in the dead letter queue. A task need not: the worker waits itself
    /// before it commits.
    ///
    /// # Errors
    /// A record did not arrive: offsets past it must not be committed.
    async fn settled(&self) -> Result<()> {
        Ok(())
    }
}

/// What a sink task asked the worker for since the worker last looked.
#[derive(Debug, Default)]
pub struct SinkRequests {
    /// Offsets to go back to before the next batch.
    pub rewinds: OffsetsToCommit,
    /// How long to wait at most before the next call of `put` (also before a redelivery), once.
    pub timeout: Option<Duration>,
    /// Commit as soon as possible.
    pub commit: bool,
    /// Partitions to pause (`true`) or resume, in order.
    pub flow: Vec<(TopicPartition, bool)>,
    /// What the task's status says beside its state from now on, `None` inside for nothing.
    pub notice: Option<Option<String>>,
}

/// What the worker gives to a sink task.
#[derive(Clone)]
pub struct SinkTaskContext {
    /// The name of the connector.
    pub connector: Arc<str>,
    /// The number of the task.
    pub task: u32,
    /// What the task may hold in buffers of its own.
    pub memory: MemoryShare,
    /// Where to report single bad records; `None` unless a dead letter queue or error logging is configured.
    pub errant_records: Option<Arc<dyn ErrantRecordReporter>>,
    /// Where to tell what became of records, in topics of the task's own; `None` outside a worker.
    pub reports: Option<Arc<dyn Reports>>,
    requests: Arc<Mutex<SinkRequests>>,
}

impl SinkTaskContext {
    /// A context without pending requests.
    pub fn new(
        connector: Arc<str>,
        task: u32,
        memory: MemoryShare,
        errant_records: Option<Arc<dyn ErrantRecordReporter>>,
    ) -> Self {
        Self { connector, task, memory, errant_records, reports: None, requests: Arc::default() }
    }

    /// The same with a place for reports.
    #[must_use]
    pub fn with_reports(self, reports: Arc<dyn Reports>) -> Self {
        Self { reports: Some(reports), ..self }
    }

    /// Goes back (or forward) to these offsets before the next batch.
    pub fn rewind(&self, offsets: impl IntoIterator<Item = (TopicPartition, i64)>) {
        self.with(|requests| requests.rewinds.extend(offsets));
    }

    /// The next call of `put` comes after this time at the latest; after a retriable error this is the pause before the
    /// batch is delivered again.
    pub fn timeout(&self, timeout: Duration) {
        self.with(|requests| requests.timeout = Some(timeout));
    }

    /// Asks for a commit of offsets as soon as possible.
    pub fn request_commit(&self) {
        self.with(|requests| requests.commit = true);
    }

    /// Stops delivery of a partition until [`SinkTaskContext::resume`].
    pub fn pause(&self, partition: TopicPartition) {
        self.with(|requests| requests.flow.push((partition, true)));
    }

    /// Takes up delivery of a partition again.
    pub fn resume(&self, partition: TopicPartition) {
        self.with(|requests| requests.flow.push((partition, false)));
    }

    /// Says over REST what a running task waits for and what to do about it: the text is the `trace` of its status, whose state
    /// stays as it is. `None` takes it back.
    pub fn notice(&self, text: Option<String>) {
        self.with(|requests| requests.notice = Some(text));
    }

    /// Hands the pending requests to the worker.
    pub fn take_requests(&self) -> SinkRequests {
        self.with(std::mem::take)
    }

    fn with<T>(&self, change: impl FnOnce(&mut SinkRequests) -> T) -> T {
        change(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes to a sink.
///
/// The worker calls the methods from one thread, one at a time: `start`, `open` when partitions are assigned, `put` again and
/// again, `pre_commit` before offsets are committed, `close` when partitions are taken away, `stop` at the end.
///
/// ```
/// use async_trait::async_trait;
/// use sluice_api::{Properties, Result, SinkRecord, SinkTask, SinkTaskContext};
///
/// /// Counts the bytes of every value's text.
/// #[derive(Default)]
/// struct LengthTask { total_bytes: usize }
///
/// #[async_trait(?Send)]
/// impl SinkTask for LengthTask {
///     async fn start(&mut self, _context: SinkTaskContext, _config: &Properties) -> Result<()> {
///         Ok(())
///     }
///
///     async fn put(&mut self, records: &[SinkRecord]) -> Result<()> {
///         for record in records {
///             self.total_bytes += record.value.to_string().len();
///         }
///         Ok(())
///     }
/// }
/// ```
#[async_trait(?Send)]
pub trait SinkTask: Send {
    /// Prepares the task; `config` is what the connector's `task_configs` gave for it.
    ///
    /// # Errors
    /// The task becomes FAILED.
    async fn start(&mut self, context: SinkTaskContext, config: &Properties) -> Result<()>;

    /// Partitions that the task now gets records of, in addition to those it has.
    ///
    /// # Errors
    /// The task becomes FAILED.
    async fn open(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        Ok(())
    }

    /// Delivers a batch, which may be empty. In order per partition.
    ///
    /// # Errors
    /// `Retriable`: the same batch comes again after [`SinkTaskContext::timeout`]; anything else ends the task.
    async fn put(&mut self, records: &[SinkRecord]) -> Result<()>;

    /// Makes everything up to `offsets` durable and returns what may be committed (Invariant 2); partitions that are left
    /// out keep what was committed before.
    ///
    /// # Errors
    /// Nothing is committed and the records since the last commit come again.
    async fn pre_commit(&mut self, offsets: &OffsetsToCommit) -> Result<OffsetsToCommit> {
        self.flush(offsets).await?;
        Ok(offsets.clone())
    }

    /// Makes everything that was put durable.
    ///
    /// # Errors
    /// As for [`SinkTask::pre_commit`].
    async fn flush(&mut self, _offsets: &OffsetsToCommit) -> Result<()> {
        Ok(())
    }

    /// Partitions that are taken away; their offsets are committed after it, as far as `pre_commit` said.
    ///
    /// # Errors
    /// The task becomes FAILED.
    async fn close(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        Ok(())
    }

    /// Releases what the task holds.
    ///
    /// # Errors
    /// Logged; the task ends as stopped.
    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}
