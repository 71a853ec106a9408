//! What can go wrong with Kafka, sorted by what a caller does about it.

use kafka_protocol::ResponseError;
use rdkafka::error::{KafkaError, RDKafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;

use crate::wire;

/// One client property that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parsing `{key}`: expected {expected}, got \"{value}\"")]
pub struct PropertyError {
    /// The Java name of the property.
    pub key: String,
    /// The value as it was given.
    pub value: String,
    /// What would have been right, in words.
    pub expected: String,
}

/// What a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A property, or what it asks for, cannot be used: retrying is pointless.
    Config,
    /// The cluster, or the leader or coordinator in it, cannot serve this now: retry.
    Unavailable,
    /// The deadline passed first: retry.
    TimedOut,
    /// The record is larger than `max.request.size`, the topic's limit or `buffer.memory`.
    RecordTooLarge,
    /// The record can never be written as it is (timestamp, key, partition).
    InvalidRecord,
    /// The topic or partition does not exist.
    UnknownTopic,
    /// The topic exists already.
    TopicExists,
    /// Fewer brokers are up than replicas were asked for.
    InvalidReplication,
    /// An internal topic is not what the worker needs (cleanup policy, partition count).
    TopicMismatch,
    /// No right to do this.
    Authorization,
    /// Not known to the cluster.
    Authentication,
    /// The cluster is too old for this, or does not offer it.
    UnsupportedByBroker,
    /// Another client has taken over the identity of this one.
    Fenced,
    /// This member is no longer in its group's current generation: wait for the rebalance.
    StaleMember,
    /// There is no committed offset and `auto.offset.reset` is `none`.
    NoOffset,
    /// The topic was deleted and created again since it was read.
    TopicRecreated,
    /// The log has lost records that were read, and has others in their place.
    LogTruncated,
    /// Bytes on the topic that this client cannot read.
    CorruptRecord,
    /// Given up by [`Producer::purge`](crate::Producer::purge) or by closing the client.
    Purged,
    /// The client is closed.
    Closed,
    /// Anything else.
    Other,
}

/// An error of this crate. Small, because every acknowledgement can carry one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Properties that cannot be used, all of them at once.
    #[error("{}", list(.0))]
    Properties(Box<[PropertyError]>),
    /// Everything else.
    #[error("{}", .0.message)]
    Kafka(Box<KafkaFailure>),
}

/// What happened, and how to treat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaFailure {
    kind: ErrorKind,
    code: i32,
    message: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::Kafka(Box::new(KafkaFailure { kind, code: -1, message: message.into() }))
    }

    pub(crate) fn property(key: &str, value: &str, expected: impl Into<String>) -> Self {
        let error = PropertyError { key: key.to_owned(), value: value.to_owned(), expected: expected.into() };
        Self::Properties(Box::new([error]))
    }

    pub(crate) fn from_code(action: &str, code: RDKafkaErrorCode) -> Self {
        let message = if action.is_empty() { describe(code) } else { format!("{action}: {}", describe(code)) };
        Self::Kafka(Box::new(KafkaFailure { kind: kind_of(code), code: code as i32, message }))
    }

    pub(crate) fn from_client(action: &str, error: &KafkaError) -> Self {
        match error {
            KafkaError::ClientConfig(_, description, key, _) => {
                Self::new(ErrorKind::Config, format!("{action}: {description} (`{key}`)"))
            }
            KafkaError::ClientCreation(reason) => Self::new(ErrorKind::Config, format!("{action}: {reason}")),
            KafkaError::AdminOp(code) | KafkaError::OffsetFetch(code) => Self::from_code(action, *code),
            KafkaError::Transaction(error) => Self::from_transaction(action, error),
            other => match other.rdkafka_error_code() {
                Some(code) => Self::from_code(action, code),
                None => Self::new(ErrorKind::Other, format!("{action}: {other}")),
            },
        }
    }

    /// librdkafka says of a transaction's error whether the same call may be made again, whatever its code.
    fn from_transaction(action: &str, error: &RDKafkaError) -> Self {
        let code = error.code();
        let kind = match kind_of(code) {
            kind if error.is_retriable() => {
                if kind == ErrorKind::TimedOut {
                    kind
                } else {
                    ErrorKind::Unavailable
                }
            }
            ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::UnknownTopic => ErrorKind::Other,
            kind => kind,
        };
        let message = format!("{action}: {}", error.string());
        Self::Kafka(Box::new(KafkaFailure { kind, code: code as i32, message }))
    }

    /// A broker's error code.
    pub(crate) fn from_broker(action: &str, code: ResponseError) -> Self {
        match RDKafkaRespErr::try_from(i32::from(code.code())) {
            Ok(native) => Self::from_code(action, RDKafkaErrorCode::from(native)),
            Err(_) => Self::new(ErrorKind::Other, format!("{action}: {code}")),
        }
    }

    /// An error of the raw-protocol client.
    pub(crate) fn from_wire(action: &str, error: &wire::Error) -> Self {
        let kind = match error {
            wire::Error::Broker { code, .. } | wire::Error::GroupNotEmpty { code, .. } => {
                return Self::from_broker(action, *code);
            }
            wire::Error::Property { .. } | wire::Error::Security(_) | wire::Error::Unencodable { .. } => {
                ErrorKind::Config
            }
            wire::Error::Refused { .. } => ErrorKind::Authentication,
            wire::Error::UnsupportedVersion { .. } => ErrorKind::UnsupportedByBroker,
            wire::Error::Unreachable { .. } | wire::Error::Disconnected { .. } | wire::Error::Malformed { .. } => {
                ErrorKind::Unavailable
            }
        };
        Self::new(kind, format!("{action}: {error}"))
    }

    /// Appends what the broker said beside its code.
    pub(crate) fn with_broker_message(mut self, said: Option<&str>) -> Self {
        if let (Self::Kafka(failure), Some(said)) = (&mut self, said) {
            failure.message = format!("{}: {said}", failure.message);
        }
        self
    }

    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Properties(_) => ErrorKind::Config,
            Self::Kafka(failure) => failure.kind,
        }
    }

    /// Kafka's error code; negative when the error did not come from a broker.
    pub fn code(&self) -> i32 {
        match self {
            Self::Properties(_) => -1,
            Self::Kafka(failure) => failure.code,
        }
    }

    /// Whether the same call can succeed later without a change of configuration or of the record.
    pub fn is_retriable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::UnknownTopic)
    }
}

