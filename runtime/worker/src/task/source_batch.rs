//! A source task's records between the conversion and the acknowledgement.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sluice_api::ConnectError;
use sluice_api::connector::CommittedRecord;
use sluice_kafka::{Error, ErrorKind, ProducerRecord};
use tokio::time::Instant;

use super::conversion::Outgoing;
use super::handle::client_error;
use super::source::WorkerSourceTask;
use crate::errors::{Attempts, Failure, Stage, Verdict, place_text};
use crate::submitted_records::SubmittedRecords;

/// What a record costs in the producer besides its bytes.
const RECORD_OVERHEAD_BYTES: u64 = 256;
/// The pause after a send that failed for a passing reason.
const SEND_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Records that the producer has not taken yet, in order of their indexes.
#[derive(Default)]
pub(super) struct Batch {
    records: Vec<ProducerRecord>,
    /// How many of them the producer has.
    sent: usize,
    /// The index of the first record.
    first_index: u64,
    /// The producer could not take the next record for a passing reason: not before this time again.
    retry_at: Option<Instant>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.sent == self.records.len()
    }

    /// Waits until the producer may be asked again; for ever when nothing stands in the way. Cancel safe.
    pub(super) async fn retry_due(&self) {
        match self.retry_at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Empties the batch; the indexes of those that the producer did not get.
    pub(super) fn forget(&mut self) -> std::ops::Range<u64> {
        let indexes = self.first_index + self.sent as u64..self.first_index + self.records.len() as u64;
        self.sent = self.records.len();
        indexes
    }

    pub(super) fn push(&mut self, (index, record): (u64, ProducerRecord)) {
        if self.is_empty() {
            self.records.clear();
            self.sent = 0;
            self.first_index = index;
        }
        debug_assert_eq!(self.first_index + self.records.len() as u64, index, "indexes are without gaps");
        self.records.push(record);
    }
}

/// Submitted records until they are done.
#[derive(Default)]
pub(super) struct InFlight {
    pub(super) records: SubmittedRecords,
    /// Bytes of records that are not done.
    pub(super) bytes: u64,
    /// Whether the task wants to know what became of its records.
    pub(super) report_tokens: bool,
    tokens: HashMap<u64, u64>,
    /// The topics that were sent to, and the index of their first record until that is done.
    topics: Vec<(Arc<str>, Option<u64>)>,
    waiting_topics: usize,
    new_topics: Vec<Arc<str>>,
}

impl InFlight {
    /// Registers a record; the producer gets it afterwards.
    pub(super) fn submit(&mut self, outgoing: Outgoing) -> (u64, ProducerRecord) {
        let Outgoing { record, source_partition, source_offset, token } = outgoing;
        let bytes = RECORD_OVERHEAD_BYTES + size(&record);
        let index = self.records.submit(&source_partition, source_offset, bytes);
        self.bytes += bytes;
        if self.report_tokens {
            self.tokens.insert(index, token);
        }
        self.note_topic(&record.topic, index);
        (index, record)
    }

    /// The record is done: written at `position`, or given up in a way that counts as done.
    pub(super) fn done(&mut self, index: u64, position: Option<(i32, i64)>, committed: &mut Vec<CommittedRecord>) {
        self.bytes -= self.records.done(index);
        if self.report_tokens
            && let Some(token) = self.tokens.remove(&index)
        {
            committed.push(CommittedRecord { token, position });
        }
        if self.waiting_topics > 0 && position.is_some() {
            let reached = self.topics.iter_mut().find(|(_, first)| *first == Some(index));
            if let Some((topic, first)) = reached {
                *first = None;
                self.waiting_topics -= 1;
                self.new_topics.push(topic.clone());
            }
        }
    }

