//! The record that the worker gives to a sink task.

use std::fmt;
use std::sync::Arc;

use super::Headers;
use crate::data::{Schema, Value};

/// A topic and a partition of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
}

impl TopicPartition {
    /// The partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// What a record's timestamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// There is none.
    NoTimestampType,
    /// The producer's clock.
    CreateTime,
    /// The broker's clock.
    LogAppendTime,
}

/// A record on its way out of a topic (`SinkRecord`).
#[derive(Clone, Debug, PartialEq)]
pub struct SinkRecord {
    /// The topic, which transforms may have changed.
    pub topic: Arc<str>,
    /// The partition, which transforms may have changed.
    pub partition: i32,
    /// The offset in the partition that the record was read from.
    pub offset: i64,
    /// The schema of the key, `None` for schemaless.
    pub key_schema: Option<Schema>,
    /// The key.
    pub key: Value,
    /// The schema of the value, `None` for schemaless.
    pub value_schema: Option<Schema>,
    /// The value.
    pub value: Value,
    /// Milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
    /// Which clock the timestamp is of.
    pub timestamp_type: TimestampType,
    /// The headers.
    pub headers: Headers,
    /// Topic and partition that the record was read from, when transforms changed them; `None` means unchanged.
    pub original: Option<Box<TopicPartition>>,
}

impl SinkRecord {
    /// The topic that the record was read from.
    pub fn original_topic(&self) -> &Arc<str> {
        self.original.as_deref().map_or(&self.topic, |original| &original.topic)
    }

    /// The partition that the record was read from.
    pub fn original_partition(&self) -> i32 {
        self.original.as_deref().map_or(self.partition, |original| original.partition)
    }
}
