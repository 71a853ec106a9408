//! The producer itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, PurgeConfig};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::delivery::Delivery;
use super::record::{Ack, ProducerRecord};
use super::{size, transaction};
use crate::client_log::ClientLog;
use crate::error::{Error, ErrorKind};
use crate::properties::{Properties, Role, Translation, translate};

/// The shortest and the longest pause between two looks for delivery reports while records are in flight.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);
/// How many of the longer pauses librdkafka gets to ask for its first token.
const FIRST_TOKEN_TURNS: u32 = 100;
/// How often librdkafka's log is served while nothing is in flight.
const IDLE_PAUSE: Duration = Duration::from_secs(1);

/// What this producer may hold of records that are not acknowledged yet: its share of the worker's memory budget.
#[derive(Clone, Copy, Debug)]
pub struct ProducerLimits {
    /// Bytes of keys and values. Never less than one record of `max.request.size`, never more than `buffer.memory`.
    pub max_bytes: usize,
    /// Records.
    pub max_messages: usize,
}

impl Default for ProducerLimits {
    fn default() -> Self {
        Self { max_bytes: 8 << 20, max_messages: 50_000 }
    }
}

/// A record that the producer refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct SendError {
    /// Position within the slice. The records before it were accepted and will be acknowledged; those from it on were
    /// not.
    pub position: usize,
    /// Why.
    #[source]
    pub error: Error,
}

/// A producer: records in by the slice, acks out by index.
///
/// All methods take `&self` and may be called from several threads, but the order of records is the order of the calls
/// only within one. Dropping it gives up what is in flight, after at most half a second.
pub struct Producer {
    pub(super) client: Arc<BaseProducer<Delivery>>,
    /// Whether there is a `transactional.id`.
    transactional: bool,
    max_request_size: usize,
    buffer_memory: usize,
    accepted: AtomicU64,
    sent: Notify,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer").field("in_flight", &self.in_flight()).finish_non_exhaustive()
    }
}

impl Producer {
    /// A producer with the defaults of Kafka Connect's, changed by `properties` (Java names). Connects in the
    /// background.
    ///
    /// # Errors
    /// Properties that cannot be used.
    pub fn new(properties: &Properties, limits: ProducerLimits) -> Result<Self, Error> {
        let mut translation = translate(Role::Producer, properties)?;
        let max_request_size = usize::try_from(translation.number("max.request.size")).unwrap_or(0);
        let buffer_memory = usize::try_from(translation.number("buffer.memory")).unwrap_or(0);
        limit(&mut translation, limits, buffer_memory, max_request_size);
        let transactional = transaction::prepare(&mut translation);
        let log = ClientLog::new(&translation);
        let client = BaseProducer::from_config_and_context(&translation.client_config()?, Delivery::new(log))
            .map_err(|error| Error::from_client("creating a producer", &error))?;
        let mut turns = 0;
        // librdkafka asks at once; without a token nothing that waits for the cluster could end.
        while client.context().log().waits_for_token() && turns < FIRST_TOKEN_TURNS {
            client.poll(LONGEST_PAUSE);
            turns += 1;
        }
        let client = Arc::new(client);
        let (accepted, sent) = (AtomicU64::new(0), Notify::new());
        Ok(Self { client, transactional, max_request_size, buffer_memory, accepted, sent })
    }

    /// Puts records into the local queue, in order, and returns how many: fewer than all when the queue is full. Never
    /// blocks.
    ///
    /// The ack of `records[n]` carries `first_index + n`. When fewer than all were accepted, wait for
    /// [`acks_ready`](Self::acks_ready), take the acks and send the rest.
    ///
    /// # Errors
    /// A record that can never be sent (too large, impossible timestamp); the records before it were accepted.
    pub fn send(&self, records: &[ProducerRecord], first_index: u64) -> Result<usize, SendError> {
        let mut accepted = 0;
        let outcome = records.iter().try_for_each(|record| {
            self.check(record).map_err(Some)?;
            self.enqueue(record, first_index + accepted as u64)?;
            accepted += 1;
            Ok(())
        });
        self.accepted.fetch_add(accepted as u64, Ordering::AcqRel);
        if accepted > 0 {
            self.sent.notify_one();
        }
        match outcome {
            Ok(()) | Err(None) => Ok(accepted),
            Err(Some(error)) => Err(SendError { position: accepted, error }),
        }
    }

    /// Serves delivery reports that have arrived, without blocking.
    pub fn poll(&self) {
        loop {
            let before = self.delivery().served();
            self.client.poll(Duration::ZERO);
            if self.delivery().served() == before {
                break;
            }
        }
        if let Some(refusal) = self.delivery().log().take_refusal() {
            // Java's producer fails what waits for a cluster that refuses it; the reports of the purge carry the reason.
            self.delivery().give_up(refusal);
            self.client.purge(PurgeConfig::default().queue());
        }
    }

    /// Moves the acks that arrived so far to the end of `into`, in order of arrival. Call [`poll`](Self::poll) first.
    pub fn take_acks(&self, into: &mut Vec<Ack>) {
        self.delivery().take(into);
    }

