//! `JsonSchemaConverter`: which schema a record is written or read with.

use std::sync::Arc;

use bytes::Bytes;
use sluice_api::{ConnectError, Converter, Properties, Result, Schema, SchemaAndValue, Value};

use super::config::{self, JsonSchemaConfig};
use super::decoder;
use super::documents::Documents;
use super::encoder::Encoder;
use super::from_schema::from_schema;
use super::loader::Elements;
use super::to_schema::to_schema;
use super::validator::Validator;
use crate::json::node::Node;
use crate::json::parse;
use crate::registry::{Cache, Registry, RegistryConfig, RegistryPlugin, SchemaFormat, SchemaText, wire_format};

pub(crate) const PLUGIN: RegistryPlugin = RegistryPlugin {
    class: "io.confluent.connect.json.JsonSchemaConverter",
    definition: config::definition,
    create: |properties, is_key| Ok(Box::new(JsonSchemaConverter::new(properties, is_key)?)),
};

pub(super) struct JsonSchemaConverter {
    config: JsonSchemaConfig,
    registry: Registry,
    written: Cache<(usize, String), Arc<Written>>,
    last_written: Option<Arc<Written>>,
    read: Cache<(i32, String), Arc<ReadAs>>,
    last_read: Option<Arc<ReadAs>>,
}

/// How records of one schema are written to one topic.
struct Written {
    topic: String,
    /// Kept alive, since its address is part of the key.
    schema: Schema,
    subject: String,
    text: SchemaText,
    id: i32,
    /// What checks a record, and the key that asks for it.
    check: Option<Validator>,
}

/// How records with the schema `id` are read from one topic.
struct ReadAs {
    topic: String,
    id: i32,
    subject: String,
    /// The id of the newest schema when that is what records are read with.
    newest: Option<i32>,
    schema: Schema,
    check: Option<Validator>,
}

impl JsonSchemaConverter {
    fn new(properties: &Properties, is_key: bool) -> Result<Self> {
        let config = JsonSchemaConfig::parse(properties)?;
        let registry = Registry::new(&RegistryConfig::parse(properties)?, SchemaFormat::Json, is_key)?;
        let size = config.schemas_cache_size;
        Ok(Self {
            config,
            registry,
            written: Cache::new(size),
            last_written: None,
            read: Cache::new(size),
            last_read: None,
        })
    }

    fn encode(&mut self, topic: &str, schema: &Schema, value: &Value) -> Result<Option<Bytes>> {
        let written = self.written_as(topic, schema)?;
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(&wire_format::header(written.id));
        if !Encoder::new(&self.config).write(&mut out, schema, value)? {
            return Ok(None);
        }
        if let Some(check) = &written.check {
            check.check(&out[wire_format::HEADER_BYTES..])?;
        }
        if self.config.indent {
            out = super::indent::indented(&out, wire_format::HEADER_BYTES)?;
        }
        Ok(Some(Bytes::from(out)))
    }

    fn written_as(&mut self, topic: &str, schema: &Schema) -> Result<Arc<Written>> {
        let key = schema_key(schema);
        let last = self.last_written.take().filter(|last| schema_key(&last.schema) == key && last.topic == topic);
        let known = last.or_else(|| self.written.get(&(key, topic.to_owned())).cloned());
        let written = match known {
            Some(written) if self.registry.choice_lasts() => written,
            Some(written) if self.registry.choose(&written.subject, &written.text)?.id == written.id => written,
            _ => {
                let written = Arc::new(self.choose(topic, schema)?);
                self.written.insert((key, topic.to_owned()), written.clone());
                written
            }
        };
        self.last_written = Some(written.clone());
        Ok(written)
    }

    fn choose(&mut self, topic: &str, schema: &Schema) -> Result<Written> {
        let text = SchemaText::new(SchemaFormat::Json, from_schema(schema, &self.config)?);
        let title = schema.name().filter(|_| !schema.is_optional());
        let subject = self.registry.subject(topic, title)?;
        let chosen = self.registry.choose(&subject, &text)?;
        // The registry's schema must be able to read what is written: every record is held against it, which is no weaker.
        let asked_for = chosen.strict.or(self.config.validate.then_some("json.fail.invalid.schema"));
        let check = match (asked_for, &chosen.instead) {
            (None, _) => None,
            (Some(key), Some(theirs)) => Some(self.validator(theirs, key)?),
            (Some(key), None) => Some(self.validator(&text, key)?),
        };
        Ok(Written { topic: topic.to_owned(), schema: schema.clone(), subject, text, id: chosen.id, check })
    }

