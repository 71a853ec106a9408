//! The loop of a sink task; the page is in the crate's documentation. Keeps Invariants 2, 3 and 7.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::connector::{ErrantRecordReporter, Reports};
use sluice_api::{ConnectError, ErrorKind, Properties, SinkRecord, SinkTask, SinkTaskContext, TopicPartition};
use sluice_kafka::{ConsumerRecord, RebalanceEvent};
use sluice_storage::State;
use tokio::time::{Instant, timeout_at};

use super::conversion::Conversion;
use super::record_consumer::RecordConsumer;
use super::seat::TaskSeat;
use super::sink_assignment::Assignment;
use super::sink_commit::Commits;
use crate::errors::{Attempts, DeadLetterQueue, ErrantRecords, ErrorPolicy, Failure, Letters, Verdict, consumed_text};

/// How long a call to the cluster may take before the task fails, as `default.api.timeout.ms` of Java's consumer.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How long leaving the group may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A sink task in the worker's hands.
pub(crate) struct WorkerSinkTask {
    pub(super) seat: TaskSeat,
    config: Properties,
    pub(super) consumer: Box<dyn RecordConsumer>,
    max_records: usize,
    conversion: Conversion,
    policy: Arc<ErrorPolicy>,
    errant: Arc<ErrantRecords>,
    pub(super) dead_letters: Option<Arc<DeadLetterQueue>>,
    context: SinkTaskContext,
    pub(super) assignment: Assignment,
    pub(super) commits: Commits,
    /// Converted and not yet accepted by `put`.
    held: Vec<SinkRecord>,
    /// Set while the held batch waits for its redelivery.
    redeliver_at: Option<Instant>,
    /// `SinkTaskContext::timeout`, once.
    timeout: Option<Duration>,
    /// Whether the user has paused the connector and the task has heard of it.
    paused: bool,
}

impl WorkerSinkTask {
    #[allow(clippy::too_many_arguments, reason = "each is a part of its own, made in one place")]
    pub(crate) fn new(
        seat: TaskSeat,
        config: Properties,
        consumer: Box<dyn RecordConsumer>,
        max_records: usize,
        conversion: Conversion,
        policy: ErrorPolicy,
        letters: Option<Letters>,
        [interval, timeout]: [Duration; 2],
    ) -> Self {
        let policy = Arc::new(policy);
        let dead_letters = letters.as_ref().map(|letters| letters.queue.clone());
        let errant = ErrantRecords::new(policy.clone(), letters, timeout);
        let reporter =
            (policy.logs() || dead_letters.is_some()).then(|| errant.clone() as Arc<dyn ErrantRecordReporter>);
        let context =
            SinkTaskContext::new(seat.id.connector.as_str().into(), seat.id.task, seat.memory.share.clone(), reporter);
        Self {
            seat,
            config,
            consumer,
            max_records,
            conversion,
            policy,
            errant,
            dead_letters,
            context,
            assignment: Assignment::default(),
            commits: Commits::new(interval, timeout),
            held: Vec::new(),
            redeliver_at: None,
            timeout: None,
            paused: false,
        }
    }

    /// The same with topics in which the task tells what became of its records.
    pub(crate) fn with_reports(mut self, reports: Arc<dyn Reports>) -> Self {
        self.context = self.context.with_reports(reports);
        self
    }

