//! Delivery reports of librdkafka become acks.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message, Timestamp};
use rdkafka::producer::ProducerContext;

use super::record::{Ack, RecordMetadata};
use crate::client_log::{ClientLog, lock};
use crate::error::Error;

/// Receives what librdkafka reports while the producer is polled.
pub(super) struct Delivery {
    log: ClientLog,
    acks: Mutex<Vec<Ack>>,
    /// Records reported so far.
    delivered: AtomicU64,
    /// Why records in the queue were given up, when the cluster refused this client.
    refusal: Mutex<Option<Error>>,
    /// Events of any sort served so far: tells a poll that found nothing from one that did.
    served: AtomicU64,
}

impl Delivery {
    pub(super) fn new(log: ClientLog) -> Self {
        Self {
            log,
            acks: Mutex::default(),
            delivered: AtomicU64::new(0),
            refusal: Mutex::default(),
            served: AtomicU64::new(0),
        }
    }

    pub(super) fn log(&self) -> &ClientLog {
        &self.log
    }

    /// Records that are purged from now on get this error.
    pub(super) fn give_up(&self, refusal: Error) {
        *lock(&self.refusal) = Some(refusal);
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Acquire)
    }

    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    pub(super) fn has_acks(&self) -> bool {
        !lock(&self.acks).is_empty()
    }

    pub(super) fn take(&self, into: &mut Vec<Ack>) {
        let mut acks = lock(&self.acks);
        if into.is_empty() {
            std::mem::swap(into, &mut acks);
        } else {
            into.append(&mut acks);
        }
    }
}

impl ClientContext for Delivery {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.served.fetch_add(1, Ordering::Relaxed);
        self.log.token()
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.served.fetch_add(1, Ordering::Relaxed);
        self.log.line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.served.fetch_add(1, Ordering::Relaxed);
        self.log.error(&error, reason);
    }
}

impl ProducerContext for Delivery {
    type DeliveryOpaque = usize;

    // Invariant 1: the only place where an ack is made.
    fn delivery(&self, report: &DeliveryResult<'_>, index: usize) {
        let result = match report {
            Ok(message) => Ok(RecordMetadata {
                partition: message.partition(),
                offset: message.offset(),
                timestamp: match message.timestamp() {
                    Timestamp::NotAvailable => -1,
                    Timestamp::CreateTime(ms) | Timestamp::LogAppendTime(ms) => ms,
                },
            }),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::PurgeQueue), message)) => {
                let refused = lock(&self.refusal).clone();
                Err(refused
                    .unwrap_or_else(|| Error::from_code(&writing(message.topic()), RDKafkaErrorCode::PurgeQueue)))
            }
            Err((error, message)) => Err(refusal(error, message.topic())),
        };
        lock(&self.acks).push(Ack { index: index as u64, result });
        self.served.fetch_add(1, Ordering::Relaxed);
        self.delivered.fetch_add(1, Ordering::Release);
    }
}

fn refusal(error: &KafkaError, topic: &str) -> Error {
    match error {
        // The broker judges batches. Records that are small by themselves can be refused with the batch they are in.
        KafkaError::MessageProduction(code @ RDKafkaErrorCode::MessageSizeTooLarge) => Error::from_code(
            &format!(
                "writing to topic {topic}: the batch with this record is larger than the topic's `max.message.bytes` \
                 allows (`batch.size` and `max.request.size` limit batches)"
            ),
            *code,
        ),
        error => Error::from_client(&writing(topic), error),
    }
}

fn writing(topic: &str) -> String {
    format!("writing to topic {topic}")
}
