//! Records from and to typed JSON. The source partition is `{"p":"x"}` and the source offset `{"o":1}`, as in the oracle.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::{Value as Json, json};
use sluice_api::{Headers, OffsetMap, Schema, SinkRecord, SourceRecord, TimestampType, TopicPartition, Value};

use super::schema_json::{schema_from_json, schema_to_json};
use super::value_json::{value_from_json, value_to_json};

const TIMESTAMP_TYPES: [(TimestampType, &str); 3] = [
    (TimestampType::NoTimestampType, "NO_TIMESTAMP_TYPE"),
    (TimestampType::CreateTime, "CREATE_TIME"),
    (TimestampType::LogAppendTime, "LOG_APPEND_TIME"),
];

/// The source record in `json`.
///
/// # Errors
/// When it is not in the format.
pub fn source_from_json(json: &Json) -> Result<SourceRecord> {
    let (value_schema, value) = pair(json, "value")?;
    let (key_schema, key) = pair(json, "key")?;
    let partition = Arc::new(OffsetMap::single("p", "x"));
    let mut record =
        SourceRecord::new(partition, OffsetMap::single("o", 1i64), topic(json, "topic")?, value_schema, value);
    record.partition = partition_of(json, "partition")?;
    record.key_schema = key_schema;
    record.key = key;
    record.timestamp_ms = json["timestamp"].as_i64();
    record.headers = headers(json)?;
    Ok(record)
}

/// The sink record in `json`.
///
/// # Errors
/// When it is not in the format.
pub fn sink_from_json(json: &Json) -> Result<SinkRecord> {
    let (value_schema, value) = pair(json, "value")?;
    let (key_schema, key) = pair(json, "key")?;
    let topic_now = topic(json, "topic")?;
    let partition = partition_of(json, "partition")?.context("a sink record has a partition")?;
    let named = json["timestampType"].as_str().unwrap_or("NO_TIMESTAMP_TYPE");
    let timestamp_type = TIMESTAMP_TYPES.iter().find(|(_, name)| *name == named).context("a timestamp type")?.0;
    let original = TopicPartition {
        topic: topic(json, "originalTopic").unwrap_or_else(|_| topic_now.clone()),
        partition: partition_of(json, "originalPartition")?.unwrap_or(partition),
    };
    let moved = original.topic != topic_now || original.partition != partition;
    Ok(SinkRecord {
        topic: topic_now,
        partition,
        offset: json["offset"].as_i64().unwrap_or(0),
        key_schema,
        key,
        value_schema,
        value,
        timestamp_ms: json["timestamp"].as_i64(),
        timestamp_type,
        headers: headers(json)?,
        original: moved.then(|| Box::new(original)),
    })
}

fn topic(json: &Json, key: &str) -> Result<Arc<str>> {
    Ok(json[key].as_str().with_context(|| format!("a record without {key}"))?.into())
}

fn partition_of(json: &Json, key: &str) -> Result<Option<i32>> {
    json[key].as_i64().map(i32::try_from).transpose().context("a partition beyond 32 bit")
}

fn pair(json: &Json, key: &str) -> Result<(Option<Schema>, Value)> {
    let schema = schema_from_json(&json[format!("{key}Schema")])?;
    let value = value_from_json(&json[key], schema.as_ref())?;
    Ok((schema, value))
}

fn headers(json: &Json) -> Result<Headers> {
    let mut headers = Headers::new();
    for header in json["headers"].as_array().into_iter().flatten() {
        let schema = schema_from_json(&header["schema"])?;
        let value = value_from_json(&header["value"], schema.as_ref())?;
        headers.add(header["key"].as_str().context("a header without key")?, schema, value)?;
    }
    Ok(headers)
}

/// Typed JSON of a source record.
///
/// # Errors
/// When its source partition or source offset is not the one that [`source_from_json`] gave it.
pub fn source_to_json(record: &SourceRecord) -> Result<Json> {
    if *record.source_partition != OffsetMap::single("p", "x") || record.source_offset != OffsetMap::single("o", 1i64) {
        bail!("source partition or offset changed: {:?} {:?}", record.source_partition, record.source_offset);
    }
    let mut json = json!({"kind": "source", "topic": *record.topic, "partition": record.partition});
    parts(&mut json, (&record.key_schema, &record.key), (&record.value_schema, &record.value));
    json["timestamp"] = json!(record.timestamp_ms);
    json["headers"] = headers_to_json(&record.headers);
    Ok(json)
}

/// Typed JSON of a sink record.
pub fn sink_to_json(record: &SinkRecord) -> Json {
    let mut json = json!({"kind": "sink", "topic": *record.topic, "partition": record.partition});
    parts(&mut json, (&record.key_schema, &record.key), (&record.value_schema, &record.value));
    json["timestamp"] = json!(record.timestamp_ms);
    json["headers"] = headers_to_json(&record.headers);
    json["offset"] = json!(record.offset);
    let named = TIMESTAMP_TYPES.iter().find(|(timestamp_type, _)| *timestamp_type == record.timestamp_type);
    json["timestampType"] = json!(named.map(|(_, name)| name));
    json["originalTopic"] = json!(**record.original_topic());
    json["originalPartition"] = json!(record.original_partition());
    json
}

fn parts(json: &mut Json, key: (&Option<Schema>, &Value), value: (&Option<Schema>, &Value)) {
    json["keySchema"] = schema_to_json(key.0.as_ref());
    json["key"] = value_to_json(key.1, key.0.as_ref());
    json["valueSchema"] = schema_to_json(value.0.as_ref());
    json["value"] = value_to_json(value.1, value.0.as_ref());
}

fn headers_to_json(headers: &Headers) -> Json {
    let header = |header: &sluice_api::Header| {
        let schema = schema_to_json(header.schema.as_ref());
        let value = value_to_json(&header.value, header.schema.as_ref());
        json!({"key": &*header.key, "schema": schema, "value": value})
    };
    headers.iter().map(header).collect()
}
