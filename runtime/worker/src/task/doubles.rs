//! Test doubles: clients without a broker, converters that pass bytes through, a seat without a worker.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use bytestring::ByteString;
use sluice_api::{ConnectError, Converter, HeaderConverter, Schema, SchemaAndValue, Value};
use sluice_kafka::{
    Ack, CommitResult, ConsumerRecord, Error, PollResult, ProducerRecord, RebalanceEvent, RecordMetadata, SendError,
    TopicPartition,
};
use sluice_storage::offset::MemoryOffsetBackingStore;
use sluice_storage::status::MemoryStatusBackingStore;
use sluice_storage::{
    ConnectorTaskId, OffsetBackingStore, OffsetReader, OffsetWriter, State, StatusBackingStore, TargetState,
};
use tokio::sync::{Notify, mpsc, watch};

use super::conversion::{Conversion, Named};
use super::record_consumer::{Positions, RecordConsumer};
use super::record_producer::RecordProducer;
use super::seat::{Control, TaskSeat};
use crate::config::{ErrorTolerance, ErrorsConfig};
use crate::errors::ErrorPolicy;
use crate::events::WorkerEvent;
use crate::lease::Lease;
use crate::memory::MemoryBudget;
use crate::metrics::{Metrics, TaskKind, TaskMetrics};
use crate::offset_flush::OffsetFlush;
use crate::status::StatusReporter;
use crate::transformation_chain::TransformationChain;
use crate::worker::lock;

pub(super) const FLUSH_INTERVAL: Duration = Duration::from_secs(60);
pub(super) const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything around a task that a test looks at.
pub(super) struct Surroundings {
    pub(super) control: watch::Sender<Control>,
    pub(super) lease: Arc<Lease>,
    pub(super) offsets: Arc<MemoryOffsetBackingStore>,
    pub(super) statuses: Arc<MemoryStatusBackingStore>,
    pub(super) metrics: Arc<TaskMetrics>,
    _events: mpsc::UnboundedReceiver<WorkerEvent>,
}

pub(super) fn id() -> ConnectorTaskId {
    ConnectorTaskId { connector: "c".to_owned(), task: 0 }
}

/// A seat whose task starts at once.
pub(super) fn seat(kind: TaskKind) -> (TaskSeat, Surroundings) {
    let (control_tx, control) = watch::channel(Control { target: TargetState::Started, stop: false });
    let (events_tx, events) = mpsc::unbounded_channel();
    let (lease, metrics) = (Arc::new(Lease::new(&sluice_kafka::Tenure::forever())), Arc::new(TaskMetrics::new(kind)));
    let statuses = Arc::new(MemoryStatusBackingStore::new());
    let seat = TaskSeat {
        id: id(),
        lease: lease.clone(),
        metrics: metrics.clone(),
        memory: MemoryBudget::new(1 << 20).claim(),
        statuses: Arc::new(StatusReporter::new(statuses.clone(), "here:8083")),
        events: events_tx,
        registry: Arc::new(Metrics::new()),
        version: "1".to_owned(),
        control,
        tracks_topics: true,
    };
    let offsets = Arc::new(MemoryOffsetBackingStore::new());
    (seat, Surroundings { control: control_tx, lease, offsets, statuses, metrics, _events: events })
}

impl Surroundings {
    pub(super) fn reader(&self) -> Arc<OffsetReader> {
        Arc::new(OffsetReader::new(self.offsets.clone(), "c"))
    }

    pub(super) fn flush(&self) -> OffsetFlush {
        let writer = Arc::new(OffsetWriter::new(self.offsets.clone(), "c"));
        let times = [FLUSH_INTERVAL, FLUSH_TIMEOUT];
        OffsetFlush::new(id(), writer, self.lease.clone(), self.metrics.clone(), times, Arc::default())
    }

