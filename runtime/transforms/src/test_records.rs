//! Records for the tests of this crate, and one way to apply a class to them.

use std::sync::Arc;

use sluice_api::{
    Headers, OffsetMap, Predicate, Properties, Result, Schema, SinkRecord, SourceRecord, TimestampType, Transformation,
    Value,
};

/// A source record with this value, from `{"file": "f"}` at 1, to `topic`, without key, partition and timestamp.
pub(crate) fn source(schema: Option<Schema>, value: Value) -> SourceRecord {
    let from = Arc::new(OffsetMap::single("file", "f"));
    SourceRecord::new(from, OffsetMap::single("at", 1i64), "topic".into(), schema, value)
}

/// A sink record with this value, read from `topic`, partition 0, offset 42, written at 1,700,000,000,123 ms.
pub(crate) fn sink(schema: Option<Schema>, value: Value) -> SinkRecord {
    SinkRecord {
        topic: "topic".into(),
        partition: 0,
        offset: 42,
        key_schema: None,
        key: Value::Null,
        value_schema: schema,
        value,
        timestamp_ms: Some(1_700_000_000_123),
        timestamp_type: TimestampType::CreateTime,
        headers: Headers::new(),
        original: None,
    }
}

/// The transformation of that class; a simple name means Kafka's package.
pub(crate) fn transformation(class: &str, config: &[(&str, &str)]) -> Result<Box<dyn Transformation>> {
    let plugins = crate::transformations();
    let plugin = plugins.iter().find(|plugin| {
        plugin.class() == class || plugin.class() == format!("org.apache.kafka.connect.transforms.{class}")
    });
    plugin.expect("a class of this crate").create(&properties(config))
}

/// The predicate of that class.
pub(crate) fn predicate(class: &str, config: &[(&str, &str)]) -> Result<Box<dyn Predicate>> {
    let plugins = crate::predicates();
    let plugin = plugins.iter().find(|plugin| plugin.class() == class);
    plugin.expect("a class of this crate").create(&properties(config))
}

/// What the class makes of a value that it keeps.
pub(crate) fn applied(
    class: &str,
    config: &[(&str, &str)],
    schema: Option<Schema>,
    value: impl Into<Value>,
) -> Result<(Option<Schema>, Value)> {
    let record = transformation(class, config)?.apply_sink(sink(schema, value.into()))?.expect("a record");
    Ok((record.value_schema, record.value))
}

/// The names of the headers in their order.
pub(crate) fn header_names(headers: &Headers) -> Vec<String> {
    headers.iter().map(|header| header.key.to_string()).collect()
}

/// A property map.
pub(crate) fn properties(config: &[(&str, &str)]) -> Properties {
    config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
