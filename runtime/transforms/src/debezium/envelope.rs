//! The change event of Debezium's connectors: which records are one, and what is in it.

use sluice_api::data::Field;
use sluice_api::{ConnectError, Result, Schema};

/// The row before the change.
pub(super) const BEFORE: &str = "before";
/// The row after the change.
pub(super) const AFTER: &str = "after";
/// The kind of change: `c`, `u`, `d`, `r`, `t`, `m`.
pub(super) const OPERATION: &str = "op";
/// `op` of a deleted row.
pub(super) const DELETE: &str = "d";
/// `op` of a changed row.
pub(super) const UPDATE: &str = "u";
/// When the connector saw the change, in milliseconds.
pub(super) const TIMESTAMP: &str = "ts_ms";

const SUFFIX: &str = ".Envelope";

/// Whether a value with this schema is a change event: its name says so. Heartbeats and schema changes are none.
pub(super) fn is_envelope(schema: Option<&Schema>) -> bool {
    schema.and_then(Schema::name).is_some_and(|name| name.ends_with(SUFFIX))
}

/// The schema name of the change events of a topic.
pub(super) fn schema_name(topic: &str) -> String {
    format!("{topic}{SUFFIX}")
}

/// A field that a change event has.
///
/// # Errors
/// `Data` in the words of Kafka's `ExtractField`, which Debezium uses for it.
pub(super) fn known_field<'a>(schema: &'a Schema, name: &str) -> Result<&'a Field> {
    schema.field(name)?.ok_or_else(|| ConnectError::data(format!("Unknown field: {name}")))
}
