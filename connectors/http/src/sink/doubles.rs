//! Records for tests.

use sluice_api::{Headers, SinkRecord, TimestampType, Value};

/// What a test writes for a key or value: text, or `()` for null.
pub(crate) trait Given {
    fn value(self) -> Value;
}

impl Given for &str {
    fn value(self) -> Value {
        self.into()
    }
}

impl Given for String {
    fn value(self) -> Value {
        self.into()
    }
}

impl Given for () {
    fn value(self) -> Value {
        Value::Null
    }
}

/// A record of partition 0.
pub(crate) fn record(topic: &str, offset: i64, key: impl Given, value: impl Given) -> SinkRecord {
    SinkRecord {
        topic: topic.into(),
        partition: 0,
        offset,
        key_schema: None,
        key: key.value(),
        value_schema: None,
        value: value.value(),
        timestamp_ms: Some(0),
        timestamp_type: TimestampType::CreateTime,
        headers: Headers::new(),
        original: None,
    }
}
