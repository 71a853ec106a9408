//! `ExtractNewRecordState`: of a change event, only the row after the change goes on, with what else of the event is asked for.

mod added_field;
mod config;
mod dropped_fields;

use bytestring::ByteString;
use sluice_api::{ConnectError, Headers, Result, Schema, SchemaBuilder, Struct, Value};

use self::added_field::{AddedField, Source};
use self::config::Config;
use self::dropped_fields::DroppedFields;
use super::envelope::{self, AFTER, BEFORE, DELETE, OPERATION};
use super::plugin::DebeziumPlugin;
use crate::null_default::NullDefault;
use crate::record::{ConnectRecord, Part, Transform, boxed};
use crate::requirements::{require_struct, require_struct_ref};
use crate::schema_basics::copy_basics;
use crate::schema_cache::SchemaCache;

pub(super) const PLUGIN: DebeziumPlugin = DebeziumPlugin {
    class: "io.debezium.transforms.ExtractNewRecordState",
    definition: config::definition,
    create: |properties| Config::of(properties).map(ExtractNewRecordState::new).map(boxed),
};

const PURPOSE: &str = "source field insertion";
const DELETED: &str = "__deleted";
/// Schemas that are remembered with what they become, as many as in Debezium (`SCHEMA_CACHE_SIZE`): one for each table.
const REMEMBERED: usize = 64;

/// What becomes of deleted rows and of the tombstones after them (`delete.tombstone.handling.mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DeleteHandling {
    /// Both are dropped.
    Drop,
    /// The deleted row becomes a tombstone with a schema; the tombstone is dropped.
    Tombstone,
    /// The deleted row goes on, marked; the tombstone is dropped.
    Rewrite,
    /// The deleted row goes on, marked, and so does the tombstone.
    RewriteWithTombstone,
    /// The deleted row becomes a tombstone; the tombstone is dropped.
    DeleteToTombstone,
}

struct ExtractNewRecordState {
    config: Config,
    header_sources: SchemaCache<Vec<Option<Source>>>,
    field_sources: SchemaCache<Vec<Option<Source>>>,
    marked: SchemaCache<Schema>,
    extended: SchemaCache<Extended>,
    dropped: Option<DroppedFields>,
}

/// A row's schema with the added fields of the events of one schema.
struct Extended {
    event: Schema,
    row: Schema,
}

impl ExtractNewRecordState {
    fn new(config: Config) -> Self {
        let dropped = config.drop_fields_header.clone().map(|header| {
            DroppedFields::new(header, config.drop_fields_from_key, config.drop_fields_keep_schema_compatible)
        });
        Self {
            config,
            header_sources: SchemaCache::of_capacity(REMEMBERED),
            field_sources: SchemaCache::of_capacity(REMEMBERED),
            marked: SchemaCache::of_capacity(REMEMBERED),
            extended: SchemaCache::of_capacity(REMEMBERED),
            dropped,
        }
    }

    fn rewrites(&self) -> bool {
        matches!(self.config.delete_handling, DeleteHandling::Rewrite | DeleteHandling::RewriteWithTombstone)
    }

    fn add_headers<R: ConnectRecord>(&mut self, record: &mut R) -> Result<()> {
        let mut added = Headers::new();
        match record.value(Part::Value) {
            Value::Null => {
                for field in self.config.headers.iter().filter(|field| field.field == OPERATION) {
                    added.add(field.name.clone(), Some(Schema::STRING), DELETE.into())?;
                }
            }
            event => {
                let event = require_struct_ref(event, PURPOSE)?;
                let sources = sources(&mut self.header_sources, &self.config.headers, event.schema())?;
                for (field, source) in self.config.headers.iter().zip(sources) {
                    if let Some(source) = source {
                        added.add(field.name.clone(), Some(source.schema.clone()), source.value(event))?;
                    }
                }
            }
        }
        for header in &added {
            record.headers_mut().add(header.key.clone(), header.schema.clone(), header.value.clone())?;
        }
        Ok(())
    }

    /// An event of a deleted row; `None` drops it.
    fn deleted<R: ConnectRecord>(&mut self, mut record: R, event: &Struct, before: Value) -> Result<Option<R>> {
        let schema = event.schema().clone();
        let topic = match (self.config.delete_handling, &self.config.route_by_field) {
            (DeleteHandling::Drop, _) => return Ok(None),
            (_, Some(field)) => routed(event.get_struct(BEFORE)?, field)?,
            (_, None) => None,
        };
        let added = if self.rewrites() { self.added(event)? } else { Vec::new() };
        match (self.config.delete_handling, before) {
            (DeleteHandling::DeleteToTombstone, _) => record.set(Part::Value, None, Value::Null),
            (_, before) if self.rewrites() => {
                let marked = self.marked(envelope::known_field(&schema, BEFORE)?.schema(), before, "true")?;
                record.set(Part::Value, marked.0, marked.1);
            }
            _ => {
                let schema = envelope::known_field(&schema, AFTER)?.schema().clone();
                record.set(Part::Value, Some(schema), Value::Null);
            }
        }
        set_topic(&mut record, topic);
        if let Some(dropped) = &mut self.dropped {
            record = dropped.apply(record)?;
        }
        if !record.value(Part::Value).is_null() {
            self.extend(&mut record, &schema, added)?;
        }
        Ok(Some(record))
    }