    /// Topics that a record was written to for the first time.
    pub(super) fn take_new_topics(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.new_topics)
    }

    fn note_topic(&mut self, topic: &Arc<str>, index: u64) {
        match self.topics.iter().position(|(known, _)| Arc::ptr_eq(known, topic) || known == topic) {
            // Batches come topic by topic: the next look finds it first.
            Some(position) => self.topics.swap(0, position),
            None => {
                self.topics.insert(0, (topic.clone(), Some(index)));
                self.waiting_topics += 1;
            }
        }
    }
}

impl WorkerSourceTask {
    /// Hands the producer what it takes now. A record that it refuses ends the task (Invariant 3) unless that is tolerated.
    pub(super) fn send_unsent(&mut self) -> Result<(), ConnectError> {
        if self.unsent.retry_at.is_some_and(|at| Instant::now() < at) {
            return Ok(());
        }
        self.unsent.retry_at = None;
        if !self.unsent.is_empty() {
            self.producer.wake().map_err(|error| client_error("producer", error))?;
            self.begin_transaction()?;
        }
        while !self.unsent.is_empty() {
            let batch = &mut self.unsent;
            let next_index = batch.first_index + batch.sent as u64;
            // Invariant 5: a cancelled task sends nothing more.
            let sent = self.seat.lease.while_held(|| self.producer.send(&batch.records[batch.sent..], next_index));
            match sent {
                None => return Err(ConnectError::connect("the task was cancelled")),
                Some(Ok(0)) => return Ok(()),
                Some(Ok(count)) => batch.sent += count,
                Some(Err(refused)) if refused.error.is_retriable() => {
                    batch.sent += refused.position;
                    batch.retry_at = Some(Instant::now() + SEND_RETRY_PAUSE);
                    let id = &self.seat.id;
                    tracing::warn!(connector = id.connector, task = id.task, error = %refused.error, "failed to send, trying again");
                    return Ok(());
                }
                Some(Err(refused)) => {
                    batch.sent += refused.position + 1;
                    self.lost(next_index + refused.position as u64, refused.error)?;
                }
            }
        }
        Ok(())
    }

    /// A record that the producer or the broker refused for good.
    #[cold]
    pub(super) fn lost(&mut self, index: u64, error: Error) -> Result<(), ConnectError> {
        if self.commits.are_transactional() && error.kind() != ErrorKind::RecordTooLarge {
            // Part of a transaction cannot be left out once it was sent.
            return Err(self.transaction_failed(error));
        }
        let place = self.in_flight.records.place(index).map(|(partition, offset)| place_text(partition, offset));
        let place = place.unwrap_or_else(|| format!("index {index}"));
        let hint = match error.kind() {
            ErrorKind::RecordTooLarge => {
                "; to let it pass, raise `producer.override.max.request.size` of the connector and `max.message.bytes` of the topic"
            }
            _ => "",
        };
        let text = format!("Unrecoverable exception from producer send callback: {error} ({place}){hint}");
        let failure = Failure {
            stage: Stage::KafkaProduce,
            class: "org.apache.kafka.clients.producer.KafkaProducer".to_owned(),
            error: ConnectError::connect(text.clone()).with_source(error),
        };
        match self.policy.decide(failure, &mut Attempts::default(), || format!("source record has {place}")) {
            Verdict::Skip | Verdict::Retry(_) if self.commits.are_transactional() => Err(ConnectError::connect(text)),
            Verdict::Skip | Verdict::Retry(_) => {
                self.in_flight.done(index, None, &mut self.committed);
                Ok(())
            }
            Verdict::Fail(error) => Err(error),
        }
    }

    /// A transform or an error policy dropped a record.
    pub(super) fn note_dropped(&mut self, token: u64) {
        if self.in_flight.report_tokens {
            self.committed.push(CommittedRecord { token, position: None });
        }
    }
}

fn size(record: &ProducerRecord) -> u64 {
    let field = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map_or(0, |bytes| bytes.len());
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + field(value)).sum();
    (field(&record.key) + field(&record.value) + headers) as u64
}
