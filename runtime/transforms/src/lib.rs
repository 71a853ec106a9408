//! The built-in transformations and predicates, under Apache Kafka's and Debezium's class names.
//!
//! The binary registers them through [`transformations`] and [`predicates`]; the worker applies them one record at a time between
//! connector and converter. They are plain functions without IO. A record that a transformation cannot take is a `Data` error:
//! the error policy decides what becomes of it (Invariant 3).
//!
//! | class | what it does |
//! | --- | --- |
//! | `Cast`, `TimestampConverter` | other types for fields or the whole |
//! | `InsertField`, `ReplaceField`, `MaskField`, `Flatten`, `HoistField`, `ExtractField` | fields added, left out, renamed, hidden, moved |
//! | `ValueToKey`, `HeaderFrom`, `InsertHeader`, `DropHeaders` | between value, key and headers |
//! | `RegexRouter`, `TimestampRouter` | other topics |
//! | `SetSchemaMetadata`, `Filter` | names of schemas; no record |
//! | `HasHeaderKey`, `RecordIsTombstone`, `TopicNameMatches` | predicates |
//! | `io.debezium.transforms.ExtractNewRecordState` | the row of a change event |
//! | `io.debezium.transforms.ByLogicalTableRouter` | tables that share a topic |
//! | `io.debezium.transforms.outbox.EventRouter` | events of an outbox table |
//!
//! A transformation is a file of its own: its keys, a `Transform` that works on records of both kinds, and its plugins.

mod cast;
mod debezium;
mod drop_headers;
mod extract_field;
mod field_path;
mod filter;
mod flatten;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod header_from;
mod hoist_field;
mod insert_field;
mod insert_header;
mod mask_field;
mod null_default;
mod plugin;
mod predicates;
mod record;
mod regex_router;
mod replace_field;
mod requirements;
mod schema_basics;
mod schema_cache;
mod set_schema_metadata;
mod simple_date_format;
mod timestamp_converter;
mod timestamp_router;
mod value_to_key;

use sluice_api::{PredicatePlugin, TransformationPlugin};

use plugin::{BuiltIn, BuiltInPredicate};

/// Every transformation of this crate.
pub fn transformations() -> Vec<Box<dyn TransformationPlugin>> {
    let mut plugins: Vec<BuiltIn> = Vec::new();
    plugins.extend(cast::PLUGINS);
    plugins.extend(drop_headers::PLUGINS);
    plugins.extend(extract_field::PLUGINS);
    plugins.extend(filter::PLUGINS);
    plugins.extend(flatten::PLUGINS);
    plugins.extend(header_from::PLUGINS);
    plugins.extend(hoist_field::PLUGINS);
    plugins.extend(insert_field::PLUGINS);
    plugins.extend(insert_header::PLUGINS);
    plugins.extend(mask_field::PLUGINS);
    plugins.extend(regex_router::PLUGINS);
    plugins.extend(replace_field::PLUGINS);
    plugins.extend(set_schema_metadata::PLUGINS);
    plugins.extend(timestamp_converter::PLUGINS);
    plugins.extend(timestamp_router::PLUGINS);
    plugins.extend(value_to_key::PLUGINS);
    let kafka = plugins.into_iter().map(|plugin| Box::new(plugin) as Box<dyn TransformationPlugin>);
    let debezium = debezium::PLUGINS.into_iter().map(|plugin| Box::new(plugin) as Box<dyn TransformationPlugin>);
    kafka.chain(debezium).collect()
}

/// Every predicate of this crate.
pub fn predicates() -> Vec<Box<dyn PredicatePlugin>> {
    let plugins: Vec<BuiltInPredicate> = predicates::plugins();
    plugins.into_iter().map(|plugin| Box::new(plugin) as Box<dyn PredicatePlugin>).collect()
}

#[cfg(test)]
mod test_records;
