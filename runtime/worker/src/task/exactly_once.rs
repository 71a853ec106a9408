//! The transactions of a source task (KIP-618); the page is in the crate's documentation. Keeps Invariants 1, 3, 5 and 7.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::connector::{CommittedRecord, TransactionContext, TransactionEnd};
use sluice_api::{ConnectError, ErrorKind};
use sluice_kafka::{Error, ErrorKind as KafkaErrorKind};
use sluice_storage::offset::SecondaryOffsets;
use tokio::time::{Instant, sleep_until};

use super::source::WorkerSourceTask;
use crate::offset_flush::OffsetFlush;

/// How long the last abort may take; what it does not reach is aborted by the successor or the coordinator.
const LAST_ABORT_TIMEOUT: Duration = Duration::from_secs(2);

/// How a source task's offsets get stored.
#[allow(clippy::large_enum_variant, reason = "there is one per task")]
pub(crate) enum Commits {
    /// At least once: acknowledged offsets are flushed at intervals.
    Flushed(OffsetFlush),
    /// Exactly once: together with the records.
    Transactional(Transactions),
}

/// Where transactions end.
pub(crate) enum Boundary {
    /// After each batch.
    Poll,
    /// After a time.
    Interval(Duration),
    /// Where the connector asks for it.
    Connector(TransactionContext),
}

/// The transactions of one task.
pub(crate) struct Transactions {
    pub(super) boundary: Boundary,
    /// No record may go there: a poll that reads offsets would wait for its own open transaction.
    pub(super) offsets_topic: Arc<str>,
    /// The worker's offsets topic, when the connector has one of its own.
    pub(super) copies: Option<SecondaryOffsets>,
    pub(super) open: bool,
    /// When an interval ends.
    due: Instant,
    /// Records of the open transaction.
    records: usize,
    /// Offset records sent so far: their acks have numbers of their own.
    pub(super) offsets_sent: u64,
    /// The records of committed transactions, and that a commit is done: the task is not told yet.
    told: Vec<CommittedRecord>,
    commit_owed: bool,
}

impl Transactions {
    pub(crate) fn new(boundary: Boundary, offsets_topic: Arc<str>, copies: Option<SecondaryOffsets>) -> Self {
        let mut transactions = Self {
            boundary,
            offsets_topic,
            copies,
            open: false,
            due: Instant::now(),
            records: 0,
            offsets_sent: 0,
            told: Vec::new(),
            commit_owed: false,
        };
        transactions.begin_interval();
        transactions
    }

    /// What the task gets to ask for ends with.
    pub(super) fn context(&self) -> Option<TransactionContext> {
        match &self.boundary {
            Boundary::Connector(context) => Some(context.clone()),
            Boundary::Poll | Boundary::Interval(_) => None,
        }
    }

    /// An interval begins when the task enters its loop, and with each commit.
    pub(super) fn begin_interval(&mut self) {
        if let Boundary::Interval(every) = self.boundary {
            self.due = Instant::now() + every;
        }
    }

    /// The records of the open transaction are dropped.
    pub(super) fn forget_records(&mut self) {
        self.records = 0;
    }

    fn is_due(&self) -> bool {
        matches!(self.boundary, Boundary::Interval(_)) && Instant::now() >= self.due
    }
}

impl Commits {
    /// Waits until there is something to commit or to notice, besides acks. Cancel safe.
    pub(super) async fn next_event(&mut self) {
        match self {
            Self::Flushed(flush) => flush.next_event().await,
            Self::Transactional(Transactions { boundary: Boundary::Interval(_), due, .. }) => sleep_until(*due).await,
            Self::Transactional(_) => std::future::pending().await,
        }
    }

    pub(super) fn transactions(&mut self) -> Option<&mut Transactions> {
        match self {
            Self::Flushed(_) => None,
            Self::Transactional(transactions) => Some(transactions),
        }
    }

    pub(super) fn are_transactional(&self) -> bool {
        matches!(self, Self::Transactional(_))
    }

