//! The loop of a source task; the page is in the crate's documentation. Keeps Invariants 1, 3 and 7.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::connector::{CommittedRecord, OffsetStorageReader};
use sluice_api::{ConnectError, ErrorKind, Properties, SourceRecord, SourceTask, SourceTaskContext};
use sluice_kafka::Ack;
use sluice_storage::State;
use tokio::time::{Instant, timeout_at};

use super::conversion::Conversion;
use super::exactly_once::{Commits, Transactions};
use super::exactly_once_commit::is_of_offset;
use super::preparation::Preparation;
use super::record_producer::RecordProducer;
use super::seat::TaskSeat;
use super::source_batch::{Batch, InFlight};
use crate::errors::{Attempts, ErrorPolicy, Verdict, source_text};
use crate::topic_creation::TopicCreation;

/// The pause after a poll that failed and may be tried again: Kafka Connect has none and spins.
const POLL_RETRY_PAUSE: Duration = Duration::from_millis(100);
/// What is in flight after the last flush is given up: its offsets are not stored, so it comes again.
const CLOSE_TIMEOUT: Duration = Duration::ZERO;

/// A source task in the worker's hands.
pub(crate) struct WorkerSourceTask {
    pub(super) seat: TaskSeat,
    config: Properties,
    preparation: Preparation,
    offsets: Arc<dyn OffsetStorageReader>,
    pub(super) producer: Arc<dyn RecordProducer>,
    pub(super) conversion: Conversion,
    pub(super) policy: ErrorPolicy,
    pub(super) topics: TopicCreation,
    pub(super) commits: Commits,
    flush_timeout: Duration,
    pub(super) in_flight: InFlight,
    /// Converted and submitted, not yet taken by the producer.
    pub(super) unsent: Batch,
    pub(super) acks: Vec<Ack>,
    /// Done, and the task not yet told.
    pub(super) committed: Vec<CommittedRecord>,
    /// Whether the task has anything to release.
    start_called: bool,
    paused: bool,
}

impl WorkerSourceTask {
    #[allow(clippy::too_many_arguments, reason = "each is a part of its own, made in one place")]
    pub(crate) fn new(
        seat: TaskSeat,
        config: Properties,
        preparation: Preparation,
        offsets: Arc<dyn OffsetStorageReader>,
        producer: Arc<dyn RecordProducer>,
        conversion: Conversion,
        policy: ErrorPolicy,
        topics: TopicCreation,
        commits: Commits,
        flush_timeout: Duration,
    ) -> Self {
        Self {
            seat,
            config,
            preparation,
            offsets,
            producer,
            conversion,
            policy,
            topics,
            commits,
            flush_timeout,
            in_flight: InFlight::default(),
            unsent: Batch::default(),
            acks: Vec::new(),
            committed: Vec::new(),
            start_called: false,
            paused: false,
        }
    }

