//! `ProtobufConverter`: which schema a record is written or read with, and the plans made for it.

use std::sync::Arc;

use bytes::Bytes;
use prost_reflect::MessageDescriptor;
use sluice_api::{ConnectError, Converter, Properties, Result, Schema, SchemaAndValue, Value};

use super::config::{self, ProtobufConfig};
use super::descriptor::ParsedSchema;
use super::from_schema::from_schema;
use super::to_schema::to_schema;
use super::{decode_plan, decoder, encode_plan, encoder, indexes};
use crate::registry::{Cache, Registry, RegistryConfig, RegistryPlugin, SchemaFormat, SchemaText, wire_format};

pub(crate) const PLUGIN: RegistryPlugin = RegistryPlugin {
    class: "io.confluent.connect.protobuf.ProtobufConverter",
    definition: config::definition,
    create: |properties, is_key| Ok(Box::new(ProtobufConverter::new(properties, is_key)?)),
};

pub(super) struct ProtobufConverter {
    config: ProtobufConfig,
    registry: Registry,
    parsed: Cache<i32, Arc<ParsedSchema>>,
    written: Cache<(usize, String), Arc<Written>>,
    last_written: Option<Arc<Written>>,
    read: Cache<(Vec<u8>, String), Arc<ReadAs>>,
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
    /// What stands in front of the payload: schema id and message indexes.
    prefix: Vec<u8>,
    plan: encode_plan::Root,
}

/// How records that start with `prefix` are read from one topic.
struct ReadAs {
    topic: String,
    prefix: Vec<u8>,
    subject: String,
    /// The id of the newest schema when that is what records are read with.
    newest: Option<i32>,
    schema: Schema,
    plan: decode_plan::Root,
}

impl ProtobufConverter {
    fn new(properties: &Properties, is_key: bool) -> Result<Self> {
        let config = ProtobufConfig::parse(properties)?;
        let registry = Registry::new(&RegistryConfig::parse(properties)?, SchemaFormat::Protobuf, is_key)?;
        let size = config.schemas_cache_size;
        Ok(Self {
            config,
            registry,
            parsed: Cache::new(size),
            written: Cache::new(size),
            last_written: None,
            read: Cache::new(size),
            last_read: None,
        })
    }

    fn encode(&mut self, topic: &str, schema: &Schema, value: &Value) -> Result<Bytes> {
        let written = self.written_as(topic, schema)?;
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(&written.prefix);
        encoder::encode(&written.plan, &mut out, value)?;
        Ok(Bytes::from(out))
    }

    fn written_as(&mut self, topic: &str, schema: &Schema) -> Result<Arc<Written>> {
        let key = schema_key(schema);
        let last = self.last_written.take().filter(|last| schema_key(&last.schema) == key && last.topic == topic);
        let known = last.or_else(|| self.written.get(&(key, topic.to_owned())).cloned());
        let written = match known {
            Some(written) if self.registry.choice_lasts() => written,
            Some(written) => self.chosen_again(written)?,
            None => {
                let written = Arc::new(self.choose(topic, schema)?);
                self.written.insert((key, topic.to_owned()), written.clone());
                written
            }
        };
        self.last_written = Some(written.clone());
        Ok(written)
    }

    /// The same, unless the registry has a newer schema by now.
    fn chosen_again(&mut self, written: Arc<Written>) -> Result<Arc<Written>> {
        if self.registry.choose(&written.subject, &written.text)?.id == written.id {
            return Ok(written);
        }
        let newer = Arc::new(self.choose(&written.topic, &written.schema)?);
        self.written.insert((schema_key(&newer.schema), newer.topic.clone()), newer.clone());
        Ok(newer)
    }

    fn choose(&mut self, topic: &str, schema: &Schema) -> Result<Written> {
        let generated = from_schema(schema, &self.config)?;
        let own = ParsedSchema::parse(&generated.text, &[])?;
        let subject = self.registry.subject(topic, Some(&generated.message))?;
        let text = SchemaText::new(SchemaFormat::Protobuf, generated.text);
        // Before the registry is asked: what cannot be written must not be registered.
        let message = own.message(&generated.message).ok_or_else(|| no_message(&generated.message))?;
        let plan = encode_plan::root(schema, &message, &self.config)?;
        let chosen = self.registry.choose(&subject, &text)?;
        let (path, plan) = match &chosen.instead {
            None => (own.path_of(&generated.message), plan),
            Some(theirs) => {
                let theirs = self.parsed(chosen.id, theirs)?;
                let path = theirs.path_of(&generated.message);
                (path.clone(), encode_plan::root(schema, &theirs.message_at(&path)?, &self.config)?)
            }
        };
        let mut prefix = wire_format::header(chosen.id).to_vec();
        indexes::write(&mut prefix, &path);
        Ok(Written { topic: topic.to_owned(), schema: schema.clone(), subject, text, id: chosen.id, prefix, plan })
    }

    fn decode(&mut self, topic: &str, data: &Bytes) -> Result<SchemaAndValue> {
        let read = self.read_as(topic, data)?;
        let payload = data.slice(read.prefix.len()..);
        let value = decoder::decode(&read.plan, &payload)?;
        Ok(SchemaAndValue { schema: Some(read.schema.clone()), value })
    }

