//! The worker's handle of a task's thread.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sluice_api::connector::{ExactlyOnceContext, OffsetRecord, TaskHandle, TransactionContext};
use sluice_api::{ConnectError, OffsetMap, SinkTask};
use sluice_kafka::{Admin, Consumer, ConsumerLimits, Departure, Producer, ProducerLimits};
use sluice_storage::offset::{SecondaryOffsets, offset_record};
use sluice_storage::{ConnectorTaskId, OffsetBackingStore, OffsetReader, OffsetWriter, State, TargetState};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::build::{KindPlan, TaskPlan};
use super::carrier::WorkerCarrierTask;
use super::exactly_once::{Boundary, Commits, Transactions};
use super::preparation::Preparation;
use super::record_producer::RecordProducer;
use super::resting_producer::RestingProducer;
use super::seat::{Control, TaskSeat};
use super::sink::WorkerSinkTask;
use super::source::WorkerSourceTask;
use crate::config::{ClientIds, ClientProperties, SourceConnectorConfig, TopicSelection, TransactionBoundary};
use crate::errors::{DeadLetterQueue, Letters};
use crate::events::WorkerEvent;
use crate::lease::Lease;
use crate::memory::MemoryBudget;
use crate::metrics::{Metrics, TaskMetrics};
use crate::offset_flush::{FlushAbort, OffsetFlush};
use crate::offsets::ConnectorOffsets;
use crate::panic_trace;
use crate::small_runtime::small_runtime;
use crate::topic_creation::TopicCreation;
use crate::worker::{WorkerOptions, until};
use crate::zombie_fencing::transactional_id;

/// Records in flight in one producer, whatever their size.
const MAX_IN_FLIGHT_RECORDS: usize = 100_000;

/// A task with its thread.
pub(crate) struct RunningTask {
    id: ConnectorTaskId,
    control: watch::Sender<Control>,
    finished: watch::Receiver<bool>,
    lease: Arc<Lease>,
    outside: Arc<Outside>,
    metrics: Arc<TaskMetrics>,
    registry: Arc<Metrics>,
}

/// What a cancellation reaches from outside of a thread that may hang.
#[derive(Default)]
struct Outside {
    producer: OnceLock<Arc<dyn RecordProducer>>,
    reader: OnceLock<Arc<OffsetReader>>,
    departure: OnceLock<Departure>,
    /// Offsets of the connector's own topic, if it has one.
    offsets: OnceLock<Arc<dyn OffsetBackingStore>>,
    flush: Arc<FlushAbort>,
}

impl RunningTask {
    /// Starts the thread `task-thread-C-N`.
    pub(crate) fn spawn(
        plan: TaskPlan,
        target: TargetState,
        options: &Arc<WorkerOptions>,
        memory: &Arc<MemoryBudget>,
        events: &mpsc::UnboundedSender<WorkerEvent>,
    ) -> Result<Self, ConnectError> {
        let (id, lease, metrics) = (plan.id.clone(), Arc::new(Lease::new(&options.tenure)), plan.metrics.clone());
        let (control_tx, control) = watch::channel(Control { target, stop: false });
        let (finished_tx, finished) = watch::channel(false);
        let outside = Arc::new(Outside::default());
        let seat = TaskSeat {
            id: id.clone(),
            lease: lease.clone(),
            metrics: metrics.clone(),
            memory: memory.claim(),
            statuses: options.statuses.clone(),
            events: events.clone(),
            registry: options.metrics.clone(),
            version: plan.plugin.version().to_owned(),
            control,
            tracks_topics: options.config.topic_tracking_enable,
        };
        let thread = TaskThread { plan, seat, options: options.clone(), outside: outside.clone() };
        let budget = memory.clone();
        let body = move || {
            thread.run();
            budget.divide();
            finished_tx.send_replace(true);
        };
        std::thread::Builder::new()
            .name(format!("task-thread-{id}"))
            .spawn(body)
            .map_err(|error| ConnectError::connect(format!("starting the thread of task {id}")).with_source(error))?;
        options.metrics.add_task(&id, metrics.clone());
        Ok(Self { id, control: control_tx, finished, lease, outside, metrics, registry: options.metrics.clone() })
    }

    /// Pauses or resumes the task.
    pub(crate) fn set_target(&self, target: TargetState) {
        self.control.send_if_modified(|control| std::mem::replace(&mut control.target, target) != target);
    }