    /// The records that the task is to be told of, out of those that are `done`.
    pub(super) fn take_told(&mut self, done: &mut Vec<CommittedRecord>) -> Vec<CommittedRecord> {
        match self {
            Self::Flushed(_) => std::mem::take(done),
            // Not those of a transaction that is not committed.
            Self::Transactional(transactions) => std::mem::take(&mut transactions.told),
        }
    }

    /// Whether `SourceTask.commit` is to be called now.
    pub(super) fn take_commit_owed(&mut self) -> bool {
        match self {
            Self::Flushed(flush) => flush.take_commit_owed(),
            Self::Transactional(transactions) => std::mem::take(&mut transactions.commit_owed),
        }
    }
}

impl WorkerSourceTask {
    /// Begins a transaction when none is open. Nothing to do at least once.
    pub(super) fn begin_transaction(&mut self) -> Result<(), ConnectError> {
        let Commits::Transactional(transactions) = &mut self.commits else { return Ok(()) };
        if transactions.open {
            return Ok(());
        }
        match self.seat.lease.while_held(|| self.producer.begin_transaction()) {
            // Invariant 5: a cancelled task sends nothing more.
            None => Err(ConnectError::connect("the task was cancelled")),
            Some(Ok(())) => {
                transactions.open = true;
                Ok(())
            }
            Some(Err(error)) => Err(self.transaction_failed(error)),
        }
    }

    /// A record was converted: is it one that may be in a transaction, and which are they?
    pub(super) fn enter_transaction(&mut self, topic: &str) -> Result<(), ConnectError> {
        let Some(transactions) = self.commits.transactions() else { return Ok(()) };
        if *transactions.offsets_topic == *topic {
            return Err(ConnectError::connect(
                "Source tasks may not produce to their own offsets topics when exactly-once support is enabled",
            ));
        }
        transactions.records += 1;
        Ok(())
    }

    /// Ends the transaction after a record when the connector has asked for that.
    pub(super) async fn record_dispatched(&mut self, token: u64) -> Result<(), ConnectError> {
        let Some(Transactions { boundary: Boundary::Connector(context), .. }) = self.commits.transactions() else {
            return Ok(());
        };
        let end = context.take_for_record(token)?;
        self.end_transaction(end).await
    }

    /// Ends the transaction after a batch, also an empty one, when the boundary is there.
    pub(super) async fn batch_dispatched(&mut self) -> Result<(), ConnectError> {
        let Some(transactions) = self.commits.transactions() else { return Ok(()) };
        let end = match &transactions.boundary {
            Boundary::Poll => Some(TransactionEnd::Commit),
            Boundary::Interval(_) => transactions.is_due().then_some(TransactionEnd::Commit),
            Boundary::Connector(context) => context.take_for_batch()?,
        };
        self.end_transaction(end).await
    }

    /// Commits when an interval has ended, also while a poll waits.
    pub(super) async fn commit_if_due(&mut self) -> Result<(), ConnectError> {
        match self.commits.transactions() {
            Some(transactions) if transactions.is_due() => self.end_transaction(Some(TransactionEnd::Commit)).await,
            _ => Ok(()),
        }
    }

    /// Before a pause and at the end: nothing that can be committed stays open.
    pub(super) async fn finish_transaction(&mut self) -> Result<(), ConnectError> {
        let Some(transactions) = self.commits.transactions() else { return Ok(()) };
        let end = match &transactions.boundary {
            Boundary::Connector(context) => context.take_for_batch()?,
            Boundary::Poll | Boundary::Interval(_) => transactions.open.then_some(TransactionEnd::Commit),
        };
        self.end_transaction(end).await
    }

    async fn end_transaction(&mut self, end: Option<TransactionEnd>) -> Result<(), ConnectError> {
        match end {
            None => Ok(()),
            Some(TransactionEnd::Commit) => self.commit_transaction().await,
            Some(TransactionEnd::Abort) => {
                self.abort_transaction().await?;
                self.commit_transaction().await
            }
        }
    }

