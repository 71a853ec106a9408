//! `AvroConverter`: plans by schema identity and by id, so that a record costs one look-up and its bytes.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use sluice_api::{ConnectError, Converter, ErrorKind, Properties, Result, Schema, SchemaAndValue, Value};

use super::config::{self, AvroDataConfig};
use super::from_connect::from_connect;
use super::read::{self, Input, Read};
use super::schema::{self, AvroSchema};
use super::to_connect::to_connect;
use super::write::{self, Write};
use crate::chunks::Chunks;
use crate::registry::{Cache, Registry, RegistryConfig, RegistryPlugin, SchemaFormat, SchemaText, wire_format};

pub(crate) const PLUGIN: RegistryPlugin = RegistryPlugin {
    class: "io.confluent.connect.avro.AvroConverter",
    definition: config::definition,
    create: |properties, is_key| Ok(Box::new(AvroConverter::new(properties, is_key)?)),
};

/// Structs whose schema is a new object each time are compared with so many schemas by content.
const COMPARED: usize = 8;

pub(super) struct AvroConverter {
    config: AvroDataConfig,
    registry: Registry,
    written: HashMap<String, Written>,
    read: HashMap<String, Cache<i32, Arc<Reading>>>,
    last_read: Option<(String, i32, Arc<Reading>)>,
    chunks: Chunks,
}

/// How records of one topic are written.
struct Written {
    by_identity: Cache<Identity, Arc<Writing>>,
    last: Option<Arc<Writing>>,
    recent: Vec<Arc<Writing>>,
}

/// What tells two schemas apart without looking into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Identity {
    None,
    Plain(sluice_api::SchemaType, bool),
    Full(usize),
}

/// How records of one schema are written.
struct Writing {
    /// Kept so that its identity stays its own.
    schema: Option<Schema>,
    identity: Identity,
    header: [u8; wire_format::HEADER_BYTES],
    plan: Write,
    /// Bytes stand alone, without their length in front, as Confluent's serializer writes them.
    raw: bool,
}

/// How records with one id are read.
struct Reading {
    schema: Option<Schema>,
    plan: Read,
    raw: bool,
}

impl AvroConverter {
    pub(super) fn new(properties: &Properties, is_key: bool) -> Result<Self> {
        let registry = RegistryConfig::parse(properties)?;
        Ok(Self {
            config: AvroDataConfig::parse(properties)?,
            registry: Registry::new(&registry, SchemaFormat::Avro, is_key)?,
            written: HashMap::new(),
            read: HashMap::new(),
            last_read: None,
            chunks: Chunks::default(),
        })
    }

    fn writing(&mut self, topic: &str, schema: Option<&Schema>) -> Result<Arc<Writing>> {
        let identity = identity(schema);
        if let Some(written) = self.written.get_mut(topic)
            && let Some(writing) = written.find(identity, schema)
        {
            return Ok(writing);
        }
        let writing = Arc::new(self.new_writing(topic, schema, identity)?);
        if self.registry.choice_lasts() {
            let limit = self.config.schemas_cache_size;
            let written = self.written.entry(topic.to_owned()).or_insert_with(|| Written::new(limit));
            written.add(identity, &writing);
        }
        Ok(writing)
    }

    fn new_writing(&mut self, topic: &str, schema: Option<&Schema>, identity: Identity) -> Result<Writing> {
        let own = from_connect(&self.config, schema)?;
        let subject = self.registry.subject(topic, own.full_name().as_deref())?;
        let text = if self.registry.writes_own() { own.unambiguous_text()? } else { own.to_text() };
        let chosen = self.registry.choose(&subject, &SchemaText::new(SchemaFormat::Avro, text))?;
        let avro = match &chosen.instead {
            None => own,
            Some(text) => {
                let theirs = self.parse(text)?;
                if let Some(key) = chosen.strict {
                    self.require_compatible(&own, &theirs, key)?;
                }
                theirs
            }
        };
        Ok(Writing {
            schema: schema.cloned(),
            identity,
            header: wire_format::header(chosen.id),
            plan: write::compile(&self.config, schema, &avro)?,
            raw: is_raw(&avro),
        })
    }

    fn require_compatible(&self, own: &AvroSchema, theirs: &AvroSchema, key: &str) -> Result<()> {
        let readable = to_connect(&self.config, theirs, None)
            .and_then(|schema| read::compile(&self.config, own, theirs, schema.as_ref()));
        readable.map(drop).map_err(|cause| {
            ConnectError::data(format!("Incompatible schema of type 'AVRO'. Set {key}=false to disable this check"))
                .with_source(cause)
        })
    }

    fn parse(&mut self, text: &SchemaText) -> Result<AvroSchema> {
        let referenced = self.registry.referenced(text)?;
        schema::parse(&text.text, referenced.iter().map(|referenced| referenced.schema.text.as_str()))
    }

