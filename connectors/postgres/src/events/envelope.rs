//! The envelope around a row.

use std::time::{SystemTime, UNIX_EPOCH};

use bytestring::ByteString;
use sluice_api::{Result, Schema, SchemaBuilder, Struct, Value};

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Read,
    Create,
    Update,
    Delete,
    Truncate,
    Message,
}

impl Operation {
    /// The letter in `op`.
    pub(crate) const fn code(self) -> ByteString {
        ByteString::from_static(match self {
            Self::Read => "r",
            Self::Create => "c",
            Self::Update => "u",
            Self::Delete => "d",
            Self::Truncate => "t",
            Self::Message => "m",
        })
    }
}

/// The time at which an event is processed; read once per batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Nanoseconds since the epoch.
    nanos: i64,
}

impl Clock {
    /// Now.
    pub(crate) fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { nanos: i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX) }
    }

    /// Milliseconds since the epoch.
    pub(crate) const fn millis(self) -> i64 {
        self.nanos / 1_000_000
    }

    /// Microseconds since the epoch.
    pub(crate) const fn micros(self) -> i64 {
        self.nanos / 1000
    }
}

/// The schema of a table's envelope. The order of fields is part of the contract.
///
/// # Errors
/// Never: every attribute is set once.
pub(super) fn schema(name: String, row: &Schema, source: &Schema) -> Result<Schema> {
    SchemaBuilder::structure()
        .version(2)
        .name(name)
        .field("before", row.clone())
        .field("after", row.clone())
        .field("source", source.clone())
        .field("transaction", transaction_block()?)
        .field("op", Schema::STRING)
        .field("ts_ms", Schema::OPTIONAL_INT64)
        .field("ts_us", Schema::OPTIONAL_INT64)
        .field("ts_ns", Schema::OPTIONAL_INT64)
        .build()
}

/// The schema of `transaction`.
///
/// # Errors
/// Never: every attribute is set once.
pub(super) fn transaction_block() -> Result<Schema> {
    SchemaBuilder::structure()
        .optional()
        .name("event.block")
        .version(1)
        .field("id", Schema::STRING)
        .field("total_order", Schema::INT64)
        .field("data_collection_order", Schema::INT64)
        .build()
}

/// An envelope.
///
/// # Errors
/// `Data` when `schema` is no envelope's.
pub(super) fn value(
    schema: &Schema,
    before: Value,
    after: Value,
    source: Value,
    operation: Operation,
    clock: Clock,
) -> Result<Value> {
    let values = Box::new([
        before,
        after,
        source,
        Value::Null,
        Value::String(operation.code()),
        Value::Int64(clock.millis()),
        Value::Int64(clock.micros()),
        Value::Int64(clock.nanos),
    ]);
    Ok(Value::Struct(Struct::from_checked(schema.clone(), values as Box<[Value]>)?))
}
