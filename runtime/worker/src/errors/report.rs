//! Reports of failed records in the log, and the reporter that a sink task gets (KIP-610).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::connector::ErrantRecordReporter;
use sluice_api::{ConnectError, ErrorKind, OffsetMap, SinkRecord, SourceRecord};
use sluice_kafka::{ConsumerRecord, TimestampType};
use sluice_storage::ConnectorTaskId;

use super::{Attempts, DeadLetterQueue, ErrorPolicy, Failure, Stage, Verdict};
use crate::task::Conversion;
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

/// Where errant records go: the queue, and the converters that write a record which is not at hand as it was consumed.
pub(crate) struct Letters {
    pub(crate) queue: Arc<DeadLetterQueue>,
    /// The task's converters once more, without its transforms.
    pub(crate) conversion: Conversion,
}

/// Takes what a sink task could not deliver.
pub(crate) struct ErrantRecords {
    policy: Arc<ErrorPolicy>,
    queue: Option<Arc<DeadLetterQueue>>,
    timeout: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The batch as it was consumed, kept only when there is a dead letter queue.
    originals: Vec<ConsumerRecord>,
    conversion: Option<Conversion>,
    failed: Option<String>,
}

impl ErrantRecords {
    /// `timeout` is how long a task may wait for what it has reported.
    pub(crate) fn new(policy: Arc<ErrorPolicy>, letters: Option<Letters>, timeout: Duration) -> Arc<Self> {
        let (queue, conversion) = letters.map(|letters| (letters.queue, letters.conversion)).unzip();
        Arc::new(Self { policy, queue, timeout, state: Mutex::new(State { conversion, ..State::default() }) })
    }

    /// Keeps the records that the next batch is made of, so that they can go to the dead letter queue as they were. `more` are
    /// added to a batch that the task has not taken yet.
    pub(crate) fn set_originals(&self, records: Vec<ConsumerRecord>, more: bool) {
        if self.queue.is_none() {
            return;
        }
        let mut state = lock(&self.state);
        match more {
            true => state.originals.extend(records),
            false => state.originals = records,
        }
    }

    /// The first error that ends the task, in case the task swallowed it (Invariant 3).
    pub(crate) fn take_failure(&self) -> Option<ConnectError> {
        lock(&self.state).failed.take().map(ConnectError::connect)
    }

    /// Sends the record to the dead letter queue: as it was consumed when it is of the batch at hand, else as the converters
    /// write it now, as Kafka does with records of the task's own making.
    fn send_letter(&self, queue: &DeadLetterQueue, record: &SinkRecord, failure: &Failure) -> Result<(), Failure> {
        let mut state = lock(&self.state);
        let State { originals, conversion, .. } = &mut *state;
        let is_it = |raw: &&ConsumerRecord| {
            raw.offset == record.offset
                && raw.partition == record.original_partition()
                && raw.topic == *record.original_topic()
        };
        let letter = match (originals.iter().find(is_it), conversion) {
            (Some(raw), _) => queue.letter(raw, failure),
            (None, Some(conversion)) => queue.letter(&conversion.written(record)?, failure),
            (None, None) => return Ok(()),
        };
        drop(state);
        queue.send(letter);
        Ok(())
    }
}

#[async_trait]
impl ErrantRecordReporter for ErrantRecords {
    fn report(&self, record: &SinkRecord, error: ConnectError) -> Result<(), ConnectError> {
        // The report is the task's last word on the record: nothing is left to retry.
        let error = match error.kind() {
            ErrorKind::Retriable => ConnectError::connect(error.to_string()).with_source(error),
            _ => error,
        };
        let failure =
            Failure { stage: Stage::TaskPut, class: "org.apache.kafka.connect.sink.SinkTask".to_owned(), error };
        let sent = self.queue.as_ref().map_or(Ok(()), |queue| self.send_letter(queue, record, &failure));
        let describe = || {
            let (topic, partition) = (record.original_topic(), record.original_partition());
            format!("consumed record is {{topic='{topic}', partition={partition}, offset={}}}", record.offset)
        };
        let verdict = self.policy.decide(failure, &mut Attempts::default(), describe);
        let error = match (verdict, sent) {
            (Verdict::Fail(error), _) => error,
            // Invariant 3: what cannot go to the queue that the user asked for is not dropped.
            (_, Err(unwritten)) => {
                let text = format!("a reported record cannot be written to the dead letter queue: {}", describe());
                ConnectError::connect(text).with_source(unwritten.error)
            }
            (Verdict::Skip | Verdict::Retry(_), Ok(())) => return Ok(()),
        };
        lock(&self.state).failed.get_or_insert_with(|| error.trace());
        Err(error)
    }

    async fn settled(&self) -> Result<(), ConnectError> {
        match &self.queue {
            Some(queue) => queue.settle(self.timeout).await,
            None => Ok(()),
        }
    }
}