    /// Tells the task to stop.
    pub(crate) fn begin_stop(&self) {
        self.control.send_modify(|control| control.stop = true);
    }

    /// Waits for the thread until `deadline`, then cancels it.
    pub(crate) async fn end_stop(&self, deadline: Instant) {
        let mut finished = self.finished.clone();
        if until(deadline, finished.wait_for(|finished| *finished)).await.is_none() {
            tracing::error!(
                connector = self.id.connector,
                task = self.id.task,
                "Graceful stop of task {} failed.",
                self.id
            );
            self.cancel();
        }
        self.registry.remove_task(&self.id, &self.metrics);
    }

    /// Takes the right to act from the thread: it may go on, but nothing of it is seen outside (Invariant 5).
    pub(crate) fn cancel(&self) {
        self.lease.cancel();
        if let Some(reader) = self.outside.reader.get() {
            reader.close();
        }
        self.outside.flush.abort();
        if let Some(offsets) = self.outside.offsets.get() {
            offsets.give_up_writes();
        }
        if let Some(producer) = self.outside.producer.get() {
            producer.purge();
        }
        // A successor gets the partitions now, not when the group notices.
        if let Some(departure) = self.outside.departure.get() {
            departure.begin();
        }
    }
}

impl RunningTask {
    #[cfg(test)]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.lease.is_cancelled()
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        self.registry.remove_task(&self.id, &self.metrics);
    }
}

/// What the thread owns.
struct TaskThread {
    plan: TaskPlan,
    seat: TaskSeat,
    options: Arc<WorkerOptions>,
    outside: Arc<Outside>,
}

/// What outlives the loop, to report how it ended.
struct Ending {
    id: ConnectorTaskId,
    version: String,
    lease: Arc<Lease>,
    metrics: Arc<TaskMetrics>,
    control: watch::Receiver<Control>,
    events: mpsc::UnboundedSender<WorkerEvent>,
    options: Arc<WorkerOptions>,
}

impl TaskThread {
    fn run(self) {
        let ending = Ending {
            id: self.seat.id.clone(),
            version: self.seat.version.clone(),
            lease: self.seat.lease.clone(),
            metrics: self.seat.metrics.clone(),
            control: self.seat.control.clone(),
            events: self.seat.events.clone(),
            options: self.options.clone(),
        };
        let outcome = match small_runtime() {
            Ok(runtime) => {
                // Boxed, for each frame on the way down would have a copy of the future, and the stack of an idle task keeps it.
                // Invariant 8: whatever the connector does ends here.
                let outcome =
                    panic_trace::catch(|| runtime.block_on(Box::pin(self.drive()))).and_then(|outcome| outcome);
                runtime.shutdown_background();
                outcome
            }
            Err(error) => Err(ConnectError::connect("starting the task's runtime").with_source(error)),
        };
        ending.report(&outcome);
    }

    async fn drive(self) -> Result<(), ConnectError> {
        let Self { mut plan, seat, options, outside } = self;
        let factory = std::mem::replace(&mut plan.factory, Box::new(|| unreachable!("a task is made once")));
        match factory() {
            TaskHandle::Source(task) => source(plan, seat, &options, &outside)?.run(task).await,
            TaskHandle::Carrier(task) => carrier(plan, seat, &options, &outside)?.run(task).await,
            TaskHandle::Sink(task) => sink(plan, seat, &options, &outside, task).await,
        }
    }
}

