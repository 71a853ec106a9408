//! Events: rows as Debezium's keys, envelopes, source blocks and offsets.
//!
//! Owns schemas and the values that are built from them; the snapshot and the stream call it. Offsets are those of Debezium, so
//! that either can go on where the other stopped (Invariant 6).

mod envelope;
mod headers;
mod heartbeat;
mod logical_message;
mod offset;
mod record;
mod source_block;
mod table;
mod transaction;

pub(crate) use envelope::{Clock, Operation};
pub(crate) use headers::ContextHeaders;
pub(crate) use heartbeat::Heartbeat;
pub(crate) use logical_message::LogicalMessages;
pub(crate) use offset::{MessageType, Position, SnapshotState};
pub(crate) use record::record;
pub(crate) use source_block::{SnapshotMarker, SourceBlock};
pub(crate) use table::{ColumnSource, MissingValue, Table};
pub(crate) use transaction::Transactions;

/// The version of Debezium whose events these are.
pub(crate) const DEBEZIUM_VERSION: &str = "3.6.3.Final";
