//! `InsertField`: adds topic, partition, offset, timestamp or a fixed text as a field (connect-plugins.md 2.3).

use std::sync::Arc;

use bytestring::ByteString;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig};
use sluice_api::data::logical;
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder, SchemaType, Struct, Value};

use crate::null_default::NullDefault;
use crate::plugin::{BuiltIn, key_and_value};
use crate::record::{ConnectRecord, Part, Transform};
use crate::requirements::{require_map, require_struct};
use crate::schema_basics::copy_basics;
use crate::schema_cache::SchemaCache;

pub(crate) const PLUGINS: [BuiltIn; 2] = key_and_value!("InsertField", definition, InsertField::new);

const PURPOSE: &str = "field insertion";

/// In the order in which fields are added.
const SOURCES: [(&str, Source, &str); 5] = [
    ("topic.field", Source::Topic, "The field that gets the record's topic."),
    ("partition.field", Source::Partition, "The field that gets the record's topic partition, if it is known."),
    ("offset.field", Source::Offset, "The field that gets the record's offset; for sink connectors alone."),
    ("timestamp.field", Source::Timestamp, "The field that gets the record's timestamp, if it has one."),
    ("static.field", Source::Static, "The field that gets the text of `static.value`."),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static,
}

fn definition() -> ConfigDef {
    let key = |name: &str, doc: &str| ConfigKey::new(name, ConfigType::String, Importance::Medium, doc).optional();
    let fields = SOURCES.iter().map(|(name, _, doc)| {
        key(
            name,
            &format!(
                "{doc} With <code>!</code> at its end the field is required, else, or with <code>?</code>, optional."
            ),
        )
    });
    fields
        .fold(ConfigDef::new(), ConfigDef::define)
        .define(key("static.value", "The text for `static.field`."))
        .define(NullDefault::key())
}

struct InsertField {
    part: Part,
    insertions: Vec<Insertion>,
    metadata: Metadata,
    null_default: NullDefault,
    schemas: SchemaCache<Schema>,
}

/// A field to add.
struct Insertion {
    name: ByteString,
    source: Source,
    schema: Schema,
}

impl Insertion {
    fn parse(text: &str, source: Source) -> Self {
        let (name, optional) = match text.strip_suffix('!') {
            Some(name) => (name, false),
            None => (text.strip_suffix('?').unwrap_or(text), true),
        };
        Self { name: ByteString::from(name), source, schema: source.schema(optional) }
    }
}

impl Source {
    fn schema(self, optional: bool) -> Schema {
        let builder = match self {
            Self::Topic | Self::Static => SchemaBuilder::string(),
            Self::Partition => SchemaBuilder::of_type(SchemaType::Int32),
            Self::Offset => SchemaBuilder::of_type(SchemaType::Int64),
            Self::Timestamp => logical::timestamp_builder(),
        };
        let builder = if optional { builder.optional() } else { builder };
        builder.build().expect("every attribute is set once")
    }
}

impl InsertField {
    fn new(config: &ParsedConfig, part: Part) -> Result<Self> {
        let configured = |(key, source, _): &(&str, Source, &str)| {
            config.opt_string(key).map(|text| Insertion::parse(text, *source))
        };
        let insertions: Vec<_> = SOURCES.iter().filter_map(configured).collect();
        if insertions.is_empty() {
            return Err(ConnectError::config("No field insertion configured"));
        }
        let static_field = insertions.iter().find(|insertion| insertion.source == Source::Static);
        if let (Some(field), None) = (static_field, config.opt_string("static.value")) {
            let reason = format!("No value specified for static field: {}", field.name);
            return Err(ConnectError::config(format!("Invalid value null for configuration static.value: {reason}")));
        }
        Ok(Self {
            part,
            insertions,
            metadata: Metadata {
                static_value: config.opt_string("static.value").map_or(Value::Null, Value::from),
                topic: None,
            },
            null_default: NullDefault::of(config),
            schemas: SchemaCache::default(),
        })
    }

    fn schemaless<R: ConnectRecord>(&mut self, record: &mut R) -> Result<()> {
        let (_, value) = record.take(self.part);
        let map = require_map(value, PURPOSE)?;
        let mut puts = Vec::with_capacity(self.insertions.len());
        for insertion in &self.insertions {
            let value = match self.metadata.value(record, insertion.source)? {
                Value::Null => continue,
                Value::Date(millis) => Value::Int64(millis),
                value => value,
            };
            puts.push((Value::String(insertion.name.clone()), value));
        }
        record.set(self.part, None, map.hash_copy(puts).into());
        Ok(())
    }

    fn with_schema<R: ConnectRecord>(&mut self, record: &mut R) -> Result<()> {
        let value = require_struct(record.take(self.part).1, PURPOSE)?;
        let schema = value.schema().clone();
        let updated = self.schemas.get_or_build(&schema, |schema| with_fields(schema, &self.insertions))?;
        let mut result = Struct::new(updated.clone())?;
        let (old, new) = updated.fields()?.split_at(schema.fields()?.len());
        for (field, value) in old.iter().zip(value.into_values()) {
            result.put_field(field, self.null_default.apply(field, value))?;
        }
        for (field, insertion) in new.iter().zip(&self.insertions) {
            let value = self.metadata.value(record, insertion.source)?;
            // A required field that there is nothing for stays unset, as in Kafka Connect: the converter refuses it.
            if !value.is_null() {
                result.put_field(field, value)?;
            }
        }
        record.set(self.part, Some(updated.clone()), result.into());
        Ok(())
    }
}

/// What fields are made of.
struct Metadata {
    static_value: Value,
    /// The last topic with its text: most records have the topic of the one before.
    topic: Option<(Arc<str>, ByteString)>,
}

impl Metadata {
    /// What a field gets; null leaves it out.
    fn value<R: ConnectRecord>(&mut self, record: &R, source: Source) -> Result<Value> {
        Ok(match source {
            Source::Topic => Value::String(self.topic(record.topic())),
            Source::Partition => record.partition().map_or(Value::Null, Value::Int32),
            Source::Offset => Value::Int64(record.offset(PURPOSE)?),
            Source::Timestamp => record.timestamp_ms().map_or(Value::Null, Value::Date),
            Source::Static => self.static_value.clone(),
        })
    }

    fn topic(&mut self, topic: &Arc<str>) -> ByteString {
        match &self.topic {
            Some((last, text)) if last == topic => text.clone(),
            _ => {
                let text = ByteString::from(&**topic);
                self.topic = Some((topic.clone(), text.clone()));
                text
            }
        }
    }
}

impl Transform for InsertField {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        if !record.value(self.part).is_null() {
            match record.schema(self.part) {
                None => self.schemaless(&mut record)?,
                Some(_) => self.with_schema(&mut record)?,
            }
        }
        Ok(Some(record))
    }
}

fn with_fields(schema: &Schema, insertions: &[Insertion]) -> Result<Schema> {
    let builder = copy_basics(schema, SchemaBuilder::structure());
    let builder =
        schema.fields()?.iter().fold(builder, |builder, field| builder.field(field.name(), field.schema().clone()));
    insertions.iter().fold(builder, |builder, new| builder.field(&*new.name, new.schema.clone())).build()
}

#[cfg(test)]
mod tests;