fn source(
    plan: TaskPlan,
    seat: TaskSeat,
    options: &WorkerOptions,
    outside: &Outside,
) -> Result<WorkerSourceTask, ConnectError> {
    let ids = ClientIds::of_task(&seat.id.connector, seat.id.task);
    let clients = ClientProperties::new(&options.config, &plan.connector_config);
    let limits = ProducerLimits {
        max_bytes: usize::try_from(options.config.memory_budget_bytes).unwrap_or(usize::MAX),
        max_messages: MAX_IN_FLIGHT_RECORDS,
    };
    let exactly_once = options.config.exactly_once_source_enabled;
    let properties = if exactly_once { clients.exactly_once_producer(&ids)? } else { clients.producer(&ids)? };
    let rests_after = options.config.producer_idle;
    let producer: Result<Arc<dyn RecordProducer>, _> = match exactly_once {
        true => Producer::new(&properties, limits).map(|producer| Arc::new(producer) as _),
        false => RestingProducer::new(properties, limits, rests_after).map(|producer| Arc::new(producer) as _),
    };
    let producer = producer.map_err(|error| client_error("producer", error))?;
    // Set once: this thread makes one task.
    drop(outside.producer.set(producer.clone()));
    let config = source_config(&plan)?;
    let topics = match config.topic_creation.clone() {
        Some(config) => {
            let admin = Admin::new(&clients.admin(&ids)?).map_err(|error| client_error("admin client", error))?;
            TopicCreation::new(Box::new(admin), config)
        }
        None => TopicCreation::disabled(),
    };
    let offsets = ConnectorOffsets::new(options, config, &plan.connector_config, &ids)?;
    let reader = reader(&seat, &offsets, outside);
    let preparation = preparation(&offsets, exactly_once);
    let commits = match exactly_once {
        true => Commits::Transactional(transactions(config, &offsets, options)),
        false => Commits::Flushed(flush(&seat, offsets.store, options, outside)),
    };
    let flush_timeout = options.config.offset_flush_timeout;
    let TaskPlan { task_config, conversion, policy, .. } = plan;
    Ok(WorkerSourceTask::new(
        seat,
        task_config,
        preparation,
        reader,
        producer,
        conversion,
        policy,
        topics,
        commits,
        flush_timeout,
    ))
}

fn transactions(config: &SourceConnectorConfig, offsets: &ConnectorOffsets, options: &WorkerOptions) -> Transactions {
    let boundary = match config.transaction_boundary {
        TransactionBoundary::Poll => Boundary::Poll,
        TransactionBoundary::Interval(every) => {
            Boundary::Interval(every.unwrap_or(options.config.offset_flush_interval))
        }
        TransactionBoundary::Connector => Boundary::Connector(TransactionContext::new()),
    };
    let copies = offsets.workers.clone().map(SecondaryOffsets::new);
    Transactions::new(boundary, offsets.topic.clone(), copies)
}

fn carrier(
    plan: TaskPlan,
    seat: TaskSeat,
    options: &WorkerOptions,
    outside: &Outside,
) -> Result<WorkerCarrierTask, ConnectError> {
    let ids = ClientIds::of_task(&seat.id.connector, seat.id.task);
    let offsets = ConnectorOffsets::new(options, source_config(&plan)?, &plan.connector_config, &ids)?;
    let reader = reader(&seat, &offsets, outside);
    let exactly_once = options.config.exactly_once_source_enabled;
    let context = exactly_once.then(|| carrier_context(&seat, options, &offsets.topic));
    let preparation = preparation(&offsets, exactly_once);
    let flush = flush(&seat, offsets.store, options, outside);
    Ok(WorkerCarrierTask::new(seat, plan.task_config, preparation, context, reader, flush))
}

fn carrier_context(seat: &TaskSeat, options: &WorkerOptions, topic: &Arc<str>) -> ExactlyOnceContext {
    let (connector, topic) = (seat.id.connector.clone(), topic.clone());
    let transactional_id = transactional_id(&options.config, &connector, seat.id.task);
    let offset_record = move |partition: &OffsetMap, offset: &OffsetMap| {
        let (key, value) = offset_record(&connector, partition, Some(offset))
            .map_err(|error| ConnectError::new(error.kind(), error.to_string()).with_source(error))?;
        Ok(OffsetRecord { topic: topic.clone(), key, value: value.unwrap_or_default() })
    };
    ExactlyOnceContext { transactional_id: transactional_id.into(), offset_record: Arc::new(offset_record) }
}

fn source_config(plan: &TaskPlan) -> Result<&SourceConnectorConfig, ConnectError> {
    match &plan.kind {
        KindPlan::Source(config) => Ok(config),
        KindPlan::Sink(_) => Err(ConnectError::connect("a sink connector made a source task")),
    }
}

fn preparation(offsets: &ConnectorOffsets, exactly_once: bool) -> Preparation {
    Preparation { exactly_once, own_offsets: offsets.are_own().then(|| offsets.store.clone()) }
}

