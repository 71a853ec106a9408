//! A version of a table: its schemas, and rows as values of them.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder, Struct, Value};
use tracing::warn;

use super::envelope::{self, Clock, Operation};
use super::{Position, SnapshotMarker, SourceBlock};
use crate::catalog::{TableName, TypeKind, Types};
use crate::config::PostgresConfig;
use crate::values::{ColumnMapping, Converter, Mapping, SourceType, Unreadable, default_text, form};

/// What is known of a column before it has a schema.
#[derive(Clone, Debug)]
pub(crate) struct ColumnSource {
    pub(crate) name: String,
    pub(crate) type_oid: u32,
    pub(crate) type_modifier: i32,
    pub(crate) optional: bool,
    pub(crate) default: Option<String>,
}

/// A column that has a field.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    converter: Converter,
    optional: bool,
    /// What stands for a value that is not known in a required field.
    missing: Value,
    /// What stands for an unchanged value that the server did not send.
    placeholder: Option<Value>,
}

/// Schemas and converters of a table as it was at some time.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: TableName,
    /// `schema.table`.
    pub(crate) id: Arc<str>,
    pub(crate) topic: Arc<str>,
    pub(crate) key_schema: Option<Schema>,
    pub(crate) envelope: Schema,
    schema_name: ByteString,
    table_name: ByteString,
    row: Schema,
    /// One per column of the tuple; `None` for a column without field.
    columns: Vec<Option<Column>>,
    /// The fields of the key, as numbers of fields of the row.
    key_fields: Vec<usize>,
    fields: usize,
    /// What is masked, hashed or cut, by field.
    mappings: Vec<(usize, ColumnMapping)>,
}

/// Why a row has no value.
#[derive(Debug)]
pub(crate) enum MissingValue {
    /// The column of that name is null, but the catalog says that it cannot be: it was changed since.
    Null(String),
    /// The row cannot be read.
    Error(ConnectError),
}

impl From<ConnectError> for MissingValue {
    fn from(error: ConnectError) -> Self {
        Self::Error(error)
    }
}

impl Table {
    /// The version of a table with these columns.
    ///
    /// # Errors
    /// `Data` when no schema can be made of them, for example when two have the same name.
    pub(crate) fn new(
        config: &PostgresConfig,
        source: &SourceBlock,
        types: &Types,
        name: &TableName,
        columns: &[ColumnSource],
        key: &[String],
    ) -> Result<Self> {
        let topic = config.topic(&name.schema, &name.name);
        let mut row = SchemaBuilder::structure().name(config.schema_name(&format!("{topic}.Value")));
        let (mut list, mut fields) = (Vec::with_capacity(columns.len()), Vec::new());
        let mut mappings = Vec::new();
        let key = config.key_columns.of(name).unwrap_or(key);
        for column in columns {
            let included = config.columns.matches(name, &column.name);
            let made = if included { make(config, types, column)? } else { None };
            if let Some((_, schema)) = &made {
                let mut noted = schema.clone();
                let declared = declared_type(types, column);
                if let Some(rule) = config.mappings.of(name, &column.name, declared) {
                    let (base, mapping) = mapping(types, column, rule);
                    if *rule == Mapping::SourceType {
                        let modifier = if base.0 == column.type_oid { column.type_modifier } else { base.1 };
                        let base = types.get(base.0).map_or("", |info| info.name.as_str());
                        let told = SourceType::of(declared, base, modifier);
                        noted = told.note(SchemaBuilder::like(schema), &column.name).build()?;
                    } else {
                        noted = mapping.note(SchemaBuilder::like(schema)).build()?;
                    }
                    if mapping.passes_values() {
                        warn!(table = %name, column = %column.name, "not masked: only character types are, as in Debezium");
                    }
                    if *rule != Mapping::SourceType {
                        mappings.push((fields.len(), mapping));
                    }
                }
                row = row.field(column.name.as_str(), noted);
                fields.push((column.name.as_str(), schema.clone()));
            }
            list.push(made.map(|(column, _)| column));
        }
        let row = row.optional().build()?;
        let place = |name: &String| fields.iter().position(|(field, _)| field == name);
        let asked_for = config.key_columns.of(name).is_some();
        let is_wanted = |column: &&String| asked_for || !config.columns.matches(name, column);
        if let Some(missing) = key.iter().filter(is_wanted).find(|column| place(column).is_none()) {
            return Err(ConnectError::connect(format!(
                "column `{missing}` of the key of table {name} has no field: it is left out by `column.include.list` or \
                 `column.exclude.list`, is of a type that is not known, or does not exist"
            )));
        }
        let key_fields: Vec<usize> = key.iter().filter_map(place).collect();
        let key_schema = if key_fields.is_empty() {
            None
        } else {
            let builder = SchemaBuilder::structure().name(config.schema_name(&format!("{topic}.Key")));
            Some(key_fields.iter().fold(builder, |b, at| b.field(fields[*at].0, fields[*at].1.clone())).build()?)
        };
        Ok(Self {
            name: name.clone(),
            id: name.to_string().into(),
            envelope: envelope::schema(config.schema_name(&format!("{topic}.Envelope")), &row, source.schema())?,
            schema_name: name.schema.as_str().into(),
            table_name: name.name.as_str().into(),
            topic,
            key_schema,
            fields: fields.len(),
            mappings,
            row,
            columns: list,
            key_fields,
        })
    }

