//! For tests of this crate: a store in this process that can be told to misbehave, and records.

mod fake_store;

use std::sync::Arc;

use sluice_api::{Headers, Properties, Schema, SinkRecord, TimestampType, Value};

pub(crate) use fake_store::{FakeStore, Trouble};

/// The record `offset` of `t-0`.
pub(crate) fn record(offset: i64, schema: Option<Schema>, value: impl Into<Value>) -> SinkRecord {
    SinkRecord {
        topic: Arc::from("t"),
        partition: 0,
        offset,
        key_schema: None,
        key: Value::Null,
        value_schema: schema,
        value: value.into(),
        timestamp_ms: Some(1_427_979_845_006 + offset * 1000),
        timestamp_type: TimestampType::CreateTime,
        headers: Headers::new(),
        original: None,
    }
}

/// A sink of bytes into `store` with these keys beside.
pub(crate) fn sink_properties(store: &FakeStore, more: &[(&str, &str)]) -> Properties {
    let url = store.url();
    let least = [
        ("s3.bucket.name", "b"),
        ("store.url", url.as_str()),
        ("aws.access.key.id", "key"),
        ("aws.secret.access.key", "secret"),
        ("format.class", "io.confluent.connect.s3.format.bytearray.ByteArrayFormat"),
        ("storage.class", "io.confluent.connect.s3.storage.S3Storage"),
        ("flush.size", "3"),
        ("s3.part.retries", "0"),
    ];
    least.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
