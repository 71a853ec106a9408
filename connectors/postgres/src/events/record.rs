//! How a record is put together from its parts.

use std::sync::Arc;

use sluice_api::{OffsetMap, Schema, SourceRecord, Value};

use super::Position;

/// A record at a position; key and value come with their schemas.
pub(crate) fn record(
    partition: &Arc<OffsetMap>,
    position: &Position,
    topic: &Arc<str>,
    (key_schema, key): (Option<Schema>, Value),
    (value_schema, value): (Schema, Value),
) -> SourceRecord {
    let mut record =
        SourceRecord::new(partition.clone(), position.to_offset(), topic.clone(), Some(value_schema), value);
    record.key_schema = key_schema;
    record.key = key;
    record
}