    /// Runs the task until it is told to stop or fails.
    pub(crate) async fn run(mut self, mut task: Box<dyn SinkTask>) -> Result<(), ConnectError> {
        if !self.seat.may_start().await {
            self.consumer.close(CLOSE_TIMEOUT).await;
            return Ok(());
        }
        let outcome = match self.start(&mut *task).await {
            Ok(true) => {
                self.seat.started();
                let outcome = self.carry_on(&mut *task).await;
                let closed = self.close_all(&mut *task).await;
                outcome.and(closed)
            }
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = task.stop().await {
            let id = &self.seat.id;
            tracing::warn!(connector = id.connector, task = id.task, %error, "the task failed to stop");
        }
        self.consumer.close(CLOSE_TIMEOUT).await;
        outcome
    }

    /// `false` when the task was told to stop first.
    async fn start(&mut self, task: &mut dyn SinkTask) -> Result<bool, ConnectError> {
        let mut start = task.start(self.context.clone(), &self.config);
        loop {
            tokio::select! {
                started = &mut start => return started.map(|()| true),
                () = self.seat.changed() => {
                    if self.seat.stopping() {
                        return Ok(false);
                    }
                }
            }
        }
    }

    async fn carry_on(&mut self, task: &mut dyn SinkTask) -> Result<(), ConnectError> {
        while !self.seat.stopping() {
            self.follow_target_state()?;
            self.take_requests().await?;
            self.commit_if_due(task).await?;
            let mut polled = self.consumer.poll(self.max_records).map_err(consumer_error)?;
            if polled.records.is_empty() && polled.events.is_empty() && polled.commits.is_empty() && !self.wait().await
            {
                continue;
            }
            self.note_commits(std::mem::take(&mut polled.commits));
            if !polled.records.is_empty() {
                self.convert(polled.records).await?;
            }
            // Invariant 5: a cancelled task is given nothing more, its partitions are with another one.
            if self.seat.lease.is_cancelled() {
                return Err(ConnectError::connect("the task was cancelled"));
            }
            if self.redeliver_at.is_none_or(|at| Instant::now() >= at) {
                self.deliver(task).await?;
            }
            // Records before events: they were fetched before, and a rebalance commits what was delivered.
            for event in polled.events {
                self.rebalance(task, event).await?;
            }
        }
        Ok(())
    }

    /// Waits for records, a command, or the time for `put`; `true` when it is time for `put`.
    async fn wait(&mut self) -> bool {
        let asked_for = self.timeout.map(|timeout| Instant::now() + timeout);
        let due = [Some(self.commits.next()), asked_for, self.redeliver_at];
        let due = due.into_iter().flatten().min().expect("a commit is always due some time");
        tokio::select! {
            () = self.consumer.ready() => false,
            () = self.seat.changed() => false,
            () = tokio::time::sleep_until(due) => {
                self.timeout = None;
                true
            }
        }
    }

    /// Pauses all partitions when the user pauses, and goes on when the user resumes.
    fn follow_target_state(&mut self) -> Result<(), ConnectError> {
        let paused = self.seat.paused();
        if paused == std::mem::replace(&mut self.paused, paused) {
            return Ok(());
        }
        if paused {
            self.consumer.pause(&kafka(&self.assignment.partitions())).map_err(consumer_error)?;
            self.commits.request();
        } else if self.redeliver_at.is_none() {
            self.consumer.resume(&kafka(&self.assignment.paused_by_task(false))).map_err(consumer_error)?;
        }
        self.seat.report(if paused { State::Paused } else { State::Running }, None);
        Ok(())
    }

    /// What the task asked for through its context.
    async fn take_requests(&mut self) -> Result<(), ConnectError> {
        let requests = self.context.take_requests();
        if requests.commit {
            self.commits.request();
        }
        if requests.timeout.is_some() {
            self.timeout = requests.timeout;
        }
        if let Some(notice) = requests.notice {
            self.seat.report(if self.paused { State::Paused } else { State::Running }, notice);
        }
        for (partition, paused) in requests.flow {
            self.set_flow(&partition, paused)?;
        }
        for (partition, offset) in requests.rewinds {
            if !self.assignment.contains(&partition) {
                tracing::warn!(%partition, offset, "the task wants to go back in a partition that is not assigned");
                continue;
            }
            self.go_to(&[(partition, offset)]).await?;
        }
        Ok(())
    }

    fn set_flow(&mut self, partition: &TopicPartition, paused: bool) -> Result<(), ConnectError> {
        self.assignment.set_paused_by_task(partition, paused);
        if !self.assignment.contains(partition) || self.paused || self.redeliver_at.is_some() {
            return Ok(());
        }
        let partitions = kafka(std::slice::from_ref(partition));
        let set = if paused { self.consumer.pause(&partitions) } else { self.consumer.resume(&partitions) };
        set.map_err(consumer_error)
    }

    /// Goes on at these offsets; held records of their partitions come again.
    pub(super) async fn go_to(&mut self, positions: &[(TopicPartition, i64)]) -> Result<(), ConnectError> {
        let native: Vec<_> = positions.iter().map(|(tp, offset)| (kafka_partition(tp), *offset)).collect();
        self.consumer.seek(&native).map_err(consumer_error)?;
        for (partition, offset) in positions {
            self.assignment.rewound(partition, *offset);
            self.drop_held(std::slice::from_ref(partition))?;
        }
        Ok(())
    }

    /// Converts records into the held batch; what is dropped counts as taken all the same.
    async fn convert(&mut self, records: Vec<ConsumerRecord>) -> Result<(), ConnectError> {
        self.seat.metrics.taken(records.len());
        let more = !self.held.is_empty();
        self.held.reserve(records.len());
        for raw in &records {
            let converted = match self.conversion.incoming(raw) {
                Ok(converted) => converted,
                Err(failure) => self.recover(failure, raw).await?,
            };
            if !self.assignment.take(&raw.topic, raw.partition, raw.offset) {
                tracing::debug!(topic = &*raw.topic, partition = raw.partition, "a record of a partition that is gone");
                continue;
            }
            self.held.extend(converted);
        }
        self.note_topics(&records);
        self.errant.set_originals(records, more);
        Ok(())
    }

    /// Tries a failed record again as `errors.*` says; `None` when it is to be skipped.
    #[cold]
    async fn recover(
        &mut self,
        mut failure: Failure,
        raw: &ConsumerRecord,
    ) -> Result<Option<SinkRecord>, ConnectError> {
        let mut attempts = Attempts::default();
        loop {
            let letter = self.dead_letters.as_ref().map(|queue| queue.letter(raw, &failure));
            let verdict = self.policy.decide(failure, &mut attempts, || consumed_text(raw));
            // Kafka reports a failed record also when the task then fails (connect-worker.md 5.3).
            if let (Some(queue), Some(letter), Verdict::Skip | Verdict::Fail(_)) =
                (&self.dead_letters, letter, &verdict)
            {
                queue.send(letter);
            }
            match verdict {
                Verdict::Skip => return Ok(None),
                Verdict::Fail(error) => return Err(error),
                Verdict::Retry(pause) => {
                    let until = Instant::now() + pause;
                    while !self.seat.stopping() && timeout_at(until, self.seat.changed()).await.is_ok() {}
                }
            }
            if self.seat.stopping() {
                return Err(ConnectError::connect("told to stop while a record was being tried again"));
            }
            match self.conversion.incoming(raw) {
                Ok(converted) => return Ok(converted),
                Err(next) => failure = next,
            }
        }
    }

    /// Hands the held batch, which may be empty, to the task.
    async fn deliver(&mut self, task: &mut dyn SinkTask) -> Result<(), ConnectError> {
        let began = Instant::now();
        let put = task.put(&self.held).await;
        // Invariant 3: an errant record that ends the task does so even when the task swallows the error.
        if let Some(error) = self.errant.take_failure() {
            return Err(error);
        }
        match put {
            Ok(()) => {
                self.seat.metrics.batch_took(began.elapsed());
                self.seat.metrics.given(self.held.len());
                self.held.clear();
                self.assignment.delivered();
                if self.redeliver_at.take().is_some() && !self.paused {
                    self.consumer.resume(&kafka(&self.assignment.paused_by_task(false))).map_err(consumer_error)?;
                }
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Retriable => {
                self.take_requests().await?;
                self.redeliver_later(&error)
            }
            Err(error) => {
                Err(ConnectError::connect("Exiting WorkerSinkTask due to unrecoverable exception.").with_source(error))
            }
        }
    }

    fn redeliver_later(&mut self, error: &ConnectError) -> Result<(), ConnectError> {
        let id = &self.seat.id;
        tracing::error!(connector = id.connector, task = id.task, %error, "the task could not take a batch, it comes again");
        if self.redeliver_at.is_none() && !self.paused {
            self.consumer.pause(&kafka(&self.assignment.partitions())).map_err(consumer_error)?;
        }
        let asked_for = self.timeout.take();
        self.redeliver_at = Some(asked_for.map_or(self.commits.next(), |pause| Instant::now() + pause));
        Ok(())
    }

    async fn rebalance(&mut self, task: &mut dyn SinkTask, event: RebalanceEvent) -> Result<(), ConnectError> {
        match event {
            RebalanceEvent::Assigned(partitions) => self.assigned(task, &partitions).await?,
            RebalanceEvent::Revoked(partitions) => {
                let own = api(&partitions);
                self.close_partitions(task, &own).await?;
                self.consumer.unassign(&partitions).map_err(consumer_error)?;
            }
            RebalanceEvent::Lost(partitions) => {
                let own = api(&partitions);
                // Someone else may have them already: no commit.
                task.close(&own).await?;
                self.gone(&own)?;
                self.consumer.unassign(&partitions).map_err(consumer_error)?;
            }
        }
        self.seat.metrics.partitions(self.assignment.len());
        Ok(())
    }

    async fn assigned(
        &mut self,
        task: &mut dyn SinkTask,
        new: &[sluice_kafka::TopicPartition],
    ) -> Result<(), ConnectError> {
        if new.is_empty() {
            return self.consumer.assign_from(&[]).map_err(consumer_error);
        }
        let positions = tokio::select! {
            positions = self.consumer.position(new, CALL_TIMEOUT) => positions.map_err(consumer_error)?,
            // The group does not need an answer of a member that leaves.
            () = stopped(&mut self.seat) => return Ok(()),
        };
        self.consumer.assign_from(&positions).map_err(consumer_error)?;
        let own = api(new);
        self.assignment.add(positions.into_iter().map(|(tp, offset)| (api_partition(&tp), offset)));
        task.open(&own).await?;
        self.take_requests().await?;
        if self.paused || self.redeliver_at.is_some() {
            self.consumer.pause(new).map_err(consumer_error)?;
        } else {
            let paused: Vec<_> =
                self.assignment.paused_by_task(true).into_iter().filter(|tp| own.contains(tp)).collect();
            self.consumer.pause(&kafka(&paused)).map_err(consumer_error)?;
        }
        Ok(())
    }

    /// Commits what the task stands for, closes the partitions and forgets them.
    async fn close_partitions(
        &mut self,
        task: &mut dyn SinkTask,
        partitions: &[TopicPartition],
    ) -> Result<(), ConnectError> {
        let own: Vec<_> = partitions.iter().filter(|tp| self.assignment.contains(tp)).cloned().collect();
        if own.is_empty() {
            return Ok(());
        }
        let closed = self.commit_closing(task, &own).await;
        self.gone(&own)?;
        closed
    }

    fn gone(&mut self, partitions: &[TopicPartition]) -> Result<(), ConnectError> {
        self.assignment.remove(partitions);
        self.drop_held(partitions)
    }

    /// Drops held records of these partitions; they come again, here or elsewhere.
    fn drop_held(&mut self, partitions: &[TopicPartition]) -> Result<(), ConnectError> {
        let gone = |record: &SinkRecord| {
            partitions
                .iter()
                .any(|tp| tp.partition == record.original_partition() && tp.topic == *record.original_topic())
        };
        self.held.retain(|record| !gone(record));
        if self.held.is_empty() && self.redeliver_at.take().is_some() && !self.paused {
            self.consumer.resume(&kafka(&self.assignment.paused_by_task(false))).map_err(consumer_error)?;
        }
        Ok(())
    }

    /// The end, whatever happened: as for a revocation of everything.
    async fn close_all(&mut self, task: &mut dyn SinkTask) -> Result<(), ConnectError> {
        let all = self.assignment.partitions();
        let closed = self.close_partitions(task, &all).await;
        self.seat.metrics.partitions(0);
        closed
    }

    fn note_topics(&self, records: &[ConsumerRecord]) {
        let mut last: Option<&Arc<str>> = None;
        for record in records {
            if last.is_none_or(|last| !Arc::ptr_eq(last, &record.topic)) {
                self.seat.uses(&record.topic);
                last = Some(&record.topic);
            }
        }
    }
}

async fn stopped(seat: &mut TaskSeat) {
    while !seat.stopping() {
        seat.changed().await;
    }
}

pub(super) fn consumer_error(error: sluice_kafka::Error) -> ConnectError {
    ConnectError::connect(error.to_string()).with_source(error)
}

pub(super) fn kafka_partition(partition: &TopicPartition) -> sluice_kafka::TopicPartition {
    sluice_kafka::TopicPartition { topic: partition.topic.clone(), partition: partition.partition }
}

pub(super) fn api_partition(partition: &sluice_kafka::TopicPartition) -> TopicPartition {
    TopicPartition { topic: partition.topic.clone(), partition: partition.partition }
}

fn kafka(partitions: &[TopicPartition]) -> Vec<sluice_kafka::TopicPartition> {
    partitions.iter().map(kafka_partition).collect()
}

fn api(partitions: &[sluice_kafka::TopicPartition]) -> Vec<TopicPartition> {
    partitions.iter().map(api_partition).collect()
}
