//! The `source` block of every event.

use bytestring::ByteString;
use sluice_api::{Result, Schema, SchemaBuilder, Struct, Value};

use super::{DEBEZIUM_VERSION, Position};

/// What `source.snapshot` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotMarker {
    First,
    FirstInDataCollection,
    True,
    LastInDataCollection,
    Last,
    False,
}

impl SnapshotMarker {
    const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::FirstInDataCollection => "first_in_data_collection",
            Self::True => "true",
            Self::LastInDataCollection => "last_in_data_collection",
            Self::Last => "last",
            Self::False => "false",
        }
    }
}

/// Where `snapshot` is in the block, for the record that turns out to be the last.
const SNAPSHOT_FIELD: usize = 4;

/// Makes blocks; what is the same in all is made once.
#[derive(Clone, Debug)]
pub(crate) struct SourceBlock {
    schema: Schema,
    version: ByteString,
    connector: ByteString,
    server: ByteString,
    database: ByteString,
}

impl SourceBlock {
    /// A maker for the logical server `prefix` and the database.
    ///
    /// # Errors
    /// Never: every attribute of the schema is set once.
    pub(crate) fn new(prefix: &str, database: &str) -> Result<Self> {
        Ok(Self {
            schema: schema()?,
            version: ByteString::from_static(DEBEZIUM_VERSION),
            connector: ByteString::from_static("postgresql"),
            server: prefix.into(),
            database: database.into(),
        })
    }

    /// The schema.
    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The block of an event of a table at a position.
    ///
    /// # Errors
    /// Never: every field that is required is there.
    pub(crate) fn of(
        &self,
        marker: SnapshotMarker,
        position: &Position,
        schema: &ByteString,
        table: &ByteString,
    ) -> Result<Value> {
        let micros = position.ts_micros;
        let values = Box::new([
            Value::String(self.version.clone()),
            Value::String(self.connector.clone()),
            Value::String(self.server.clone()),
            Value::Int64(micros.div_euclid(1000)),
            Value::String(ByteString::from_static(marker.name())),
            Value::String(self.database.clone()),
            Value::String(sequence(position).into()),
            Value::Int64(micros),
            Value::Int64(micros.saturating_mul(1000)),
            Value::String(schema.clone()),
            Value::String(table.clone()),
            position.tx_id.map_or(Value::Null, Value::Int64),
            Value::Int64(position.lsn as i64),
            Value::Null,
            Value::Null,
            Value::Null,
        ]);
        Ok(Value::Struct(Struct::from_checked(self.schema.clone(), values as Box<[Value]>)?))
    }

    /// Changes what a block says of its place in the snapshot.
    ///
    /// # Errors
    /// When `block` is no such block.
    pub(crate) fn mark(block: Value, marker: SnapshotMarker) -> Result<Value> {
        let Value::Struct(block) = block else { return Ok(block) };
        let schema = block.schema().clone();
        let mut values = block.into_values();
        values[SNAPSHOT_FIELD] = Value::String(ByteString::from_static(marker.name()));
        Ok(Value::Struct(Struct::from_checked(schema, values)?))
    }
}

/// `["<last commit>","<this>"]`; numbers are signed as they are in offsets.
fn sequence(position: &Position) -> String {
    match position.lsn_commit {
        Some(commit) => format!("[\"{}\",\"{}\"]", commit as i64, position.lsn as i64),
        None => format!("[null,\"{}\"]", position.lsn as i64),
    }
}

fn schema() -> Result<Schema> {
    let snapshot = SchemaBuilder::string()
        .name("io.debezium.data.Enum")
        .version(1)
        .parameter("allowed", "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental")
        .optional()
        .default("false")
        .build()?;
    SchemaBuilder::structure()
        .name("io.debezium.connector.postgresql.Source")
        .version(1)
        .field("version", Schema::STRING)
        .field("connector", Schema::STRING)
        .field("name", Schema::STRING)
        .field("ts_ms", Schema::INT64)
        .field("snapshot", snapshot)
        .field("db", Schema::STRING)
        .field("sequence", Schema::OPTIONAL_STRING)
        .field("ts_us", Schema::OPTIONAL_INT64)
        .field("ts_ns", Schema::OPTIONAL_INT64)
        .field("schema", Schema::STRING)
        .field("table", Schema::STRING)
        .field("txId", Schema::OPTIONAL_INT64)
        .field("lsn", Schema::OPTIONAL_INT64)
        .field("xmin", Schema::OPTIONAL_INT64)
        .field("origin", Schema::OPTIONAL_STRING)
        .field("origin_lsn", Schema::OPTIONAL_INT64)
        .build()
}
