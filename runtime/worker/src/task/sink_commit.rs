//! Offset commits of a sink task (connect-worker.md 5.4). Keeps Invariants 2 and 5.

use std::time::Duration;

use sluice_api::{ConnectError, SinkTask, TopicPartition};
use sluice_kafka::CommitResult;
use tokio::time::Instant;

use super::sink::{WorkerSinkTask, api_partition, kafka_partition};
use crate::fault;

/// When to commit, and what is under way.
pub(super) struct Commits {
    interval: Duration,
    timeout: Duration,
    next: Instant,
    requested: bool,
    sequence: u64,
    pending: Option<Pending>,
}

struct Pending {
    id: u64,
    began: Instant,
}

impl Commits {
    pub(super) fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout, next: Instant::now() + interval, requested: false, sequence: 0, pending: None }
    }

    /// When the next commit is due, or something about the pending one.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Commits at the next turn of the loop.
    pub(super) fn request(&mut self) {
        self.requested = true;
    }

    /// Whether to commit now; the next one is due an interval later.
    fn take_due(&mut self, now: Instant) -> bool {
        let due = self.pending.is_none() && (self.requested || now >= self.next);
        if due {
            self.requested = false;
            self.next = now + self.interval;
        } else if now >= self.next {
            // One is under way: it is looked at again when it has timed out.
            self.next = now + self.timeout.max(Duration::from_millis(1));
        }
        due
    }

    fn begin(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}

impl WorkerSinkTask {
    /// Commits when that is due or asked for; the outcome comes with a later poll.
    pub(super) async fn commit_if_due(&mut self, task: &mut dyn SinkTask) -> Result<(), ConnectError> {
        let now = Instant::now();
        if let Some(late) = self.commits.pending.take_if(|pending| now >= pending.began + self.commits.timeout) {
            let id = &self.seat.id;
            tracing::warn!(connector = id.connector, task = id.task, commit = late.id, "Commit of offsets timed out");
            self.seat.metrics.commit_failed();
        }
        if !self.commits.take_due(now) || self.assignment.is_empty() {
            return Ok(());
        }
        let partitions = self.assignment.partitions();
        self.settle_dead_letters().await?;
        self.seat.metrics.active(self.assignment.active());
        // Invariant 2: only what `pre_commit` returned, and of that only what was delivered.
        let answer = match task.pre_commit(&self.assignment.delivered_of(&partitions)).await {
            Ok(answer) => answer,
            Err(error) => return self.go_back(&error).await,
        };
        let sequence = self.commits.begin();
        self.seat.metrics.commit_sequence(sequence);
        let offsets = self.assignment.committable(&partitions, &answer);
        if offsets.is_empty() {
            self.seat.metrics.committed(now.elapsed());
            return Ok(());
        }
        fault::point("after-put-before-commit");
        let native: Vec<_> = offsets.iter().map(|(tp, offset)| (kafka_partition(tp), *offset)).collect();
        // Invariant 5: a cancelled task commits nothing.
        match self.seat.lease.while_held(|| self.consumer.commit_async(&native)) {
            Some(Ok(id)) => self.commits.pending = Some(Pending { id, began: now }),
            Some(Err(error)) => self.commit_failed(&error),
            None => {}
        }
        Ok(())
    }

    /// Takes note of commits that have ended.
    pub(super) fn note_commits(&mut self, ended: Vec<CommitResult>) {
        for commit in ended {
            let Some(pending) = self.commits.pending.take_if(|pending| pending.id == commit.id) else {
                // A newer commit has overtaken it.
                self.seat.metrics.commit_skipped();
                continue;
            };
            match commit.result {
                Ok(()) => {
                    self.seat.metrics.committed(pending.began.elapsed());
                    self.assignment.committed(commit.offsets.iter().map(|(tp, offset)| (api_partition(tp), *offset)));
                }
                Err(error) => self.commit_failed(&error),
            }
        }
    }

    /// Commits what the task stands for and closes the partitions, in Kafka's order: pre-commit, close, commit.
    pub(super) async fn commit_closing(
        &mut self,
        task: &mut dyn SinkTask,
        partitions: &[TopicPartition],
    ) -> Result<(), ConnectError> {
        let settled = self.settle_dead_letters().await;
        let answer = task.pre_commit(&self.assignment.delivered_of(partitions)).await;
        task.close(partitions).await?;
        settled?;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let id = &self.seat.id;
                tracing::warn!(connector = id.connector, task = id.task, %error, "Offset commit failed during close");
                return Ok(());
            }
        };
        let offsets = self.assignment.committable(partitions, &answer);
        // Invariant 5: a cancelled task commits nothing.
        if offsets.is_empty() || self.seat.lease.is_cancelled() {
            return Ok(());
        }
        fault::point("after-put-before-commit");
        let began = Instant::now();
        let native: Vec<_> = offsets.iter().map(|(tp, offset)| (kafka_partition(tp), *offset)).collect();
        self.commits.pending = None;
        self.commits.begin();
        match self.consumer.commit_sync(&native, self.commits.timeout).await {
            Ok(()) => {
                self.seat.metrics.committed(began.elapsed());
                self.assignment.committed(offsets);
            }
            Err(error) => self.commit_failed(&error),
        }
        Ok(())
    }

    /// A failed `pre_commit`: the records since the last commit come again.
    async fn go_back(&mut self, error: &ConnectError) -> Result<(), ConnectError> {
        let id = &self.seat.id;
        tracing::error!(connector = id.connector, task = id.task, %error, "Offset commit failed, rewinding to last committed offsets");
        self.seat.metrics.commit_failed();
        let positions = self.assignment.committed_positions();
        self.go_to(&positions).await?;
        self.assignment.forget_taken();
        Ok(())
    }

    /// Invariant 3: nothing is committed before what went to the dead letter queue is there.
    async fn settle_dead_letters(&self) -> Result<(), ConnectError> {
        match &self.dead_letters {
            Some(queue) => queue.settle(self.commits.timeout).await,
            None => Ok(()),
        }
    }

    fn commit_failed(&self, error: &sluice_kafka::Error) {
        let id = &self.seat.id;
        self.seat.metrics.commit_failed();
        tracing::error!(connector = id.connector, task = id.task, %error, "Commit of offsets threw an unexpected exception");
    }
}
