//! Java client properties in, librdkafka's configuration out.
//!
//! One table ([`table`]) names every key of Java's producer, consumer and admin client that means something here, its
//! type, the default that Kafka Connect gives it (connect-worker.md 4.7, else the Java client's), and where it goes in
//! librdkafka. Nothing else in the project knows a librdkafka name. Keys without an equivalent are logged once at WARN,
//! name only, and ignored, as the Java client does with unknown keys; a value of the wrong type is an error that names
//! key, value and what was expected (all of them at once). `security.protocol`, `ssl.*` and `sasl.*` are read by
//! [`security`](crate::security), for both clients alike.
//!
//! Deliberate deviations from the Java defaults, each unless the user sets the key:
//! - `batch.size`: librdkafka's 1,000,000 bytes instead of 16,384, because large batches cost the broker and the worker
//!   far less CPU and are only ever as large as what is already waiting (`linger.ms` is Java's 5);
//! - `send.buffer.bytes`, `receive.buffer.bytes`: the operating system's autotuning instead of fixed 128 and 64 KiB;
//! - `enable.metrics.push`: false, because the worker has metrics of its own;
//! - `partition.assignment.strategy`: range only, because librdkafka refuses a list that mixes eager and cooperative
//!   assignors. It shares a group with Java members that offer both.

mod table;
mod translate;
mod value;

use indexmap::IndexMap;

pub use translate::{Translation, is_client_key, translate};

/// Client properties under the Java client's names, in the order in which they were given.
pub type Properties = IndexMap<String, String>;

/// Which Java client the properties are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// `org.apache.kafka.clients.producer`
    Producer,
    /// `org.apache.kafka.clients.consumer`
    Consumer,
    /// `org.apache.kafka.clients.admin`
    Admin,
}

#[cfg(test)]
mod tests;