    fn reading(&mut self, topic: &str, id: i32) -> Result<Arc<Reading>> {
        if let Some((last_topic, last_id, reading)) = &self.last_read
            && *last_id == id
            && last_topic == topic
        {
            return Ok(reading.clone());
        }
        let known = self.read.get(topic).and_then(|by_id| by_id.get(&id)).cloned();
        let reading = match known {
            Some(reading) => reading,
            None => {
                let reading = Arc::new(self.new_reading(topic, id)?);
                if self.registry.choice_lasts() || !self.registry.reads_latest() {
                    let limit = self.config.schemas_cache_size;
                    self.read.entry(topic.to_owned()).or_insert_with(|| Cache::new(limit)).insert(id, reading.clone());
                } else {
                    return Ok(reading);
                }
                reading
            }
        };
        self.last_read = Some((topic.to_owned(), id, reading.clone()));
        Ok(reading)
    }

    fn new_reading(&mut self, topic: &str, id: i32) -> Result<Reading> {
        let early = if self.registry.subject_uses_schema() { None } else { Some(self.registry.subject(topic, None)?) };
        let text = self.registry.schema(id, early.as_deref())?;
        let writer = self.parse(&text)?;
        let subject = match early {
            Some(subject) => subject,
            None => self.registry.subject(topic, writer.full_name().as_deref())?,
        };
        let latest = self.registry.reader_schema(&subject)?;
        let reader = latest.map(|latest| self.parse(&latest.schema)).transpose()?;
        let version = self.registry.version(&subject, id, &text)?;
        let reader = reader.as_ref().unwrap_or(&writer);
        let schema = to_connect(&self.config, reader, version)?;
        let plan = read::compile(&self.config, &writer, reader, schema.as_ref())?;
        Ok(Reading { schema, plan, raw: is_raw(&writer) })
    }

    fn encode(&mut self, topic: &str, schema: Option<&Schema>, value: &Value) -> Result<Bytes> {
        let writing = self.writing(topic, schema)?;
        self.chunks.record(|out| {
            out.extend_from_slice(&writing.header);
            if writing.raw { writing.plan.write_raw(out, value) } else { writing.plan.write(out, value) }
        })
    }

    fn decode(&mut self, topic: &str, data: &Bytes) -> Result<SchemaAndValue> {
        let (id, payload) = wire_format::split(data)?;
        let reading = self.reading(topic, id)?;
        let value =
            if reading.raw { reading.plan.read_raw(payload) } else { reading.plan.read(&mut Input::new(&payload)) };
        let value = value.map_err(|cause| {
            ConnectError::data(format!("Error deserializing Avro message for id {id}")).with_source(cause)
        })?;
        Ok(SchemaAndValue { schema: reading.schema.clone(), value })
    }
}

impl Written {
    fn new(limit: usize) -> Self {
        Self { by_identity: Cache::new(limit), last: None, recent: Vec::new() }
    }

    fn find(&mut self, identity: Identity, schema: Option<&Schema>) -> Option<Arc<Writing>> {
        if let Some(last) = self.last.as_ref().filter(|last| last.identity == identity) {
            return Some(last.clone());
        }
        if let Some(known) = self.by_identity.get(&identity) {
            self.last = Some(known.clone());
            return self.last.clone();
        }
        // Another object with the same content: the plan is the same. The identity of this object is not kept, since
        // nothing keeps the object.
        self.recent.iter().find(|writing| writing.schema.as_ref() == schema).cloned()
    }

    fn add(&mut self, identity: Identity, writing: &Arc<Writing>) {
        self.by_identity.insert(identity, writing.clone());
        self.last = Some(writing.clone());
        if self.recent.len() == COMPARED {
            self.recent.remove(0);
        }
        self.recent.push(writing.clone());
    }
}

fn identity(schema: Option<&Schema>) -> Identity {
    match schema {
        None => Identity::None,
        Some(schema) => match schema.identity() {
            Some(identity) => Identity::Full(identity),
            None => Identity::Plain(schema.schema_type(), schema.is_optional()),
        },
    }
}

fn is_raw(schema: &AvroSchema) -> bool {
    *schema.kind(schema.root()) == schema::Kind::Bytes
}

/// The error under Confluent's sentence, of the same kind.
fn failed(doing: &str, topic: &str, cause: ConnectError) -> ConnectError {
    let kind = cause.kind();
    let kind = if kind == ErrorKind::Connect { ErrorKind::Data } else { kind };
    ConnectError::new(kind, format!("{doing} {topic}:")).with_source(cause)
}

impl Converter for AvroConverter {
    fn from_connect_data(&mut self, topic: &str, schema: Option<&Schema>, value: &Value) -> Result<Option<Bytes>> {
        if value.is_null() {
            return match schema {
                Some(schema) if !schema.is_optional() => {
                    Err(ConnectError::data("Found null value for non-optional schema"))
                }
                _ => Ok(None),
            };
        }
        let written = self.encode(topic, schema, value);
        written.map(Some).map_err(|cause| failed("Failed to serialize Avro data from topic", topic, cause))
    }

    fn to_connect_data(&mut self, topic: &str, data: Option<&Bytes>) -> Result<SchemaAndValue> {
        let Some(data) = data else { return Ok(SchemaAndValue::NULL) };
        self.decode(topic, data).map_err(|cause| failed("Failed to deserialize Avro data of topic", topic, cause))
    }
}