    fn decode(&mut self, topic: &str, data: &Bytes) -> Result<SchemaAndValue> {
        let (id, payload) = wire_format::split(data)?;
        let read = self.read_as(topic, id)?;
        if let Some(check) = &read.check {
            check.check(&payload)?;
        }
        match parse(&payload)? {
            None => Err(ConnectError::data("the record has no JSON behind its schema id")),
            Some(node) => decode_root(&read.schema, node),
        }
    }

    fn read_as(&mut self, topic: &str, id: i32) -> Result<Arc<ReadAs>> {
        let last = self.last_read.take().filter(|last| last.id == id && last.topic == topic);
        let known = last.or_else(|| self.read.get(&(id, topic.to_owned())).cloned());
        let read = match known {
            Some(read) if !self.registry.reads_latest() => read,
            Some(read) if self.newest(&read.subject)? == read.newest => read,
            _ => {
                let read = Arc::new(self.learn(topic, id)?);
                self.read.insert((id, topic.to_owned()), read.clone());
                read
            }
        };
        self.last_read = Some(read.clone());
        Ok(read)
    }

    fn newest(&mut self, subject: &str) -> Result<Option<i32>> {
        Ok(self.registry.reader_schema(subject)?.map(|newest| newest.id))
    }

    fn learn(&mut self, topic: &str, id: i32) -> Result<ReadAs> {
        // Only a subject that does not depend on the schema is known before the schema is.
        let early = if self.registry.subject_uses_schema() { None } else { Some(self.registry.subject(topic, None)?) };
        let writer = self.registry.schema(id, early.as_deref())?;
        let subject = match early {
            Some(subject) => subject,
            None => self.registry.subject(topic, title_of(&writer.text)?.as_deref())?,
        };
        let newest = self.registry.reader_schema(&subject)?;
        let (text, version) = match &newest {
            None => (writer.clone(), self.registry.version(&subject, id, &writer)?),
            Some(newest) => (newest.schema.clone(), newest.version),
        };
        let documents = Documents::parse(&text.text, &self.references(&text)?)?;
        let schema = to_schema(&Elements::load(&documents)?, version, &self.config)?;
        let check = match self.config.validate {
            true => Some(self.validator(&text, "json.fail.invalid.schema")?),
            false => None,
        };
        let newest = newest.map(|newest| newest.id);
        Ok(ReadAs { topic: topic.to_owned(), id, subject, newest, schema, check })
    }

    fn validator(&mut self, text: &SchemaText, asked_for: &'static str) -> Result<Validator> {
        Validator::new(&text.text, &self.references(text)?, asked_for)
    }

    fn references(&mut self, text: &SchemaText) -> Result<Vec<(String, String)>> {
        let references = self.registry.referenced(text)?;
        Ok(references.into_iter().map(|reference| (reference.name, reference.schema.text.clone())).collect())
    }
}

/// The data of a record, whose schema may allow null.
pub(super) fn decode_root(schema: &Schema, node: Node) -> Result<SchemaAndValue> {
    let value = decoder::decode(schema, Some(node))?;
    Ok(SchemaAndValue { schema: Some(schema.clone()), value })
}

/// The name by which subjects may be called.
fn title_of(text: &str) -> Result<Option<String>> {
    let root = parse(&Bytes::copy_from_slice(text.as_bytes()))?;
    Ok(root.as_ref().and_then(|root| root.get("title")).and_then(Node::text).map(ToString::to_string))
}

/// Distinct schemas that live at the same time have distinct keys.
fn schema_key(schema: &Schema) -> usize {
    // Addresses are far above these numbers.
    schema.identity().unwrap_or(schema.schema_type() as usize * 2 + usize::from(schema.is_optional()))
}

fn failed(what: &str, topic: &str, cause: ConnectError) -> ConnectError {
    let message = format!("{what} failed due to serialization error of topic {topic}: ");
    ConnectError::new(cause.kind(), message).with_source(cause)
}

impl Converter for JsonSchemaConverter {
    fn from_connect_data(&mut self, topic: &str, schema: Option<&Schema>, value: &Value) -> Result<Option<Bytes>> {
        let encoded = match schema {
            None if value.is_null() => return Ok(None),
            None => Err(ConnectError::data("JsonSchemaConverter needs a schema, and the record has none")),
            Some(schema) => self.encode(topic, schema, value),
        };
        encoded.map_err(|cause| failed("Converting Kafka Connect data to byte[]", topic, cause))
    }

    fn to_connect_data(&mut self, topic: &str, data: Option<&Bytes>) -> Result<SchemaAndValue> {
        let Some(data) = data else { return Ok(SchemaAndValue::NULL) };
        self.decode(topic, data).map_err(|cause| failed("Converting byte[] to Kafka Connect data", topic, cause))
    }
}