    pub(super) fn policy(&self, tolerance: ErrorTolerance) -> ErrorPolicy {
        let config = ErrorsConfig {
            retry_timeout: Some(Duration::ZERO),
            retry_delay_max: Duration::ZERO,
            tolerance,
            log_enable: false,
            log_include_messages: false,
        };
        ErrorPolicy::new(id(), config, self.metrics.clone())
    }

    pub(super) fn stop(&self) {
        self.control.send_modify(|control| control.stop = true);
    }

    pub(super) fn set_target(&self, target: TargetState) {
        self.control.send_modify(|control| control.target = target);
    }

    pub(super) fn status(&self) -> Option<State> {
        self.statuses.task(&id()).map(|entry| entry.state)
    }

    /// The one stored `position`.
    pub(super) async fn stored_position(&self) -> Option<i64> {
        let stored = self.offsets.connector_offsets("c").await.expect("in memory");
        stored.into_iter().find_map(|(_, offset)| offset?.get("position").and_then(Value::as_i64))
    }
}

/// Waits until `seen` is true; the paused clock moves on meanwhile.
pub(super) async fn until(mut seen: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if seen() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the condition did not come true in ten seconds of the test's clock");
}

/// Text in, text out; fails on the text `bad`.
pub(super) fn conversion() -> Conversion {
    Conversion {
        chain: TransformationChain::default(),
        key: Named { class: "text", converter: Box::new(Text) },
        value: Named { class: "text", converter: Box::new(Text) },
        header: Named { class: "text", converter: Box::new(Text) },
    }
}

struct Text;

impl Converter for Text {
    fn from_connect_data(&mut self, _: &str, _: Option<&Schema>, value: &Value) -> Result<Option<Bytes>, ConnectError> {
        match value {
            Value::String(text) if &**text == "bad" => Err(ConnectError::data("bad text")),
            Value::String(text) => Ok(Some(text.as_bytes().clone())),
            _ => Ok(None),
        }
    }

    fn to_connect_data(&mut self, _: &str, data: Option<&Bytes>) -> Result<SchemaAndValue, ConnectError> {
        let Some(bytes) = data else { return Ok(SchemaAndValue::NULL) };
        if &bytes[..] == b"bad" {
            return Err(ConnectError::data("bad text"));
        }
        let text = ByteString::try_from(bytes.clone()).map_err(|_| ConnectError::data("not UTF-8"))?;
        Ok(SchemaAndValue::new(Schema::STRING, text))
    }
}

impl HeaderConverter for Text {
    fn from_connect_header(
        &mut self,
        topic: &str,
        _: &str,
        schema: Option<&Schema>,
        value: &Value,
    ) -> Result<Option<Bytes>, ConnectError> {
        self.from_connect_data(topic, schema, value)
    }

    fn to_connect_header(
        &mut self,
        topic: &str,
        _: &str,
        data: Option<&Bytes>,
    ) -> Result<SchemaAndValue, ConnectError> {
        self.to_connect_data(topic, data)
    }
}

/// Takes records up to a limit and acknowledges them when the test says so.
#[derive(Default)]
pub(super) struct FakeProducer {
    state: Mutex<Produced>,
    news: Notify,
    pub(super) purged: AtomicUsize,
}

#[derive(Default)]
struct Produced {
    records: Vec<(u64, ProducerRecord)>,
    acks: Vec<Ack>,
    acknowledged: usize,
    /// Whether each record is acknowledged as it is sent.
    answers: bool,
    /// Begins and ends of transactions, and the value of each record.
    log: Vec<String>,
    /// What the next commit answers.
    commit_failure: Option<Error>,
    /// Records that it takes before the first of them is acknowledged; 0 is no limit.
    room: usize,
}

impl FakeProducer {
    pub(super) fn with_room(room: usize) -> Arc<Self> {
        let producer = Self::default();
        lock(&producer.state).room = room;
        Arc::new(producer)
    }

    pub(super) fn values(&self) -> Vec<String> {
        let text =
            |record: &ProducerRecord| String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned();
        lock(&self.state).records.iter().map(|(_, record)| text(record)).collect()
    }