    /// The number of columns of a tuple.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// The value in column `at` of a new row; `None` when the column has no field.
    ///
    /// # Errors
    /// See [`MissingValue`].
    pub(crate) fn read(&self, at: usize, text: Option<&[u8]>, owner: &Bytes) -> Result<Option<Value>, MissingValue> {
        let Some(column) = self.columns.get(at).and_then(Option::as_ref) else { return Ok(None) };
        match text {
            Some(text) => Ok(Some(self.convert(column, text, owner)?)),
            None if column.optional => Ok(Some(Value::Null)),
            None => Err(MissingValue::Null(column.name.clone())),
        }
    }

    /// As [`Table::read`], for an old row, in which columns outside of the replica identity are null.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub(crate) fn read_old(&self, at: usize, text: Option<&[u8]>, owner: &Bytes) -> Result<Option<Value>> {
        let Some(column) = self.columns.get(at).and_then(Option::as_ref) else { return Ok(None) };
        Ok(Some(match text {
            Some(text) => self.convert(column, text, owner)?,
            None if column.optional => Value::Null,
            None => column.missing.clone(),
        }))
    }

    /// What stands for an unchanged value in column `at`; `None` when the column has no field.
    pub(crate) fn unavailable(&self, at: usize) -> Option<Value> {
        let column = self.columns.get(at)?.as_ref()?;
        Some(
            column
                .placeholder
                .clone()
                .unwrap_or_else(|| if column.optional { Value::Null } else { column.missing.clone() }),
        )
    }

    fn convert(&self, column: &Column, text: &[u8], owner: &Bytes) -> Result<Value> {
        match column.converter.convert(text, owner) {
            Ok(Value::Null) if !column.optional => Ok(column.missing.clone()),
            Ok(value) => Ok(value),
            Err(error) => Err(self.unreadable(column, &error)),
        }
    }

    #[cold]
    fn unreadable(&self, column: &Column, error: &Unreadable) -> ConnectError {
        // Invariant 3: a value that cannot be represented is not left out. The value itself is not logged anywhere else.
        ConnectError::data(format!("column `{}` of table {}: {error}", column.name, self.name))
    }

    /// Room for the values of a row.
    pub(crate) fn values(&self) -> Vec<Value> {
        Vec::with_capacity(self.fields)
    }

    /// The values of a row, one per field, as a struct.
    ///
    /// # Errors
    /// `Data` when a value is missing.
    pub(crate) fn row(&self, mut values: Vec<Value>) -> Result<Value> {
        for (field, mapping) in &self.mappings {
            if let Some(value) = values.get_mut(*field) {
                // Invariant 9: what cannot be masked does not go out.
                let hidden = mapping.apply(std::mem::take(value));
                *value = hidden.ok_or_else(|| {
                    ConnectError::data(format!("a column of table {} cannot be hashed with this algorithm", self.name))
                })?;
            }
        }
        Ok(Value::Struct(Struct::from_checked(self.row.clone(), values)?))
    }

    /// The key of a row; null without key columns.
    ///
    /// # Errors
    /// `Data` when a value is missing.
    pub(crate) fn key(&self, values: &[Value]) -> Result<Value> {
        let Some(schema) = &self.key_schema else { return Ok(Value::Null) };
        let value = |at: &usize| values.get(*at).cloned().unwrap_or(Value::Null);
        let key: Box<[Value]> = self.key_fields.iter().map(value).collect();
        Ok(Value::Struct(Struct::from_checked(schema.clone(), key)?))
    }

    /// The envelope of an event.
    ///
    /// # Errors
    /// Never: every required field is there.
    pub(crate) fn event(
        &self,
        rows: (Value, Value),
        operation: Operation,
        source: &SourceBlock,
        marker: SnapshotMarker,
        position: &Position,
        clock: Clock,
    ) -> Result<Value> {
        let block = source.of(marker, position, &self.schema_name, &self.table_name)?;
        envelope::value(&self.envelope, rows.0, rows.1, block, operation, clock)
    }

    /// The envelope of a row whose place in the snapshot has changed.
    ///
    /// # Errors
    /// `Data` when `event` is no envelope of this table.
    pub(crate) fn marked(event: Value, marker: SnapshotMarker) -> Result<Value> {
        let Value::Struct(event) = event else { return Ok(event) };
        let schema = event.schema().clone();
        let mut values = event.into_values();
        values[2] = SourceBlock::mark(std::mem::take(&mut values[2]), marker)?;
        Ok(Value::Struct(Struct::from_checked(schema, values)?))
    }
}

