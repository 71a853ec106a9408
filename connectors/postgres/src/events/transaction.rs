//! `provide.transaction.metadata`: the `transaction` block of events, and a record where a transaction begins and ends.

use std::sync::Arc;

use bytestring::ByteString;
use sluice_api::{ConnectError, OffsetMap, Result, Schema, SchemaBuilder, SourceRecord, Struct, Value};

use super::{Position, envelope, record};

/// Where `transaction` is in an envelope, and in the value of a logical message.
const IN_ENVELOPE: usize = 3;

/// Counts the events of the transaction that is being read.
#[derive(Clone, Debug)]
pub(crate) struct Transactions {
    topic: Arc<str>,
    key_schema: Schema,
    value_schema: Schema,
    count_schema: Schema,
    block_schema: Schema,
    /// The transaction's number; empty between transactions.
    id: String,
    total: i64,
    /// Events by table, in the order in which the tables were met.
    counts: Vec<(Arc<str>, i64)>,
}

impl Transactions {
    /// Records to `topic`.
    ///
    /// # Errors
    /// Never: every attribute is set once.
    pub(crate) fn new(topic: &str) -> Result<Self> {
        let named = |name: &str| SchemaBuilder::structure().name(name).version(1);
        let count_schema = named("event.collection")
            .optional()
            .field("data_collection", Schema::STRING)
            .field("event_count", Schema::INT64)
            .build()?;
        let value_schema = named("io.debezium.connector.common.TransactionMetadataValue")
            .field("status", Schema::STRING)
            .field("id", Schema::STRING)
            .field("event_count", Schema::OPTIONAL_INT64)
            .field("data_collections", SchemaBuilder::array(count_schema.clone()).optional().build()?)
            .field("ts_ms", Schema::INT64)
            .build()?;
        Ok(Self {
            topic: topic.into(),
            key_schema: named("io.debezium.connector.common.TransactionMetadataKey")
                .field("id", Schema::STRING)
                .build()?,
            value_schema,
            count_schema,
            block_schema: envelope::transaction_block()?,
            id: String::new(),
            total: 0,
            counts: Vec::new(),
        })
    }

    /// A transaction begins; its record.
    ///
    /// # Errors
    /// Never: every required field is there.
    pub(crate) fn begin(&mut self, partition: &Arc<OffsetMap>, position: &Position) -> Result<SourceRecord> {
        self.id = position.tx_id.unwrap_or_default().to_string();
        (self.total, self.counts) = (0, Vec::new());
        self.record(partition, position, "BEGIN", Value::Null, Value::Null)
    }

    /// The transaction ends; its record.
    ///
    /// # Errors
    /// As for [`Transactions::begin`].
    pub(crate) fn end(&mut self, partition: &Arc<OffsetMap>, position: &Position) -> Result<SourceRecord> {
        let count = |(table, events): &(Arc<str>, i64)| {
            let values = vec![Value::from(&**table), Value::Int64(*events)];
            Ok(Value::Struct(Struct::from_checked(self.count_schema.clone(), values)?))
        };
        let counts = self.counts.iter().map(count).collect::<Result<_>>()?;
        let record = self.record(partition, position, "END", Value::Int64(self.total), Value::Array(counts));
        self.id.clear();
        record
    }

    fn record(
        &self,
        partition: &Arc<OffsetMap>,
        position: &Position,
        status: &'static str,
        events: Value,
        counts: Value,
    ) -> Result<SourceRecord> {
        let id = self.id_at(position);
        let millis = Value::Int64(position.ts_micros.div_euclid(1000));
        let values = vec![Value::String(ByteString::from_static(status)), id.clone(), events, counts, millis];
        let value = Value::Struct(Struct::from_checked(self.value_schema.clone(), values)?);
        let key = Value::Struct(Struct::from_checked(self.key_schema.clone(), vec![id])?);
        let key = (Some(self.key_schema.clone()), key);
        Ok(record(partition, position, &self.topic, key, (self.value_schema.clone(), value)))
    }

    /// Counts events of `table` that were just made and gives them their block. Tombstones are no events, and what happens outside of
    /// transactions has none.
    ///
    /// # Errors
    /// When a record is no event.
    pub(crate) fn note(&mut self, table: &Arc<str>, position: &Position, records: &mut [SourceRecord]) -> Result<()> {
        if self.id.is_empty() {
            return Ok(());
        }
        for record in records {
            let Value::Struct(event) = std::mem::take(&mut record.value) else { continue };
            let schema = event.schema().clone();
            let mut values = event.into_values();
            let block = self.count(table, position)?;
            *values.get_mut(IN_ENVELOPE).ok_or_else(|| ConnectError::data("an event without transaction block"))? =
                block;
            record.value = Value::Struct(Struct::from_checked(schema, values)?);
        }
        Ok(())
    }

    fn count(&mut self, table: &Arc<str>, position: &Position) -> Result<Value> {
        self.total += 1;
        let at = match self.counts.iter().position(|(known, _)| known == table) {
            Some(at) => at,
            None => {
                self.counts.push((table.clone(), 0));
                self.counts.len() - 1
            }
        };
        self.counts[at].1 += 1;
        let values = vec![self.id_at(position), Value::Int64(self.total), Value::Int64(self.counts[at].1)];
        Ok(Value::Struct(Struct::from_checked(self.block_schema.clone(), values)?))
    }

    /// The transaction's number and where it is read, as Debezium has it.
    fn id_at(&self, position: &Position) -> Value {
        Value::from(format!("{}:{}", self.id, position.lsn as i64))
    }
}