    pub(super) fn sent(&self) -> usize {
        lock(&self.state).records.len()
    }

    /// Acknowledges a record.
    pub(super) fn acknowledge(&self, index: u64) {
        self.answer(index, Ok(RecordMetadata { partition: 0, offset: index as i64, timestamp: 1 }));
    }

    /// Acknowledges every record that was sent since.
    pub(super) fn acknowledge_all(&self) {
        let (from, to) = {
            let state = lock(&self.state);
            (state.acknowledged, state.records.len())
        };
        (from..to).for_each(|at| self.acknowledge(at as u64));
    }

    /// What happened, in order: ends of transactions by name, records and offsets by their value.
    pub(super) fn log(&self) -> Vec<String> {
        lock(&self.state).log.clone()
    }

    /// Acknowledges each record as it is sent.
    pub(super) fn answering() -> Arc<Self> {
        let producer = Self::default();
        lock(&producer.state).answers = true;
        Arc::new(producer)
    }

    pub(super) fn fail_commit(&self, error: Error) {
        lock(&self.state).commit_failure = Some(error);
    }

    fn transact(&self, what: &str) -> Result<(), Error> {
        let mut state = lock(&self.state);
        state.log.push(what.to_owned());
        match state.commit_failure.take_if(|_| what == "commit") {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    pub(super) fn answer(&self, index: u64, result: Result<RecordMetadata, Error>) {
        let mut state = lock(&self.state);
        state.acks.push(Ack { index, result });
        state.acknowledged += 1;
        self.news.notify_one();
    }
}

#[async_trait]
impl RecordProducer for FakeProducer {
    fn send(&self, records: &[ProducerRecord], first_index: u64) -> Result<usize, SendError> {
        let mut state = lock(&self.state);
        let room = match state.room {
            0 => records.len(),
            room => room.saturating_sub(state.records.len() - state.acknowledged).min(records.len()),
        };
        let taken = records[..room].iter().enumerate().map(|(at, record)| (first_index + at as u64, record.clone()));
        state.records.extend(taken);
        for (at, record) in records[..room].iter().enumerate() {
            state.log.push(String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned());
            if state.answers {
                let result = Ok(RecordMetadata { partition: 0, offset: at as i64, timestamp: 1 });
                state.acks.push(Ack { index: first_index + at as u64, result });
                state.acknowledged += 1;
            }
        }
        self.news.notify_one();
        Ok(room)
    }

    fn take_acks(&self, into: &mut Vec<Ack>) {
        into.append(&mut lock(&self.state).acks);
    }

    fn in_flight(&self) -> usize {
        let state = lock(&self.state);
        state.records.len() - state.acknowledged
    }

    async fn acks_ready(&self) {
        loop {
            let news = self.news.notified();
            if !lock(&self.state).acks.is_empty() {
                return;
            }
            news.await;
        }
    }

    fn purge(&self) {
        self.purged.fetch_add(1, Ordering::Relaxed);
    }

    async fn close(&self, _: Duration) {}

    async fn flush(&self, _: Duration) -> Result<(), Error> {
        while self.in_flight() > 0 {
            self.news.notified().await;
        }
        Ok(())
    }

    async fn init_transactions(&self, _: Duration) -> Result<(), Error> {
        self.transact("init")
    }

    fn begin_transaction(&self) -> Result<(), Error> {
        self.transact("begin")
    }

    async fn commit_transaction(&self, _: Duration) -> Result<(), Error> {
        self.transact("commit")
    }

    async fn abort_transaction(&self, _: Duration) -> Result<(), Error> {
        self.acknowledge_all();
        self.transact("abort")
    }

    fn failure(&self) -> Option<Error> {
        None
    }
}

/// Hands out what the test has put in, and writes down what it was asked for.
#[derive(Clone, Default)]
pub(super) struct FakeConsumer(Arc<Consumed>);

#[derive(Default)]
pub(super) struct Consumed {
    polls: Mutex<Vec<PollResult>>,
    log: Mutex<Vec<String>>,
    commits: Mutex<u64>,
    news: Notify,
}

impl FakeConsumer {
    pub(super) fn assign(&self, partition: i32) {
        let assigned = RebalanceEvent::Assigned(vec![TopicPartition::new("t", partition)]);
        self.push(PollResult { events: vec![assigned], ..PollResult::default() });
    }

    pub(super) fn event(&self, event: RebalanceEvent) {
        self.push(PollResult { events: vec![event], ..PollResult::default() });
    }

    pub(super) fn records(&self, partition: i32, first_offset: i64, values: &[&str]) {
        let record = |(at, value): (usize, &&str)| ConsumerRecord {
            topic: "t".into(),
            partition,
            offset: first_offset + at as i64,
            timestamp_ms: Some(1),
            timestamp_type: sluice_kafka::TimestampType::CreateTime,
            key: None,
            value: Some(Bytes::copy_from_slice(value.as_bytes())),
            headers: Vec::new(),
        };
        let records = values.iter().enumerate().map(record).collect();
        self.push(PollResult { records, ..PollResult::default() });
    }

    pub(super) fn log(&self) -> Vec<String> {
        lock(&self.0.log).clone()
    }

    pub(super) fn logged(&self, line: &str) -> bool {
        lock(&self.0.log).iter().any(|logged| logged == line)
    }

    fn push(&self, poll: PollResult) {
        lock(&self.0.polls).push(poll);
        self.0.news.notify_one();
    }

    fn note(&self, line: impl Into<String>) {
        lock(&self.0.log).push(line.into());
    }
}

fn at(offsets: &[(TopicPartition, i64)]) -> String {
    offsets.iter().map(|(tp, offset)| format!("{tp}@{offset}")).collect::<Vec<_>>().join(",")
}

fn names(partitions: &[TopicPartition]) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[async_trait]
impl RecordConsumer for FakeConsumer {
    fn poll(&self, _: usize) -> Result<PollResult, Error> {
        let mut polls = lock(&self.0.polls);
        Ok(if polls.is_empty() { PollResult::default() } else { polls.remove(0) })
    }

    async fn ready(&self) {
        self.0.news.notified().await;
    }

    async fn position(&self, partitions: &[TopicPartition], _: Duration) -> Result<Positions, Error> {
        Ok(partitions.iter().map(|tp| (tp.clone(), 0)).collect())
    }

    fn assign_from(&self, positions: &[(TopicPartition, i64)]) -> Result<(), Error> {
        self.note(format!("assign {}", at(positions)));
        Ok(())
    }

    fn unassign(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.note(format!("unassign {}", names(partitions)));
        Ok(())
    }

    fn seek(&self, positions: &[(TopicPartition, i64)]) -> Result<(), Error> {
        self.note(format!("seek {}", at(positions)));
        Ok(())
    }

    fn pause(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        if !partitions.is_empty() {
            self.note(format!("pause {}", names(partitions)));
        }
        Ok(())
    }

    fn resume(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        if !partitions.is_empty() {
            self.note(format!("resume {}", names(partitions)));
        }
        Ok(())
    }

    fn commit_async(&self, offsets: &[(TopicPartition, i64)]) -> Result<u64, Error> {
        self.note(format!("commit {}", at(offsets)));
        let id = {
            let mut commits = lock(&self.0.commits);
            *commits += 1;
            *commits
        };
        let ended = CommitResult { id, offsets: offsets.to_vec(), result: Ok(()) };
        self.push(PollResult { commits: vec![ended], ..PollResult::default() });
        Ok(id)
    }

    async fn commit_sync(&self, offsets: &[(TopicPartition, i64)], _: Duration) -> Result<(), Error> {
        self.note(format!("commit-sync {}", at(offsets)));
        Ok(())
    }

    async fn close(self: Box<Self>, _: Duration) {
        self.note("close");
    }
}