/// The name of a column's type; a number with a sequence is a serial, as the JDBC driver has it.
fn declared_type<'a>(types: &'a Types, column: &ColumnSource) -> &'a str {
    let name = types.get(column.type_oid).map_or("", |info| info.name.as_str());
    let is_serial = column.default.as_deref().is_some_and(|default| default.contains("nextval("));
    match name {
        "int2" if is_serial => "smallserial",
        "int4" if is_serial => "serial",
        "int8" if is_serial => "bigserial",
        name => name,
    }
}

/// The type that a column is made of at last with its modifier, and the rule as it applies to that.
fn mapping(types: &Types, column: &ColumnSource, rule: &Mapping) -> ((u32, i32), ColumnMapping) {
    let (mut oid, mut modifier) = (column.type_oid, column.type_modifier);
    while let Some(info) = types.get(oid).filter(|info| info.kind == TypeKind::Domain) {
        (oid, modifier) = (info.base, info.base_modifier);
    }
    let info = types.get(oid);
    let name = info.map_or("", |info| info.name.as_str());
    ((oid, modifier), ColumnMapping::new(rule, name, info.is_some_and(|info| info.kind == TypeKind::Enum), modifier))
}

/// The column and the schema of its field; `None` when its type has none.
fn make(config: &PostgresConfig, types: &Types, source: &ColumnSource) -> Result<Option<(Column, Schema)>> {
    let Some(form) = form(types, source.type_oid, source.type_modifier, &config.modes) else { return Ok(None) };
    let mut builder = SchemaBuilder::like(&form.schema);
    if source.optional {
        builder = builder.optional();
    }
    let default = default_value(types, source, &form.converter);
    let mut missing = form.fallback;
    if let Some(default) = default {
        // A default that the schema does not take is none, as in Debezium.
        let with_default = SchemaBuilder::like(&form.schema);
        let with_default = if source.optional { with_default.optional() } else { with_default };
        if let Ok(schema) = with_default.default(default.clone()).build() {
            builder = SchemaBuilder::like(&schema);
            missing = default;
        }
    }
    let schema = builder.build()?;
    let column = Column {
        name: source.name.clone(),
        converter: form.converter.with_schema(&schema),
        optional: source.optional || schema.is_optional(),
        missing,
        placeholder: config.modes.placeholder.of(&schema),
    };
    Ok(Some((column, schema)))
}

fn default_value(types: &Types, source: &ColumnSource, converter: &Converter) -> Option<Value> {
    let info = types.get(source.type_oid)?;
    let text = default_text(&info.name, info.kind == TypeKind::Enum, source.default.as_deref()?)?;
    let text = Bytes::from(text);
    let value = converter.convert(&text, &text).ok()?;
    (!matches!(value, Value::Struct(_) | Value::Null)).then_some(value)
}
