//! Reports of failed records in the log, and the reporter that a sink task gets (KIP-610).

use std::sync::{Arc, Mutex};

use sluice_api::connector::ErrantRecordReporter;
use sluice_api::{ConnectError, ErrorKind, OffsetMap, SinkRecord, SourceRecord};
use sluice_kafka::{ConsumerRecord, TimestampType};
use sluice_storage::ConnectorTaskId;

use super::{Attempts, DeadLetterQueue, ErrorPolicy, Failure, Stage, Verdict};
use crate::worker::lock;

/// Kafka's line; `record` is empty or `, where …`.
pub(super) fn log(id: &ConnectorTaskId, failure: &Failure, record: &str) {
    tracing::error!(
        connector = id.connector,
        task = id.task,
        error = failure.error.trace().trim_end(),
        "Error encountered in task {id}. Executing stage '{}' with class '{}'{record}.",
        failure.stage.name(),
        failure.class,
    );
}

/// The text of a consumed record: where it was, never what it said.
pub(crate) fn consumed_text(record: &ConsumerRecord) -> String {
    let timestamp = match (record.timestamp_ms, record.timestamp_type) {
        (Some(ms), TimestampType::CreateTime) => format!(", timestamp={ms}, timestampType=CreateTime"),
        (Some(ms), TimestampType::LogAppendTime) => format!(", timestamp={ms}, timestampType=LogAppendTime"),
        _ => String::new(),
    };
    let ConsumerRecord { topic, partition, offset, .. } = record;
    format!("consumed record is {{topic='{topic}', partition={partition}, offset={offset}{timestamp}}}")
}

/// The text of a source record: where it came from, never what it said.
pub(crate) fn source_text(record: &SourceRecord) -> String {
    let place = place_text(&record.source_partition, &record.source_offset);
    format!("source record is = SourceRecord{{{place}}} ConnectRecord{{topic='{}'}}", record.topic)
}

/// Source partition and source offset of a record.
pub(crate) fn place_text(partition: &OffsetMap, offset: &OffsetMap) -> String {
    format!("sourcePartition={}, sourceOffset={}", map_text(partition), map_text(offset))
}

fn map_text(map: &OffsetMap) -> String {
    let fields: Vec<_> = map.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{{{}}}", fields.join(", "))
}

/// Takes what a sink task could not deliver.
pub(crate) struct ErrantRecords {
    policy: Arc<ErrorPolicy>,
    dead_letters: Option<Arc<DeadLetterQueue>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The batch as it was consumed, kept only when there is a dead letter queue.
    originals: Vec<ConsumerRecord>,
    failed: Option<String>,
}

impl ErrantRecords {
    pub(crate) fn new(policy: Arc<ErrorPolicy>, dead_letters: Option<Arc<DeadLetterQueue>>) -> Arc<Self> {
        Arc::new(Self { policy, dead_letters, state: Mutex::default() })
    }

    /// Keeps the records that the next batch is made of, so that they can go to the dead letter queue as they were.
    pub(crate) fn set_originals(&self, records: Vec<ConsumerRecord>) {
        if self.dead_letters.is_some() {
            lock(&self.state).originals = records;
        }
    }

    /// The first error that ends the task, in case the task swallowed it (Invariant 3).
    pub(crate) fn take_failure(&self) -> Option<ConnectError> {
        lock(&self.state).failed.take().map(ConnectError::connect)
    }

    /// Sends the record as it was consumed to the dead letter queue; `false` when it is not known any more.
    fn send_original(&self, queue: &DeadLetterQueue, record: &SinkRecord, failure: &Failure) -> bool {
        let state = lock(&self.state);
        let is_it = |raw: &&ConsumerRecord| {
            raw.offset == record.offset
                && raw.partition == record.original_partition()
                && raw.topic == *record.original_topic()
        };
        match state.originals.iter().find(is_it) {
            Some(raw) => {
                queue.send(queue.letter(raw, failure));
                true
            }
            None => false,
        }
    }
}

impl ErrantRecordReporter for ErrantRecords {
    fn report(&self, record: &SinkRecord, error: ConnectError) -> Result<(), ConnectError> {
        // The report is the task's last word on the record: nothing is left to retry.
        let error = match error.kind() {
            ErrorKind::Retriable => ConnectError::connect(error.to_string()).with_source(error),
            _ => error,
        };
        let failure =
            Failure { stage: Stage::TaskPut, class: "org.apache.kafka.connect.sink.SinkTask".to_owned(), error };
        let sent = self.dead_letters.as_ref().is_none_or(|queue| self.send_original(queue, record, &failure));
        let describe = || {
            let (topic, partition) = (record.original_topic(), record.original_partition());
            format!("consumed record is {{topic='{topic}', partition={partition}, offset={}}}", record.offset)
        };
        let error = match self.policy.decide(failure, &mut Attempts::default(), describe) {
            Verdict::Fail(error) => error,
            // Invariant 3: what cannot go to the queue that the user asked for is not dropped.
            _ if !sent => ConnectError::connect(
                "a reported record is not of the last batch, so it cannot go to the dead letter queue",
            ),
            Verdict::Skip | Verdict::Retry(_) => return Ok(()),
        };
        lock(&self.state).failed.get_or_insert_with(|| error.trace());
        Err(error)
    }
}
