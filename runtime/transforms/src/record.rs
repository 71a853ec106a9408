//! What a transformation sees of a record, so that one implementation serves source and sink records, keys and values.
//!
//! Every transformation of this crate is a [`Transform`]; [`boxed`] makes of it what the worker applies. What a transformation
//! does not set stays as it was: partition, timestamp, headers, and where a sink record was read from.

use std::mem;
use std::sync::Arc;

use sluice_api::{
    ConnectError, Headers, Result, Schema, SinkRecord, SourceRecord, TopicPartition, Transformation, Value,
};

/// Which part of a record a transformation works on: the `$Key` or the `$Value` class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Key,
    Value,
}

/// A source or a sink record (`ConnectRecord`).
pub(crate) trait ConnectRecord: Sized {
    fn topic(&self) -> &Arc<str>;

    fn set_topic(&mut self, topic: Arc<str>);

    /// The topic's partition; a source record may leave it to the partitioner.
    fn partition(&self) -> Option<i32>;

    fn set_partition(&mut self, partition: Option<i32>);

    fn timestamp_ms(&self) -> Option<i64>;

    fn set_timestamp_ms(&mut self, timestamp_ms: Option<i64>);

    /// The offset that the record was read from; a `Data` error for a source record, which has none.
    fn offset(&self, purpose: &str) -> Result<i64>;

    fn headers(&self) -> &Headers;

    fn headers_mut(&mut self) -> &mut Headers;

    fn schema(&self, part: Part) -> Option<&Schema>;

    fn value(&self, part: Part) -> &Value;

    /// Moves schema and value of a part out, which leaves null there.
    fn take(&mut self, part: Part) -> (Option<Schema>, Value);

    fn set(&mut self, part: Part, schema: Option<Schema>, value: Value);
}

macro_rules! parts {
    () => {
        fn topic(&self) -> &Arc<str> {
            &self.topic
        }

        fn timestamp_ms(&self) -> Option<i64> {
            self.timestamp_ms
        }

        fn set_timestamp_ms(&mut self, timestamp_ms: Option<i64>) {
            self.timestamp_ms = timestamp_ms;
        }

        fn headers(&self) -> &Headers {
            &self.headers
        }

        fn headers_mut(&mut self) -> &mut Headers {
            &mut self.headers
        }

        fn schema(&self, part: Part) -> Option<&Schema> {
            match part {
                Part::Key => self.key_schema.as_ref(),
                Part::Value => self.value_schema.as_ref(),
            }
        }

        fn value(&self, part: Part) -> &Value {
            match part {
                Part::Key => &self.key,
                Part::Value => &self.value,
            }
        }

        fn take(&mut self, part: Part) -> (Option<Schema>, Value) {
            match part {
                Part::Key => (self.key_schema.take(), mem::take(&mut self.key)),
                Part::Value => (self.value_schema.take(), mem::take(&mut self.value)),
            }
        }

        fn set(&mut self, part: Part, schema: Option<Schema>, value: Value) {
            match part {
                Part::Key => (self.key_schema, self.key) = (schema, value),
                Part::Value => (self.value_schema, self.value) = (schema, value),
            }
        }
    };
}

impl ConnectRecord for SourceRecord {
    parts!();

    fn set_topic(&mut self, topic: Arc<str>) {
        self.topic = topic;
    }

    fn partition(&self) -> Option<i32> {
        self.partition
    }

    fn set_partition(&mut self, partition: Option<i32>) {
        self.partition = partition;
    }

    fn offset(&self, purpose: &str) -> Result<i64> {
        let class = "org.apache.kafka.connect.source.SourceRecord";
        Err(ConnectError::data(format!("Only SinkRecord supported for [{purpose}], found: {class}")))
    }
}

impl ConnectRecord for SinkRecord {
    parts!();

    fn set_topic(&mut self, topic: Arc<str>) {
        self.keep_original();
        self.topic = topic;
    }

    fn partition(&self) -> Option<i32> {
        Some(self.partition)
    }

    /// No partition leaves the record's own: a sink record always has one.
    fn set_partition(&mut self, partition: Option<i32>) {
        if let Some(partition) = partition {
            self.keep_original();
            self.partition = partition;
        }
    }

    fn offset(&self, _purpose: &str) -> Result<i64> {
        Ok(self.offset)
    }
}

/// Remembers where a record was read from before a transformation moves it.
trait KeepOriginal {
    fn keep_original(&mut self);
}

impl KeepOriginal for SinkRecord {
    fn keep_original(&mut self) {
        if self.original.is_none() {
            self.original = Some(Box::new(TopicPartition::new(self.topic.clone(), self.partition)));
        }
    }
}

/// A transformation, for records of both kinds (`Transformation<R extends ConnectRecord<R>>`).
pub(crate) trait Transform: Send + 'static {
    /// The record to go on with, or `None` to drop it.
    ///
    /// # Errors
    /// `Data` for a record that the transformation cannot take.
    fn apply<R: ConnectRecord>(&mut self, record: R) -> Result<Option<R>>;
}

/// What the worker applies.
pub(crate) fn boxed<T: Transform>(transform: T) -> Box<dyn Transformation> {
    Box::new(Applied(transform))
}

struct Applied<T>(T);

impl<T: Transform> Transformation for Applied<T> {
    fn apply_source(&mut self, record: SourceRecord) -> Result<Option<SourceRecord>> {
        self.0.apply(record)
    }

    fn apply_sink(&mut self, record: SinkRecord) -> Result<Option<SinkRecord>> {
        self.0.apply(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_records::{sink, source};

    #[test]
    fn a_moved_sink_record_knows_where_it_was_read() {
        let mut record = sink(None, Value::Null);
        record.set_topic("other".into());
        record.set_partition(Some(7));
        assert_eq!(*record.original_topic(), "topic".into());
        assert_eq!((record.original_partition(), record.partition), (0, 7));
    }

    #[test]
    fn only_sink_records_have_an_offset() {
        assert_eq!(sink(None, Value::Null).offset("x").unwrap(), 42);
        assert_eq!(
            source(None, Value::Null).offset("x").unwrap_err().to_string(),
            "Only SinkRecord supported for [x], found: org.apache.kafka.connect.source.SourceRecord"
        );
    }
}