async fn sink(
    plan: TaskPlan,
    seat: TaskSeat,
    options: &WorkerOptions,
    outside: &Outside,
    task: Box<dyn SinkTask>,
) -> Result<(), ConnectError> {
    let ids = ClientIds::of_task(&seat.id.connector, seat.id.task);
    let clients = ClientProperties::new(&options.config, &plan.connector_config);
    let share = usize::try_from(seat.memory.share.bytes()).unwrap_or(usize::MAX);
    // Half of the share waits in the client's queue, some is on its way, an eighth is the batch of the task, of which a task
    // may make a copy in another form.
    let limits = ConsumerLimits {
        queued_kbytes: share / 2 / 1024,
        fetch_bytes: (share / 4).min(4 << 20),
        batch_bytes: share / 8,
    };
    let consumer = Consumer::new(&clients.consumer(&ids)?, limits).map_err(|error| client_error("consumer", error))?;
    // Set once: this thread makes one task.
    drop(outside.departure.set(consumer.departure()));
    let KindPlan::Sink(config) = &plan.kind else {
        return Err(ConnectError::connect("a source connector made a sink task"));
    };
    subscribe(&consumer, &config.topics).map_err(|error| client_error("subscription", error))?;
    let queue = config.dead_letter_queue.as_ref();
    let dead_letters = DeadLetterQueue::for_sink(&seat.id, queue, &clients, &ids, seat.metrics.clone()).await?;
    let max_records = consumer.max_poll_records();
    let times = [options.config.offset_flush_interval, options.config.offset_flush_timeout];
    let TaskPlan { task_config, conversion, letter_conversion, policy, .. } = plan;
    let letters = dead_letters.zip(letter_conversion).map(|(queue, conversion)| Letters { queue, conversion });
    let sink =
        WorkerSinkTask::new(seat, task_config, Box::new(consumer), max_records, conversion, policy, letters, times);
    sink.run(task).await
}

fn subscribe(consumer: &Consumer, topics: &TopicSelection) -> Result<(), sluice_kafka::Error> {
    match topics {
        TopicSelection::List(names) => consumer.subscribe(&names.iter().map(String::as_str).collect::<Vec<_>>()),
        TopicSelection::Regex(pattern) => consumer.subscribe_pattern(pattern),
    }
}

fn reader(seat: &TaskSeat, offsets: &ConnectorOffsets, outside: &Outside) -> Arc<OffsetReader> {
    let reader = Arc::new(OffsetReader::new(offsets.store.clone(), seat.id.connector.clone()));
    if offsets.are_own() {
        drop(outside.offsets.set(offsets.store.clone()));
    }
    // Set once: this thread makes one task.
    drop(outside.reader.set(reader.clone()));
    reader
}

fn flush(
    seat: &TaskSeat,
    store: Arc<dyn OffsetBackingStore>,
    options: &WorkerOptions,
    outside: &Outside,
) -> OffsetFlush {
    let writer = Arc::new(OffsetWriter::new(store, seat.id.connector.clone()));
    let times: [Duration; 2] = [options.config.offset_flush_interval, options.config.offset_flush_timeout];
    OffsetFlush::new(seat.id.clone(), writer, seat.lease.clone(), seat.metrics.clone(), times, outside.flush.clone())
}

pub(super) fn client_error(what: &str, error: sluice_kafka::Error) -> ConnectError {
    ConnectError::connect(format!("creating the {what} of the task: {error}")).with_source(error)
}

impl Ending {
    /// Writes the last status (connect-worker.md 5.2); nothing when the task was cancelled.
    fn report(&self, outcome: &Result<(), ConnectError>) {
        let (connector, task) = (self.id.connector.as_str(), self.id.task);
        let stopping = self.control.borrow().stop;
        let (state, trace) = match outcome {
            Ok(()) => (State::Unassigned, None),
            Err(error) if self.lease.is_cancelled() => {
                tracing::warn!(connector, task, %error, "the orphan task threw an uncaught exception. A newer instance of this task might be already running");
                (State::Unassigned, None)
            }
            Err(error) if stopping => {
                let error = error.trace();
                tracing::warn!(
                    connector,
                    task,
                    error = error.trim_end(),
                    "After being scheduled for shutdown, task threw an uncaught exception."
                );
                (State::Unassigned, None)
            }
            Err(error) => {
                let error = error.trace();
                tracing::error!(
                    connector,
                    task,
                    error = error.trim_end(),
                    "Task threw an uncaught and unrecoverable exception. Task is being killed and will not recover until manually restarted"
                );
                (State::Failed, Some(error))
            }
        };
        if state == State::Failed && !self.metrics.was_running() {
            self.options.metrics.task_startups.failed();
        }
        self.metrics.enter(state);
        self.lease.while_held(|| {
            self.options.statuses.task(&self.id, state, trace, Some(&self.version));
            if state == State::Failed {
                // A herder that is gone does not want to know.
                drop(self.events.send(WorkerEvent::TaskFailed { id: self.id.clone() }));
            }
        });
    }
}