    fn read_as(&mut self, topic: &str, data: &Bytes) -> Result<Arc<ReadAs>> {
        let last = self.last_read.take().filter(|last| data.starts_with(&last.prefix) && last.topic == topic);
        let read = match last {
            Some(last) => self.current(last, data)?,
            None => {
                let (id, payload) = wire_format::split(data)?;
                let (path, length) = indexes::read(&payload)?;
                let key = (data[..wire_format::HEADER_BYTES + length].to_vec(), topic.to_owned());
                match self.read.get(&key).cloned() {
                    Some(known) => self.current(known, data)?,
                    None => self.learn(key, id, &path)?,
                }
            }
        };
        self.last_read = Some(read.clone());
        Ok(read)
    }

    /// The same, unless records are read with the newest schema and there is a newer one by now.
    fn current(&mut self, read: Arc<ReadAs>, data: &Bytes) -> Result<Arc<ReadAs>> {
        if !self.registry.reads_latest() {
            return Ok(read);
        }
        let newest = self.registry.reader_schema(&read.subject)?.map(|newest| newest.id);
        if newest == read.newest {
            return Ok(read);
        }
        let (id, payload) = wire_format::split(data)?;
        let (path, _) = indexes::read(&payload)?;
        self.learn((read.prefix.clone(), read.topic.clone()), id, &path)
    }

    fn learn(&mut self, key: (Vec<u8>, String), id: i32, path: &[i32]) -> Result<Arc<ReadAs>> {
        let (prefix, topic) = &key;
        // Only a subject that does not depend on the schema is known before the schema is.
        let early = if self.registry.subject_uses_schema() { None } else { Some(self.registry.subject(topic, None)?) };
        let text = self.registry.schema(id, early.as_deref())?;
        let writer = self.parsed(id, &text)?;
        let message = writer.message_at(path)?;
        let subject = self.registry.subject(topic, Some(message.full_name()))?;
        let newest = self.registry.reader_schema(&subject)?;
        let (message, version) = match &newest {
            None => (message, self.registry.version(&subject, id, &text)?),
            Some(newest) => {
                let reader = self.parsed(newest.id, &newest.schema)?;
                (reader_message(&reader, &message)?, newest.version)
            }
        };
        let schema = to_schema(&message, version, &self.config)?;
        let plan = decode_plan::root(&message, &schema, &self.config)?;
        let (prefix, topic) = (prefix.clone(), topic.clone());
        let read = Arc::new(ReadAs { topic, prefix, subject, newest: newest.map(|newest| newest.id), schema, plan });
        self.read.insert(key, read.clone());
        Ok(read)
    }

    fn parsed(&mut self, id: i32, text: &SchemaText) -> Result<Arc<ParsedSchema>> {
        if let Some(parsed) = self.parsed.get(&id) {
            return Ok(parsed.clone());
        }
        let references = self.registry.referenced(text)?;
        let references: Vec<_> =
            references.into_iter().map(|reference| (reference.name, reference.schema.text.clone())).collect();
        let parsed = Arc::new(ParsedSchema::parse(&text.text, &references)?);
        self.parsed.insert(id, parsed.clone());
        Ok(parsed)
    }
}

/// The message of that name in the schema that records are read with, or its first one.
fn reader_message(reader: &ParsedSchema, written: &MessageDescriptor) -> Result<MessageDescriptor> {
    match reader.message(written.full_name()) {
        Some(message) => Ok(message),
        None => reader.message_at(&[0]),
    }
}

/// Distinct schemas that live at the same time have distinct keys.
fn schema_key(schema: &Schema) -> usize {
    // Addresses are far above these numbers.
    schema.identity().unwrap_or(schema.schema_type() as usize * 2 + usize::from(schema.is_optional()))
}

fn no_message(name: &str) -> ConnectError {
    ConnectError::data(format!("message {name} is not in the schema that was made for it"))
}

fn failed(what: String, cause: ConnectError) -> ConnectError {
    ConnectError::new(cause.kind(), what).with_source(cause)
}

impl Converter for ProtobufConverter {
    fn from_connect_data(&mut self, topic: &str, schema: Option<&Schema>, value: &Value) -> Result<Option<Bytes>> {
        if value.is_null() {
            return Ok(None);
        }
        let encoded = match schema {
            Some(schema) => self.encode(topic, schema, value),
            None => Err(ConnectError::data("ProtobufConverter needs a schema, and the record has none")),
        };
        encoded
            .map(Some)
            .map_err(|cause| failed(format!("Failed to serialize Protobuf data from topic {topic}:"), cause))
    }

    fn to_connect_data(&mut self, topic: &str, data: Option<&Bytes>) -> Result<SchemaAndValue> {
        let Some(data) = data else { return Ok(SchemaAndValue::NULL) };
        let decoded = self.decode(topic, data);
        decoded.map_err(|cause| failed(format!("Failed to deserialize data for topic {topic} to Protobuf:"), cause))
    }
}
