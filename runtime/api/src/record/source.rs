//! The record that a source task gives to the worker.

use std::sync::Arc;

use super::{Headers, OffsetMap};
use crate::data::{Schema, Value};

/// A record on its way to a topic (`SourceRecord`).
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRecord {
    /// Where in the source the record comes from; share one `Arc` among the records of a partition.
    pub source_partition: Arc<OffsetMap>,
    /// The position to go on from after this record.
    pub source_offset: OffsetMap,
    /// The topic to write to.
    pub topic: Arc<str>,
    /// The topic partition, or `None` for the partitioner's choice.
    pub partition: Option<i32>,
    /// The schema of the key, `None` for schemaless.
    pub key_schema: Option<Schema>,
    /// The key.
    pub key: Value,
    /// The schema of the value, `None` for schemaless.
    pub value_schema: Option<Schema>,
    /// The value.
    pub value: Value,
    /// Milliseconds since the epoch, or `None` for the producer's clock.
    pub timestamp_ms: Option<i64>,
    /// The headers.
    pub headers: Headers,
    /// Whatever the task wants back when the record is done, see [`crate::SourceTask::commit_records`].
    pub token: u64,
}

impl SourceRecord {
    /// A record without key, headers and timestamp.
    pub fn new(
        source_partition: Arc<OffsetMap>,
        source_offset: OffsetMap,
        topic: Arc<str>,
        value_schema: Option<Schema>,
        value: Value,
    ) -> Self {
        Self {
            source_partition,
            source_offset,
            topic,
            partition: None,
            key_schema: None,
            key: Value::Null,
            value_schema,
            value,
            timestamp_ms: None,
            headers: Headers::new(),
            token: 0,
        }
    }
}
