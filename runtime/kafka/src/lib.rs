//! Everything that talks to Kafka: the only crate that names a Kafka client.
//!
//! It owns the producer of source tasks, the consumer of sink tasks and the fetches under it, the admin client, the log on a compacted topic
//! that the internal stores are built on, and the one table that turns Java client properties into librdkafka's. The
//! storage, worker and herder crates call it; none of its public types shows which client library carries the data, so
//! that library can be replaced without a change above this seam.
//!
//! Invariant 1 starts here: an [`Ack`] is only ever produced from a delivery report of the broker, in the order in
//! which they arrive. Invariant 9: a property's value is named in an error only when it has the wrong type, and never
//! in a log.

pub mod admin;
pub mod based_log;
mod client_log;
pub mod consumer;
pub mod copy;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fetch;
#[cfg(not(any(test, feature = "fuzzing")))]
mod fetch;
mod murmur2;
pub mod producer;
pub mod properties;
#[cfg(any(test, feature = "fuzzing"))]
pub mod security;
#[cfg(not(any(test, feature = "fuzzing")))]
mod security;
mod tenure;
pub mod wire;

/// TLS beside Kafka's own: the listeners of REST, and requests between workers.
pub mod tls {
    pub use crate::security::tls::{Acceptor, ClientAuth, Tls, TlsStream};
}

pub use admin::{Admin, NewTopic, OffsetSpec, TopicDescription};
pub use based_log::{KafkaBasedLog, LogOptions, LogRecord, OnRecord, TransactionalWriter};
pub use consumer::{
    CommitResult, Consumer, ConsumerLimits, ConsumerRecord, Departure, PollResult, RebalanceEvent, TimestampType,
    TopicPartition,
};
pub use error::{Error, ErrorKind, PropertyError};
pub use murmur2::{murmur2, partition_for_key};
pub use producer::{Ack, Producer, ProducerLimits, ProducerRecord, RecordMetadata, SendError};
pub use properties::{Properties, Role};
pub use security::{Secret, Security};
pub use tenure::Tenure;
