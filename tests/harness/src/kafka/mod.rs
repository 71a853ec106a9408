//! A real Apache Kafka: one KRaft broker in a temporary folder, and what tests do with its topics.
//!
//! Tests share one broker per process ([`Kafka::shared`]); a test that stops or kills its broker starts its own
//! ([`Kafka::start`]).

mod broker;
mod certificates;
mod jars;
mod proxied;
mod secured;
mod stream;
mod topics;

#[cfg(test)]
mod tests;

pub use broker::Kafka;
pub use certificates::{Certificates, STORE_PASSWORD};
pub(crate) use jars::{JDK, cached, copy_dependencies, emptied, maven, needs};
pub use jars::{KAFKA_VERSION, jars, java};
pub use secured::{Entrance, PASSWORD, REAUTHENTICATION_MS, SecuredKafka, USER};
pub use stream::EndWatch;
pub use topics::{Record, Topics};
