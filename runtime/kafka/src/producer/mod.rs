//! The producer of source tasks, of the dead letter queue and of the internal topics.
//!
//! It takes records by the slice and answers with acknowledgements by index: no future, no channel send and no
//! allocation per record. A source task sends, goes on until the local queue is full, and collects what was
//! acknowledged.
//!
//! Invariant 1: an [`Ack`] with `Ok` exists only after the broker acknowledged the record (`acks=all` unless the user
//! says otherwise), and acks of one partition come in the order of their records as long as
//! `max.in.flight.requests.per.connection` is 1, the default. Invariant 3: every accepted record is answered by exactly
//! one ack, also when it is purged or times out.

mod client;
mod delivery;
mod record;
mod size;
mod transaction;

pub use client::{Producer, ProducerLimits, SendError};
pub use record::{Ack, ProducerRecord, RecordMetadata};
