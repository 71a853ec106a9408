//! Stores committable source offsets beside a task's loop, one write at a time.
//!
//! Source and carrier tasks own one each. Keeps Invariant 1 (it is given committable offsets only) and Invariant 5 (nothing is
//! handed to the store once the task's lease has ended).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_storage::{ConnectorTaskId, Error, OffsetWriter};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep_until};

use crate::fault;
use crate::lease::Lease;
use crate::metrics::TaskMetrics;
use crate::submitted_records::CommittableOffsets;
use crate::worker::lock;

/// Gives up a flush from outside of the task's thread.
#[derive(Default)]
pub(crate) struct FlushAbort(Mutex<Option<AbortHandle>>);

impl FlushAbort {
    /// The flush that is under way goes no further.
    pub(crate) fn abort(&self) {
        if let Some(flush) = &*lock(&self.0) {
            flush.abort();
        }
    }
}

/// The offset flushes of one task.
pub(crate) struct OffsetFlush {
    id: ConnectorTaskId,
    writer: Arc<OffsetWriter>,
    lease: Arc<Lease>,
    metrics: Arc<TaskMetrics>,
    interval: Duration,
    timeout: Duration,
    next: Instant,
    running: Option<(Instant, JoinHandle<Result<(), Error>>)>,
    outside: Arc<FlushAbort>,
    /// A flush is done and `SourceTask.commit` not yet called.
    commit_owed: bool,
}

impl OffsetFlush {
    /// Flushes every `interval`, for the first time after one interval, for at most `timeout` each.
    pub(crate) fn new(
        id: ConnectorTaskId,
        writer: Arc<OffsetWriter>,
        lease: Arc<Lease>,
        metrics: Arc<TaskMetrics>,
        [interval, timeout]: [Duration; 2],
        outside: Arc<FlushAbort>,
    ) -> Self {
        let next = Instant::now() + interval;
        Self { id, writer, lease, metrics, interval, timeout, next, running: None, outside, commit_owed: false }
    }

    /// Whether it is time for a flush and none is under way.
    pub(crate) fn is_due(&self) -> bool {
        self.running.is_none() && Instant::now() >= self.next
    }

    /// Begins to store `offsets`. Nothing to store counts as a flush too.
    pub(crate) fn begin(&mut self, offsets: CommittableOffsets) {
        self.next = Instant::now() + self.interval;
        if !offsets.is_empty() {
            fault::point("after-ack-before-flush");
        }
        for (partition, offset) in offsets {
            self.writer.offset(partition, offset);
        }
        // Invariant 5: a cancelled task stores nothing.
        match self.lease.while_held(|| self.writer.begin_flush()) {
            Some(true) => {
                let (writer, lease, timeout) = (self.writer.clone(), self.lease.clone(), self.timeout);
                let flush = async move {
                    // The log asks only whether a tenure is held, which may be the next one by now.
                    if lease.is_cancelled() {
                        writer.cancel_flush();
                        return Err(Error::Closed("the task was cancelled".to_owned()));
                    }
                    match tokio::time::timeout(timeout, writer.flush()).await {
                        Ok(stored) => stored,
                        Err(_) => {
                            writer.cancel_flush();
                            Err(Error::Timeout(format!("the flush took more than {} ms", timeout.as_millis())))
                        }
                    }
                };
                let flush = tokio::spawn(flush);
                *lock(&self.outside.0) = Some(flush.abort_handle());
                self.running = Some((Instant::now(), flush));
            }
            Some(false) => self.succeeded(Duration::ZERO),
            None => {}
        }
    }

    /// Waits until a flush ends or the next is due. Cancel safe.
    pub(crate) async fn next_event(&mut self) {
        match &mut self.running {
            None => sleep_until(self.next).await,
            Some((began, handle)) => {
                let (took, stored) = (*began, handle.await);
                self.running = None;
                self.ended(took.elapsed(), stored);
            }
        }
    }

    /// Notes the end of a flush without waiting.
    pub(crate) async fn notice(&mut self) {
        if self.running.as_ref().is_some_and(|(_, handle)| handle.is_finished()) {
            self.next_event().await;
        }
    }

    /// Whether `SourceTask.commit` is to be called now.
    pub(crate) fn take_commit_owed(&mut self) -> bool {
        std::mem::take(&mut self.commit_owed)
    }

    /// The last flush: ends the one under way, then stores `offsets`.
    pub(crate) async fn finish(&mut self, offsets: CommittableOffsets) {
        self.settle().await;
        self.begin(offsets);
        self.settle().await;
    }

    async fn settle(&mut self) {
        while self.running.is_some() {
            self.next_event().await;
        }
    }

    fn ended(&mut self, took: Duration, stored: Result<Result<(), Error>, tokio::task::JoinError>) {
        match stored {
            Ok(Ok(())) => {
                fault::point("after-flush-before-commit");
                self.succeeded(took);
            }
            Ok(Err(error)) => self.failed(&error),
            Err(panicked) => self.failed(&panicked),
        }
    }

    fn succeeded(&mut self, took: Duration) {
        self.metrics.committed(took);
        self.commit_owed = true;
    }

    /// The offsets are with the writer again and go out with the next flush.
    fn failed(&mut self, error: &dyn std::error::Error) {
        self.writer.cancel_flush();
        self.metrics.commit_failed();
        tracing::error!(connector = self.id.connector, task = self.id.task, %error, "Failed to commit offsets");
    }
}

impl Drop for OffsetFlush {
    fn drop(&mut self) {
        if let Some((_, flush)) = &self.running {
            flush.abort();
        }
    }
}
