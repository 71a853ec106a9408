//! Change events for the tests of this module.

use std::sync::Arc;

use sluice_api::{OffsetMap, Result, Schema, SchemaBuilder, SourceRecord, Struct, Value};

use crate::test_records::transformation;

/// A row with an id and a name that has a default.
pub(super) fn row_schema() -> Schema {
    let name = SchemaBuilder::string().optional().default("default_str").build().unwrap();
    SchemaBuilder::structure()
        .name("dummy.Value")
        .field("id", Schema::INT8)
        .field("name", name)
        .optional()
        .build()
        .unwrap()
}

pub(super) fn row(id: i8, name: Option<&str>) -> Value {
    let row = Struct::new(row_schema()).unwrap().with("id", id).unwrap();
    row.with("name", name.map_or(Value::Null, Value::from)).unwrap().into()
}

/// The schema of the events of these rows.
pub(super) fn event_schema(row: &Schema) -> Schema {
    let source = SchemaBuilder::structure().field("lsn", Schema::INT32).field("ts_ms", Schema::OPTIONAL_INT64);
    let transaction = SchemaBuilder::structure().optional().field("id", Schema::STRING).build().unwrap();
    SchemaBuilder::structure()
        .name("dummy.Envelope")
        .version(1)
        .field("before", row.clone())
        .field("after", row.clone())
        .field("source", source.field("version", Schema::OPTIONAL_STRING).build().unwrap())
        .field("transaction", transaction)
        .field("op", Schema::STRING)
        .field("ts_ms", Schema::OPTIONAL_INT64)
        .build()
        .unwrap()
}

/// An event on the topic `dummy`, with the key `{id: 1}`.
pub(super) fn event(operation: &str, before: Value, after: Value) -> SourceRecord {
    event_of(&row_schema(), operation, before, after)
}

/// As [`event`], for rows of another schema.
pub(super) fn event_of(row: &Schema, operation: &str, before: Value, after: Value) -> SourceRecord {
    let schema = event_schema(row);
    let source = schema.field("source").unwrap().unwrap().schema().clone();
    let source = Struct::new(source).unwrap().with("lsn", 1234).unwrap().with("ts_ms", 588i64).unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("before", before).unwrap().with("after", after).unwrap();
    let value = value.with("source", source).unwrap().with("op", operation).unwrap().with("ts_ms", 1000i64).unwrap();
    keyed(Some(schema), value.into())
}

/// A record on the topic `dummy`, with the key `{id: 1}`.
pub(super) fn keyed(schema: Option<Schema>, value: Value) -> SourceRecord {
    let from = Arc::new(OffsetMap::single("server", "s"));
    let mut record = SourceRecord::new(from, OffsetMap::single("lsn", 1i64), "dummy".into(), schema, value);
    let key = SchemaBuilder::structure().name("dummy.Key").field("id", Schema::INT8).build().unwrap();
    record.key = Struct::new(key.clone()).unwrap().with("id", 1i8).unwrap().into();
    record.key_schema = Some(key);
    record
}

/// What a class makes of a record.
pub(super) fn apply(class: &str, config: &[(&str, &str)], record: SourceRecord) -> Result<Option<SourceRecord>> {
    transformation(&format!("io.debezium.transforms.{class}"), config)?.apply_source(record)
}

/// What is wrong with a configuration.
pub(super) fn mistake(class: &str, config: &[(&str, &str)]) -> String {
    transformation(&format!("io.debezium.transforms.{class}"), config).map(drop).unwrap_err().to_string()
}