    /// Commits what was sent since the last end, with the offsets that lead past it.
    async fn commit_transaction(&mut self) -> Result<(), ConnectError> {
        let began = Instant::now();
        self.send_all().await?;
        let offsets = self.in_flight.records.submitted();
        let Some(transactions) = self.commits.transactions() else { return Ok(()) };
        if !transactions.open && offsets.is_empty() {
            return self.committed_transaction(began);
        }
        self.begin_transaction()?;
        let values = self.serialized(offsets).inspect_err(|_| self.seat.metrics.commit_failed())?;
        let committed = self.write_and_commit(&values).await;
        committed.inspect_err(|_| self.seat.metrics.commit_failed())?;
        self.committed_transaction(began)?;
        if let Some(Transactions { copies: Some(copies), .. }) = self.commits.transactions() {
            // Invariant 1: a copy never runs ahead of what is committed.
            copies.write(values);
        }
        Ok(())
    }

    fn committed_transaction(&mut self, began: Instant) -> Result<(), ConnectError> {
        // All of them were in the transaction.
        drop(self.in_flight.records.take_committable());
        self.seat.metrics.committed(began.elapsed());
        let Some(transactions) = self.commits.transactions() else { return Ok(()) };
        if std::mem::take(&mut transactions.open) {
            let records = std::mem::take(&mut transactions.records);
            self.seat.metrics.transaction_committed(records);
        }
        let Some(transactions) = self.commits.transactions() else { return Ok(()) };
        transactions.told.append(&mut self.committed);
        transactions.commit_owed = true;
        transactions.begin_interval();
        Ok(())
    }

    /// Drops the records since the last end, as the connector asks; their offsets go into the next commit.
    async fn abort_transaction(&mut self) -> Result<(), ConnectError> {
        let id = self.seat.id.clone();
        let Some(transactions) = self.commits.transactions() else { return Ok(()) };
        if !transactions.open && self.unsent.is_empty() {
            tracing::warn!(
                connector = id.connector,
                task = id.task,
                "Ignoring request by task to abort transaction as the current transaction is empty"
            );
            return Ok(());
        }
        tracing::info!(connector = id.connector, task = id.task, "Aborting transaction as requested by connector");
        self.forget_unsent();
        if self.commits.transactions().is_some_and(|transactions| transactions.open) {
            self.abort_open_transaction().await?;
        }
        self.forget_sent();
        Ok(())
    }

    /// The last thing: an open transaction must not keep readers waiting.
    pub(super) async fn abort_what_is_left(&mut self) {
        if !self.commits.transactions().is_some_and(|transactions| transactions.open) || self.seat.lease.is_cancelled()
        {
            return;
        }
        if let Err(error) = self.producer.abort_transaction(LAST_ABORT_TIMEOUT).await {
            let id = &self.seat.id;
            tracing::debug!(connector = id.connector, task = id.task, %error, "the last transaction stays open for now");
        }
    }

    /// What a failed transaction means for the task. A fenced producer does not say why it was.
    pub(super) fn transaction_failed(&self, error: Error) -> ConnectError {
        let id = &self.seat.id;
        let error = self.producer.failure().unwrap_or(error);
        match error.kind() {
            KafkaErrorKind::Fenced => {
                let text = format!(
                    "The task {id} was unable to finish writing records to Kafka: its producer was fenced, either by a newer instance of \
                     the task, or because its transaction expired. In the latter case it may be necessary to reconfigure this connector \
                     in order for it to run healthily with exactly-once support. Options for this include: tune the connector's producer \
                     configuration for higher throughput, increase the transaction timeout for the connector's producers \
                     (`producer.override.transaction.timeout.ms`), decrease the transaction interval (if using interval-based transaction \
                     boundaries), or use the 'poll' transaction boundary (if the connector is not already configured to use it)."
                );
                ConnectError::new(ErrorKind::Fenced, text).with_source(error)
            }
            _ => ConnectError::connect(format!("Failed to flush offsets and/or records for task {id}: {error}"))
                .with_source(error),
        }
    }
}