    /// Waits until there are acks to take, polling meanwhile. For ever, when nothing is in flight. Cancel safe.
    pub async fn acks_ready(&self) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            self.poll();
            if self.delivery().has_acks() {
                return;
            }
            if self.in_flight() > 0 {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            } else {
                pause = SHORTEST_PAUSE;
                // Either way the next turn looks again: the elapsed second only serves the log.
                drop(tokio::time::timeout(IDLE_PAUSE, self.sent.notified()).await);
            }
        }
    }

    /// Looks up where the partitions of `topic` are, so that the first record does not wait for that (up to a second).
    /// Blocks.
    ///
    /// # Errors
    /// No broker answered in time.
    pub fn look_up(&self, topic: &str, timeout: Duration) -> Result<(), Error> {
        let metadata = self.client.client().fetch_metadata(Some(topic), timeout);
        metadata.map(drop).map_err(|error| Error::from_client(&format!("looking up topic {topic}"), &error))
    }

    /// How many accepted records have no ack yet, as of the last [`poll`](Self::poll).
    pub fn in_flight(&self) -> usize {
        let delivered = self.delivery().delivered();
        usize::try_from(self.accepted.load(Ordering::Acquire).saturating_sub(delivered)).unwrap_or(usize::MAX)
    }

    /// Whether nothing is in flight and every ack was taken.
    pub fn is_idle(&self) -> bool {
        self.in_flight() == 0 && !self.delivery().has_acks()
    }

    /// Why the cluster could not be reached the last time, if it could not: for the message of a timeout.
    pub fn trouble(&self) -> Option<String> {
        self.delivery().log().trouble()
    }

    /// Waits until every accepted record has its ack, which [`take_acks`](Self::take_acks) then gives. Waits out
    /// `linger.ms`. Cancel safe.
    ///
    /// # Errors
    /// The time is over and records are still in flight; they stay so.
    pub async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now().checked_add(timeout);
        let mut pause = SHORTEST_PAUSE;
        loop {
            self.poll();
            let in_flight = self.in_flight();
            if in_flight == 0 {
                return Ok(());
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(self.timed_out(in_flight));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Gives up every record in flight: each gets an ack of kind [`ErrorKind::Purged`]. Records already on their way
    /// may still be written.
    pub fn purge(&self) {
        self.client.purge(PurgeConfig::default().queue().inflight());
        self.poll();
    }

    /// Flushes, and purges what could not be flushed in time. Every record has its ack afterwards.
    ///
    /// # Errors
    /// Records had to be purged.
    pub async fn close(&self, timeout: Duration) -> Result<(), Error> {
        let flushed = self.flush(timeout).await;
        if flushed.is_err() {
            self.purge();
            // The reports of purged records come from librdkafka's threads: a matter of milliseconds.
            if let Err(error) = self.flush(IDLE_PAUSE).await {
                tracing::warn!(%error, "closing a producer");
            }
        }
        flushed
    }

    fn delivery(&self) -> &Delivery {
        self.client.context()
    }

    fn timed_out(&self, in_flight: usize) -> Error {
        let reason = self.trouble().map(|reason| format!(": {reason}")).unwrap_or_default();
        Error::new(ErrorKind::TimedOut, format!("{in_flight} records are not acknowledged in time{reason}"))
    }

    fn check(&self, record: &ProducerRecord) -> Result<(), Error> {
        let size = size::upper_bound(record);
        if size > self.max_request_size {
            return Err(Error::new(
                ErrorKind::RecordTooLarge,
                format!(
                    "the record for topic {} takes {size} bytes, more than `max.request.size` allows ({})",
                    record.topic, self.max_request_size
                ),
            ));
        }
        if size > self.buffer_memory {
            return Err(Error::new(
                ErrorKind::RecordTooLarge,
                format!(
                    "the record for topic {} takes {size} bytes, more than `buffer.memory` ({})",
                    record.topic, self.buffer_memory
                ),
            ));
        }
        match record.timestamp_ms {
            // librdkafka takes 0 for "now": refusing is better than writing another time than was asked for.
            Some(ms) if ms <= 0 => Err(Error::new(
                ErrorKind::InvalidRecord,
                format!("the record for topic {} has timestamp {ms}: it must be above 0, or absent", record.topic),
            )),
            _ => Ok(()),
        }
    }

    /// `Err(None)` when the queue is full.
    fn enqueue(&self, record: &ProducerRecord, index: u64) -> Result<(), Option<Error>> {
        let opaque = usize::try_from(index).expect("a record index fits the machine's word");
        let native = BaseRecord::<[u8], [u8], usize> {
            topic: &record.topic,
            partition: record.partition,
            payload: record.value.as_deref(),
            key: record.key.as_deref(),
            timestamp: record.timestamp_ms,
            headers: native_headers(record),
            delivery_opaque: opaque,
        };
        self.client.send(native).map_err(|(error, _)| match error {
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => None,
            // A transaction that has failed takes no more records: trying again would never end.
            KafkaError::MessageProduction(RDKafkaErrorCode::State) if self.transactional => {
                Some(self.failure().unwrap_or_else(|| {
                    Error::new(
                        ErrorKind::Other,
                        format!("sending to topic {}: the transaction has failed", record.topic),
                    )
                }))
            }
            error => Some(Error::from_client(&format!("sending to topic {}", record.topic), &error)),
        })
    }
}

fn native_headers(record: &ProducerRecord) -> Option<OwnedHeaders> {
    if record.headers.is_empty() {
        return None;
    }
    let empty = OwnedHeaders::new_with_capacity(record.headers.len());
    Some(
        record
            .headers
            .iter()
            .fold(empty, |headers, (name, value)| headers.insert(Header { key: name, value: value.as_deref() })),
    )
}

/// Applies the memory share, but never below one record: a record that does not fit the empty queue could never be
/// sent.
fn limit(translation: &mut Translation, limits: ProducerLimits, buffer_memory: usize, max_request_size: usize) {
    let bytes = limits.max_bytes.min(buffer_memory).max(max_request_size);
    translation.set("queue.buffering.max.kbytes", bytes.div_ceil(1024).clamp(1, i32::MAX as usize));
    translation.set("queue.buffering.max.messages", limits.max_messages.clamp(1, i32::MAX as usize));
}
