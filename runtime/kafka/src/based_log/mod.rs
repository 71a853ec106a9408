//! A log on a compacted topic: what the config, offset and status stores are built on (connect-worker.md 2.1).
//!
//! It owns the topic's creation and check, one consumer that reads everything from the beginning and goes on tailing,
//! and one producer. The storage crate calls it, once for each internal topic. All of it lives on one thread with its
//! own small runtime, so that no callback and no unreachable broker can hold up the caller's.
//!
//! Invariant 4: records reach the callback in offset order per partition, each of them once. An unreachable cluster is
//! retried for ever, with one warning a minute that names address and reason; only what no retry can mend is an error.

mod handle;
mod options;
mod positions;
mod reader;
mod topic;
mod transactional;
mod writes;

pub use handle::{KafkaBasedLog, OnRecord};
pub use options::{LogOptions, LogRecord};
pub use transactional::TransactionalWriter;