    /// Runs the task until it is told to stop or fails.
    pub(crate) async fn run(mut self, mut task: Box<dyn SourceTask>) -> Result<(), ConnectError> {
        if !self.seat.may_start().await {
            return Ok(());
        }
        self.in_flight.report_tokens = task.wants_committed_records();
        let outcome = match self.start(&mut *task).await {
            Ok(true) => {
                self.seat.started();
                let outcome = self.carry_on(&mut *task).await;
                self.settle(&mut *task, outcome.is_err()).await;
                outcome
            }
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if self.start_called
            && let Err(error) = task.stop().await
        {
            let id = &self.seat.id;
            tracing::warn!(connector = id.connector, task = id.task, %error, "the task failed to stop");
        }
        self.producer.close(CLOSE_TIMEOUT).await;
        self.preparation.undo().await;
        outcome
    }

    /// `false` when the task was told to stop first.
    async fn start(&mut self, task: &mut dyn SourceTask) -> Result<bool, ConnectError> {
        if !self.preparation.make(&mut self.seat, Some(&*self.producer)).await? {
            return Ok(false);
        }
        let context = SourceTaskContext {
            connector: self.seat.id.connector.as_str().into(),
            task: self.seat.id.task,
            offsets: self.offsets.clone(),
            memory: self.seat.memory.share.clone(),
            transactions: self.commits.transactions().and_then(|transactions| transactions.context()),
        };
        self.start_called = true;
        match self.seat.unless_stopped(task.start(context, &self.config)).await {
            Some(started) => started.map(|()| true),
            None => Ok(false),
        }
    }

    async fn carry_on(&mut self, task: &mut dyn SourceTask) -> Result<(), ConnectError> {
        if let Some(transactions) = self.commits.transactions() {
            transactions.begin_interval();
        }
        while !self.seat.stopping() {
            self.look_after_the_sent().await?;
            self.call_back(task).await;
            if self.seat.paused() {
                self.finish_transaction().await?;
                self.call_back(task).await;
                self.attend().await?;
                continue;
            }
            self.send_unsent()?;
            if !self.has_room() {
                self.attend().await?;
                continue;
            }
            if let Some(records) = self.next_batch(task).await? {
                self.convert_and_submit(records).await?;
                self.send_unsent()?;
            } else if self.seat.stopping() {
                continue;
            }
            self.batch_dispatched().await?;
            // A source that always has records must not starve the flush on this thread.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// What was acknowledged, what is to be flushed, and whether the task is paused.
    async fn look_after_the_sent(&mut self) -> Result<(), ConnectError> {
        self.take_acks()?;
        if let Commits::Flushed(flush) = &mut self.commits {
            flush.notice().await;
            if flush.is_due() {
                // Invariant 1: the acks were taken before, so what is committable is acknowledged.
                flush.begin(self.in_flight.records.take_committable());
            }
        }
        let paused = self.seat.paused();
        if paused != std::mem::replace(&mut self.paused, paused) && !self.seat.stopping() {
            self.seat.report(if paused { State::Paused } else { State::Running }, None);
        }
        Ok(())
    }

    /// Waits until there is something to look after, and does so. Cancel safe while it waits.
    pub(super) async fn attend(&mut self) -> Result<(), ConnectError> {
        tokio::select! {
            () = self.producer.acks_ready() => {}
            () = self.commits.next_event() => {}
            () = self.unsent.retry_due() => {}
            () = self.seat.changed() => {}
        }
        self.look_after_the_sent().await
    }

    /// The callbacks that are owed to the task. Never during a poll.
    async fn call_back(&mut self, task: &mut dyn SourceTask) {
        let id = &self.seat.id;
        let told = self.commits.take_told(&mut self.committed);
        if !told.is_empty()
            && let Err(error) = task.commit_records(&told).await
        {
            tracing::error!(connector = id.connector, task = id.task, %error, "the task failed to take note of its records");
        }
        if self.commits.take_commit_owed()
            && let Err(error) = task.commit().await
        {
            tracing::error!(connector = id.connector, task = id.task, %error, "the task failed to commit");
        }
        for (partition, offset) in task.take_offsets() {
            self.in_flight.records.note(&partition, offset);
        }
    }

    fn has_room(&self) -> bool {
        self.unsent.is_empty() && self.in_flight.bytes < self.seat.memory.share.bytes()
    }

    /// The next batch; `None` when the loop has to look around first.
    async fn next_batch(&mut self, task: &mut dyn SourceTask) -> Result<Option<Vec<SourceRecord>>, ConnectError> {
        let began = Instant::now();
        let mut poll = task.poll();
        loop {
            let polled = tokio::select! {
                biased;
                polled = &mut poll, if !self.paused => polled,
                attended = self.attend() => {
                    attended?;
                    if self.seat.stopping() {
                        return Ok(None);
                    }
                    match self.paused {
                        true => self.finish_transaction().await?,
                        false => self.commit_if_due().await?,
                    }
                    continue;
                }
            };
            drop(poll);
            return match polled {
                Ok(records) => {
                    if !records.is_empty() {
                        self.seat.metrics.taken(records.len());
                        self.seat.metrics.batch_took(began.elapsed());
                    }
                    Ok(Some(records))
                }
                Err(error) if error.kind() == ErrorKind::Retriable => {
                    let id = &self.seat.id;
                    tracing::warn!(connector = id.connector, task = id.task, %error, "failed to poll records, trying again");
                    self.attend_for(POLL_RETRY_PAUSE).await?;
                    Ok(None)
                }
                Err(error) => Err(error),
            };
        }
    }

    /// Attends to everything but the task for a while; less when told to stop.
    async fn attend_for(&mut self, pause: Duration) -> Result<(), ConnectError> {
        let until = Instant::now() + pause;
        while !self.seat.stopping() && Instant::now() < until {
            if let Ok(attended) = timeout_at(until, self.attend()).await {
                attended?;
            }
        }
        Ok(())
    }

    /// Converts records one after the other and submits them; those before a failure are submitted all the same.
    async fn convert_and_submit(&mut self, records: Vec<SourceRecord>) -> Result<(), ConnectError> {
        for record in records {
            let token = record.token;
            let outgoing = match self.policy.keeps_records() {
                false => self.conversion.outgoing(record).map_err(|failure| (failure, None)),
                true => self.conversion.outgoing(record.clone()).map_err(|failure| (failure, Some(record))),
            };
            let outgoing = match outgoing {
                Ok(outgoing) => outgoing,
                Err((failure, record)) => self.recover(failure, record).await?,
            };
            let Some(outgoing) = outgoing else {
                self.note_dropped(token);
                self.record_dispatched(token).await?;
                continue;
            };
            self.enter_transaction(&outgoing.record.topic)?;
            if !self.topics.is_settled(&outgoing.record.topic) {
                self.settle_topic(&outgoing.record.topic).await?;
            }
            self.unsent.push(self.in_flight.submit(outgoing));
            self.record_dispatched(token).await?;
        }
        self.seat.metrics.active(self.in_flight.records.unacknowledged());
        Ok(())
    }

    /// Tries a failed record again as `errors.*` says; `None` when it is to be skipped.
    #[cold]
    async fn recover(
        &mut self,
        mut failure: crate::errors::Failure,
        record: Option<SourceRecord>,
    ) -> Result<Option<super::conversion::Outgoing>, ConnectError> {
        let mut attempts = Attempts::default();
        loop {
            let describe = || record.as_ref().map(source_text).unwrap_or_default();
            match self.policy.decide(failure, &mut attempts, describe) {
                Verdict::Skip => return Ok(None),
                Verdict::Fail(error) => {
                    // What was submitted before the bad record is good and goes out.
                    self.send_unsent()?;
                    return Err(error);
                }
                Verdict::Retry(pause) => self.attend_for(pause).await?,
            }
            if self.seat.stopping() {
                return Err(ConnectError::connect("told to stop while a record was being tried again"));
            }
            let again =
                record.clone().ok_or_else(|| ConnectError::connect("a record to be tried again was not kept"))?;
            match self.conversion.outgoing(again) {
                Ok(outgoing) => return Ok(outgoing),
                Err(next) => failure = next,
            }
        }
    }

    async fn settle_topic(&mut self, topic: &Arc<str>) -> Result<(), ConnectError> {
        let mut ensure = std::pin::pin!(self.topics.ensure(topic));
        loop {
            tokio::select! {
                settled = &mut ensure => return settled,
                () = self.seat.changed() => {
                    if self.seat.stopping() {
                        return Err(ConnectError::connect(format!("told to stop while topic {topic} was being looked after")));
                    }
                }
            }
        }
    }

    /// Invariant 1: takes note of what the broker acknowledged. Invariant 3: a record that was not written ends the task.
    pub(super) fn take_acks(&mut self) -> Result<(), ConnectError> {
        self.producer.take_acks(&mut self.acks);
        if self.acks.is_empty() {
            return Ok(());
        }
        let mut written = 0;
        let mut outcome = Ok(());
        let mut acks = std::mem::take(&mut self.acks);
        for ack in acks.drain(..) {
            let of_offset = is_of_offset(&ack);
            match ack.result {
                Ok(_) if of_offset => {}
                Err(error) if of_offset && outcome.is_ok() => outcome = Err(self.transaction_failed(error)),
                Ok(at) => {
                    written += 1;
                    self.in_flight.done(ack.index, Some((at.partition, at.offset)), &mut self.committed);
                }
                Err(error) if outcome.is_ok() => outcome = self.lost(ack.index, error),
                Err(_) => {}
            }
        }
        self.acks = acks;
        for topic in self.in_flight.take_new_topics() {
            self.seat.uses(&topic);
        }
        self.seat.metrics.given(written);
        self.seat.metrics.active(self.in_flight.records.unacknowledged());
        outcome
    }

    /// The last things, whatever happened: outstanding acks and the final flush, or the last transaction. Nothing of it fails the task.
    async fn settle(&mut self, task: &mut dyn SourceTask, failed: bool) {
        if self.commits.are_transactional() {
            self.settle_transactions(task, failed).await;
            return;
        }
        let id = self.seat.id.clone();
        let deadline = Instant::now() + self.flush_timeout;
        // Invariant 7: what is acknowledged in time is flushed, so that it does not come again.
        while self.producer.in_flight() > 0 && !self.seat.lease.is_cancelled() {
            let acked = timeout_at(deadline, self.producer.acks_ready()).await;
            if let Err(error) = self.take_acks() {
                tracing::warn!(connector = id.connector, task = id.task, %error, "a record was not written");
            }
            if acked.is_err() {
                break;
            }
        }
        if let Err(error) = self.take_acks() {
            tracing::warn!(connector = id.connector, task = id.task, %error, "a record was not written");
        }
        if let Commits::Flushed(flush) = &mut self.commits {
            flush.finish(self.in_flight.records.take_committable()).await;
        }
        self.call_back(task).await;
    }

    async fn settle_transactions(&mut self, task: &mut dyn SourceTask, failed: bool) {
        if !failed
            && !self.seat.lease.is_cancelled()
            && let Err(error) = self.finish_transaction().await
        {
            let id = &self.seat.id;
            tracing::warn!(connector = id.connector, task = id.task, %error, "the last transaction was not committed");
        }
        self.call_back(task).await;
        self.abort_what_is_left().await;
        if let Some(Transactions { copies: Some(copies), .. }) = self.commits.transactions() {
            copies.settle().await;
        }
    }
}
