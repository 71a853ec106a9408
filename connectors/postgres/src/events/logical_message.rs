//! Messages of `pg_logical_emit_message`.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use sluice_api::{OffsetMap, Result, Schema, SchemaBuilder, SourceRecord, Struct, Value};

use super::envelope::{self, Clock, Operation};
use super::{Position, SnapshotMarker, SourceBlock, record};
use crate::values::{BinaryMode, Converter};

/// Makes records of logical messages.
#[derive(Clone, Debug)]
pub(crate) struct LogicalMessages {
    topic: Arc<str>,
    binary: BinaryMode,
    key_schema: Schema,
    block_schema: Schema,
    value_schema: Schema,
}

impl LogicalMessages {
    /// Records to `topic`, whose content is represented as `binary` says.
    ///
    /// # Errors
    /// Never: every attribute is set once.
    pub(crate) fn new(topic: Arc<str>, binary: BinaryMode, source: &SourceBlock) -> Result<Self> {
        let named = |suffix: &str| {
            SchemaBuilder::structure().name(format!("io.debezium.connector.postgresql.{suffix}")).version(1)
        };
        let content = if binary == BinaryMode::Bytes { Schema::OPTIONAL_BYTES } else { Schema::OPTIONAL_STRING };
        let key_schema = named("MessageKey").field("prefix", Schema::OPTIONAL_STRING).build()?;
        let block_schema =
            named("Message").field("prefix", Schema::OPTIONAL_STRING).field("content", content).build()?;
        let value_schema = named("MessageValue")
            .field("op", Schema::STRING)
            .field("ts_ms", Schema::OPTIONAL_INT64)
            .field("source", source.schema().clone())
            .field("transaction", envelope::transaction_block()?)
            .field("message", block_schema.clone())
            .build()?;
        Ok(Self { topic, binary, key_schema, block_schema, value_schema })
    }

    /// The record of a message.
    ///
    /// # Errors
    /// Never: every required field is there.
    pub(crate) fn record(
        &self,
        partition: &Arc<OffsetMap>,
        position: &Position,
        source: &SourceBlock,
        prefix: &str,
        content: &Bytes,
    ) -> Result<SourceRecord> {
        let prefix = Value::from(prefix);
        let content = match self.binary {
            BinaryMode::Bytes => Value::Bytes(content.clone()),
            mode => Converter::Opaque(mode).convert(content, content).unwrap_or(Value::Null),
        };
        let empty = ByteString::new();
        let block = Struct::from_checked(self.block_schema.clone(), vec![prefix.clone(), content])?;
        let value = vec![
            Value::String(Operation::Message.code()),
            Value::Int64(Clock::now().millis()),
            source.of(SnapshotMarker::False, position, &empty, &empty)?,
            Value::Null,
            Value::Struct(block),
        ];
        let value = Struct::from_checked(self.value_schema.clone(), value)?;
        let key = Struct::from_checked(self.key_schema.clone(), vec![prefix])?;
        let key = (Some(self.key_schema.clone()), Value::Struct(key));
        Ok(record(partition, position, &self.topic, key, (self.value_schema.clone(), Value::Struct(value))))
    }
}