    /// An event of a row that is there.
    fn present<R: ConnectRecord>(&mut self, mut record: R, event: Struct) -> Result<Option<R>> {
        let schema = event.schema().clone();
        let field = envelope::known_field(&schema, AFTER)?;
        let added = self.added(&event)?;
        let after = NullDefault::YES.apply(field, std::mem::take(&mut event.into_values()[field.index()]));
        let (row_schema, row) = match self.rewrites() {
            true => self.marked(field.schema(), after, "false")?,
            false => (Some(field.schema().clone()), after),
        };
        if let Some(field) = &self.config.route_by_field {
            let row = require_struct_ref(&row, "Read record to set topic routing for CREATE / UPDATE")?;
            set_topic(&mut record, routed(Some(row), field)?);
        }
        record.set(Part::Value, row_schema, row);
        self.extend(&mut record, &schema, added)?;
        if let Some(dropped) = &mut self.dropped {
            record = dropped.apply(record)?;
        }
        Ok(Some(record))
    }

    /// The row with the field that says whether it was deleted; what is no struct stays as it is.
    fn marked(&mut self, schema: &Schema, row: Value, deleted: &'static str) -> Result<(Option<Schema>, Value)> {
        let Value::Struct(row) = row else { return Ok((Some(schema.clone()), row)) };
        let source = row.schema().clone();
        let marked = self
            .marked
            .get_or_build(&source, |schema| with_fields_of(schema)?.field(DELETED, Schema::OPTIONAL_STRING).build())?;
        let null_default = self.config.null_default;
        let fields = source.fields()?.iter();
        let mut values: Vec<Value> = Vec::with_capacity(fields.len() + 1);
        values.extend(fields.zip(row.into_values()).map(|(field, value)| null_default.apply(field, value)));
        values.push(ByteString::from_static(deleted).into());
        let row = Struct::from_checked(marked.clone(), values)?;
        Ok((Some(marked.clone()), row.into()))
    }

    /// The values of `add.fields`; a field that the event does not have is `None`.
    fn added(&mut self, event: &Struct) -> Result<Vec<Option<Value>>> {
        // Debezium reads the operation too, so an event without one is an error.
        event.get_string(OPERATION)?;
        let sources = sources(&mut self.field_sources, &self.config.fields, event.schema())?;
        Ok(sources.iter().map(|source| source.as_ref().map(|source| source.value(event))).collect())
    }

    /// Puts the added fields behind those of the row.
    fn extend<R: ConnectRecord>(&mut self, record: &mut R, event: &Schema, added: Vec<Option<Value>>) -> Result<()> {
        let (_, row) = record.take(Part::Value);
        let row = require_struct(row, PURPOSE)?;
        let sources = sources(&mut self.field_sources, &self.config.fields, event)?;
        let fields = &self.config.fields;
        let build = |row: &Schema| {
            let mut builder = with_fields_of(row)?;
            for (field, source) in fields.iter().zip(sources) {
                if let Some(source) = source {
                    builder = builder.field(field.name.clone(), source.schema.clone());
                }
            }
            Ok(Extended { event: event.clone(), row: builder.build()? })
        };
        let extended = self.extended.get_or_build(row.schema(), build)?;
        let schema = match extended.event == *event {
            true => extended.row.clone(),
            // Rows of one schema in events of two; rare enough to be worked out anew.
            false => build(row.schema())?.row,
        };
        let mut extended = Struct::new(schema.clone())?;
        let (of_row, of_event) = schema.fields()?.split_at(row.values().len());
        for (field, value) in of_row.iter().zip(row.into_values()) {
            extended.put_checked(field, value)?;
        }
        for (field, value) in of_event.iter().zip(added.into_iter().flatten()) {
            extended.put_field(field, value)?;
        }
        record.set(Part::Value, Some(schema), extended.into());
        Ok(())
    }
}

impl Transform for ExtractNewRecordState {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        let is_tombstone = record.value(Part::Value).is_null();
        let is_event = envelope::is_envelope(record.schema(Part::Value));
        if (is_event || is_tombstone) && !self.config.headers.is_empty() {
            self.add_headers(&mut record)?;
        }
        if is_tombstone {
            let stays = self.config.delete_handling == DeleteHandling::RewriteWithTombstone;
            return Ok(stays.then_some(record));
        }
        if !is_event {
            return Ok(Some(record));
        }
        let (_, event) = record.take(Part::Value);
        let event = require_struct(event, "field extraction")?;
        if !event.get_field(envelope::known_field(event.schema(), AFTER)?).is_null() {
            return self.present(record, event);
        }
        match event.get_field(envelope::known_field(event.schema(), BEFORE)?).clone() {
            // Neither before nor after: the table was truncated.
            Value::Null => Ok(None),
            before => self.deleted(record, &event, before),
        }
    }
}

fn sources<'a>(
    cache: &'a mut SchemaCache<Vec<Option<Source>>>,
    fields: &[AddedField],
    event: &Schema,
) -> Result<&'a [Option<Source>]> {
    let sources = cache.get_or_build(event, |event| fields.iter().map(|field| field.source(event)).collect())?;
    Ok(sources)
}

fn with_fields_of(schema: &Schema) -> Result<SchemaBuilder> {
    let builder = copy_basics(schema, SchemaBuilder::structure());
    let fields = schema.fields()?.iter();
    Ok(fields.fold(builder, |builder, field| builder.field(field.name(), field.schema().clone())))
}

/// The topic that a field of the row names.
fn routed(row: Option<&Struct>, field: &str) -> Result<Option<ByteString>> {
    let row = row.ok_or_else(|| ConnectError::data(format!("route.by.field {field}: there is no row")))?;
    Ok(row.get_string(field)?.cloned())
}

/// A topic that is missing or blank leaves the record where it is.
fn set_topic<R: ConnectRecord>(record: &mut R, topic: Option<ByteString>) {
    if let Some(topic) = topic.filter(|topic| !super::splitting::trim(topic).is_empty()) {
        record.set_topic((&*topic).into());
    }
}

#[cfg(test)]
mod tests;
