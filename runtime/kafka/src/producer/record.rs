//! What goes into a producer and what comes back.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::Error;

/// A record to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerRecord {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition; `None` lets the partitioner choose (murmur2 of the key as in Java, else at random).
    pub partition: Option<i32>,
    /// Milliseconds since the epoch; `None` is the time of the send.
    pub timestamp_ms: Option<i64>,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Headers in order; a name may occur more than once.
    pub headers: Vec<(Arc<str>, Option<Bytes>)>,
}

/// Where a record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    /// The partition.
    pub partition: i32,
    /// The offset; -1 when `acks=0`.
    pub offset: i64,
    /// Milliseconds since the epoch: the record's own timestamp, or the broker's for topics with `LogAppendTime`.
    pub timestamp: i64,
}

/// The fate of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The index under which the record was sent.
    pub index: u64,
    /// Where it is, or why it is nowhere.
    pub result: Result<RecordMetadata, Error>,
}
