//! What the group says, kept until the task can act on it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rdkafka::TopicPartitionList;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;

use super::offsets;
use super::record::TopicPartition;
use crate::client_log::{ClientLog, lock};

/// A change of the assignment. The group waits for the answer, up to `max.poll.interval.ms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RebalanceEvent {
    /// These partitions are this consumer's now. Answer with [`Consumer::assign_from`](super::Consumer::assign_from).
    Assigned(Vec<TopicPartition>),
    /// These partitions go to another member. Commit, then answer with
    /// [`Consumer::unassign`](super::Consumer::unassign).
    Revoked(Vec<TopicPartition>),
    /// These partitions are gone already (the session expired): commits would fail. Answer with
    /// [`Consumer::unassign`](super::Consumer::unassign).
    Lost(Vec<TopicPartition>),
}

/// Receives what librdkafka reports while the consumer is polled.
pub(super) struct Group {
    log: ClientLog,
    events: Mutex<Vec<RebalanceEvent>>,
    /// Nobody will answer any more: the consumer is being dropped.
    closing: AtomicBool,
    /// The owner hangs: another thread answers for it, to give everything back.
    leaving: AtomicBool,
    served: AtomicU64,
    /// A topic of the subscription was not there.
    missing_topic: AtomicBool,
}

impl Group {
    pub(super) fn new(log: ClientLog) -> Self {
        Self {
            log,
            events: Mutex::default(),
            closing: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            served: AtomicU64::new(0),
            missing_topic: AtomicBool::new(false),
        }
    }

    pub(super) fn log(&self) -> &ClientLog {
        &self.log
    }

    /// Events of any sort served so far: tells a poll that found nothing from one that did.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Whether a topic of the subscription was not there since the last call.
    pub(super) fn take_missing_topic(&self) -> bool {
        // Asked with every poll: no write while there is nothing.
        self.missing_topic.load(Ordering::Acquire) && self.missing_topic.swap(false, Ordering::AcqRel)
    }

    pub(super) fn has_events(&self) -> bool {
        !lock(&self.events).is_empty()
    }

    pub(super) fn take_events(&self) -> Vec<RebalanceEvent> {
        std::mem::take(&mut *lock(&self.events))
    }

    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub(super) fn begin_leaving(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    /// Whether somebody else polls for the owner, since before it took the first record.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// The client can give back only what it was told to take.
    fn take_to_give_back(consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        let answered = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(partitions),
            _ => consumer.assign(partitions),
        };
        if let Err(error) = answered {
            tracing::debug!(%error, "taking partitions while leaving");
        }
    }

    fn answer_at_once(consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        let answered = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
            _ => consumer.unassign(),
        };
        if let Err(error) = answered {
            tracing::debug!(%error, "giving up partitions while closing");
        }
    }
}

impl ClientContext for Group {
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
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownTopicOrPartition) {
            self.missing_topic.store(true, Ordering::Release);
        }
        self.log.error(&error, reason);
    }
}

impl ConsumerContext for Group {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        self.served.fetch_add(1, Ordering::Relaxed);
        let assigning = code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Acquire) {
            return Self::answer_at_once(consumer, partitions);
        }
        if self.leaving.load(Ordering::Acquire) {
            return match assigning {
                true => Self::take_to_give_back(consumer, partitions),
                false => Self::answer_at_once(consumer, partitions),
            };
        }
        let partitions = offsets::partitions(partitions);
        lock(&self.events).push(match assigning {
            true => RebalanceEvent::Assigned(partitions),
            false if consumer.assignment_lost() => RebalanceEvent::Lost(partitions),
            false => RebalanceEvent::Revoked(partitions),
        });
    }
}
