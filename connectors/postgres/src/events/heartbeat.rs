//! Heartbeats: they carry the offset on while nothing is captured.

use std::sync::Arc;

use sluice_api::{OffsetMap, Result, Schema, SchemaBuilder, SourceRecord, Struct, Value};

use super::{Clock, Position, record};

/// Makes heartbeat records.
#[derive(Clone, Debug)]
pub(crate) struct Heartbeat {
    topic: Arc<str>,
    key_schema: Schema,
    key: Struct,
    value_schema: Schema,
}

impl Heartbeat {
    /// Records of the logical server `prefix` to `topic`.
    ///
    /// # Errors
    /// Never: every attribute is set once.
    pub(crate) fn new(topic: &str, prefix: &str) -> Result<Self> {
        let key_schema = SchemaBuilder::structure()
            .name("io.debezium.connector.common.ServerNameKey")
            .version(1)
            .field("serverName", Schema::STRING)
            .build()?;
        let value_schema = SchemaBuilder::structure()
            .name("io.debezium.connector.common.Heartbeat")
            .version(1)
            .field("ts_ms", Schema::INT64)
            .build()?;
        let key = Struct::from_checked(key_schema.clone(), vec![Value::from(prefix)])?;
        Ok(Self { topic: topic.into(), key_schema, key, value_schema })
    }

    /// A heartbeat at a position.
    ///
    /// # Errors
    /// Never: every required field is there.
    pub(crate) fn record(&self, partition: &Arc<OffsetMap>, position: &Position) -> Result<SourceRecord> {
        let value = Struct::from_checked(self.value_schema.clone(), vec![Value::Int64(Clock::now().millis())])?;
        let key = (Some(self.key_schema.clone()), Value::Struct(self.key.clone()));
        Ok(record(partition, position, &self.topic, key, (self.value_schema.clone(), Value::Struct(value))))
    }
}