fn list(errors: &[PropertyError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// librdkafka's words without the prefix that tells its own errors from the broker's.
fn describe(code: RDKafkaErrorCode) -> String {
    let text = KafkaError::Global(code).to_string();
    let text = text.strip_prefix("Global error: ").unwrap_or(&text).to_owned();
    match text.split_once(" (") {
        Some((name, words)) if words.ends_with(')') => format!("{} ({name})", words.trim_end_matches(')')),
        _ => text,
    }
}

fn kind_of(code: RDKafkaErrorCode) -> ErrorKind {
    use RDKafkaErrorCode as C;
    match code {
        C::MessageSizeTooLarge | C::MessageBatchTooLarge | C::InvalidMessageSize => ErrorKind::RecordTooLarge,
        C::InvalidTimestamp | C::InvalidRecord | C::UnknownPartition => ErrorKind::InvalidRecord,
        C::UnknownTopicOrPartition | C::UnknownTopic | C::InvalidTopic | C::UnknownTopicId => ErrorKind::UnknownTopic,
        C::TopicAlreadyExists => ErrorKind::TopicExists,
        C::InvalidReplicationFactor => ErrorKind::InvalidReplication,
        C::TopicAuthorizationFailed
        | C::GroupAuthorizationFailed
        | C::ClusterAuthorizationFailed
        | C::TransactionalIdAuthorizationFailed => ErrorKind::Authorization,
        C::Authentication
        | C::SaslAuthenticationFailed
        | C::IllegalSASLState
        | C::UnsupportedSASLMechanism
        | C::SSL => ErrorKind::Authentication,
        C::UnsupportedVersion | C::UnsupportedFeature => ErrorKind::UnsupportedByBroker,
        C::Fenced | C::ProducerFenced | C::InvalidProducerEpoch | C::FencedInstanceId => ErrorKind::Fenced,
        C::IllegalGeneration
        | C::UnknownMemberId
        | C::RebalanceInProgress
        | C::AssignmentLost
        | C::StaleMemberEpoch => ErrorKind::StaleMember,
        C::NoOffset | C::AutoOffsetReset | C::OffsetOutOfRange => ErrorKind::NoOffset,
        C::BadMessage | C::BadCompression | C::InvalidMessage => ErrorKind::CorruptRecord,
        C::PurgeQueue | C::PurgeInflight => ErrorKind::Purged,
        C::DestroyBroker | C::BrokerDestroy => ErrorKind::Closed,
        C::OperationTimedOut | C::MessageTimedOut | C::TimedOutQueue | C::RequestTimedOut => ErrorKind::TimedOut,
        C::InvalidConfig | C::InvalidPartitions | C::PolicyViolation | C::InvalidArgument => ErrorKind::Config,
        C::BrokerTransportFailure
        | C::AllBrokersDown
        | C::Resolve
        | C::QueueFull
        | C::WaitingForCoordinator
        | C::WaitCache
        | C::ISRInsufficient
        | C::State
        | C::Retry
        | C::LeaderNotAvailable
        | C::NotLeaderForPartition
        | C::BrokerNotAvailable
        | C::ReplicaNotAvailable
        | C::NetworkException
        | C::CoordinatorLoadInProgress
        | C::CoordinatorNotAvailable
        | C::NotCoordinator
        | C::NotEnoughReplicas
        | C::NotEnoughReplicasAfterAppend
        | C::NotController
        | C::KafkaStorageError
        | C::FencedLeaderEpoch
        | C::UnknownLeaderEpoch
        | C::OffsetNotAvailable
        | C::UnstableOffsetCommit
        | C::ThrottlingQuotaExceeded => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::{KafkaError, RDKafkaErrorCode};

    use super::{Error, ErrorKind};

    #[test]
    fn an_acknowledgement_stays_small_with_an_error_in_it() {
        assert!(size_of::<Error>() <= 24);
    }

    #[test]
    fn a_moved_leader_is_retriable_and_a_large_record_is_not() {
        assert!(Error::from_code("sending", RDKafkaErrorCode::NotLeaderForPartition).is_retriable());
        let large = Error::from_code("sending", RDKafkaErrorCode::MessageSizeTooLarge);
        assert_eq!(large.kind(), ErrorKind::RecordTooLarge);
        assert_eq!(large.code(), 10);
        assert!(!large.is_retriable());
    }

    #[test]
    fn an_admin_call_that_takes_too_long_is_retriable() {
        let error = Error::from_client("creating topic t", &KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut));
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.is_retriable());
    }

    #[test]
    fn the_message_says_what_was_done_and_why_it_failed() {
        let error = Error::from_code("creating topic t", RDKafkaErrorCode::TopicAlreadyExists);
        assert!(error.to_string().starts_with("creating topic t: "), "{error}");
        assert!(error.to_string().to_lowercase().contains("already exists"), "{error}");
    }
}
