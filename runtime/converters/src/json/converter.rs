//! `JsonConverter`: the envelope and the caches of schemas in both directions.

use std::collections::HashMap;

use bytes::Bytes;
use sluice_api::{ConnectError, Converter, Result, Schema, SchemaAndValue, Value};

use super::config::{self, JsonConfig};
use super::decoder::Decoder;
use super::direct;
use super::encoder::Encoder;
use super::node::Node;
use super::reader::Reader;
use super::schema_writer::write_schema;
use super::{encoding, malformed, parse};
use crate::chunks::Chunks;
use crate::plugin::BuiltIn;

const NO_ENVELOPE: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain \
                           additional fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in \
                           your converter configuration.";

pub(crate) const PLUGIN: BuiltIn = BuiltIn {
    class: "org.apache.kafka.connect.json.JsonConverter",
    definition: config::definition,
    create: |properties| Ok(Box::new(JsonConverter::new(&JsonConfig::parse(properties)?)?)),
};

pub(super) struct JsonConverter {
    schemas_enable: bool,
    fixed_schema: Option<Schema>,
    encoder: Encoder,
    decoder: Decoder,
    written: WrittenSchemas,
    read: ReadSchemas,
    chunks: Chunks,
}

impl JsonConverter {
    pub(super) fn new(config: &JsonConfig) -> Result<Self> {
        let decoder = Decoder { replace_null_with_default: config.replace_null_with_default };
        let fixed_schema = match &config.schema_content {
            Some(text) => fixed_schema(text, &decoder)?,
            None => None,
        };
        Ok(Self {
            schemas_enable: config.schemas_enable,
            fixed_schema,
            encoder: Encoder {
                decimal_format: config.decimal_format,
                replace_null_with_default: config.replace_null_with_default,
            },
            decoder,
            written: WrittenSchemas { limit: config.schemas_cache_size, by_identity: HashMap::new() },
            read: ReadSchemas { limit: config.schemas_cache_size, latest: None, by_text: HashMap::new() },
            chunks: Chunks::default(),
        })
    }

    /// Bytes for `value`; a null without schema is a tombstone.
    pub(super) fn encode(&mut self, schema: Option<&Schema>, value: &Value) -> Result<Option<Bytes>> {
        if schema.is_none() && value.is_null() {
            return Ok(None);
        }
        let Self { schemas_enable, encoder, written, chunks, .. } = self;
        let record = chunks.record(|out| {
            if !*schemas_enable {
                return encoder.write(out, schema, value);
            }
            out.extend_from_slice(b"{\"schema\":");
            written.append(out, schema, encoder)?;
            out.extend_from_slice(b",\"payload\":");
            encoder.write(out, schema, value)?;
            out.push(b'}');
            Ok(())
        });
        record.map(Some)
    }

    /// The value in `data`.
    pub(super) fn decode(&mut self, data: Option<&Bytes>) -> Result<SchemaAndValue> {
        let Some(data) = data else { return Ok(SchemaAndValue::NULL) };
        if !self.schemas_enable {
            let node = parse(data)?.unwrap_or(Node::Null);
            return Ok(SchemaAndValue { schema: None, value: node.into_schemaless() });
        }
        if let Some(schema) = &self.fixed_schema {
            let node = parse(data)?.unwrap_or(Node::Null);
            return Ok(SchemaAndValue { schema: Some(schema.clone()), value: self.decoder.value(Some(schema), node)? });
        }
        let text = encoding::to_utf8(data).map_err(malformed)?;
        if let Some(read) = self.usual_envelope(&text) {
            return Ok(read);
        }
        let (schema, payload) = self.envelope(&text)?;
        let value = self.decoder.value(schema.as_ref(), payload)?;
        Ok(SchemaAndValue { schema, value })
    }

    /// What nearly all messages are: the schema of the last one, then a payload whose members are all there.
    fn usual_envelope(&self, text: &Bytes) -> Option<SchemaAndValue> {
        let known = self.read.latest.as_ref()?;
        let plan = known.plan.as_ref()?;
        let mut reader = Reader::new(text);
        reader.skip_blanks();
        if !reader.take(b'{') || !reader.take_name("schema") || !reader.rest().starts_with(&known.text) {
            return None;
        }
        reader.advance(known.text.len());
        if reader.end_of_member().ok()? || !reader.take_name("payload") {
            return None;
        }
        let value = plan.read(&mut reader, &self.decoder)?;
        let ended = reader.end_of_member().ok()?;
        ended.then(|| SchemaAndValue { schema: Some(plan.schema().clone()), value: value.into() })
    }

    /// Schema and payload of an object that has these two members and no other.
    fn envelope(&mut self, text: &Bytes) -> Result<(Option<Schema>, Node)> {
        let mut reader = Reader::new(text);
        reader.skip_blanks();
        if !reader.take(b'{') {
            parse(text)?;
            return Err(ConnectError::data(NO_ENVELOPE));
        }
        let (mut schema, mut payload, mut others) = (None, None, false);
        reader.skip_blanks();
        let mut ended = reader.take(b'}');
        while !ended {
            match &*reader.member_name().map_err(malformed)? {
                "schema" => schema = Some(self.read.read(&mut reader, text)?),
                "payload" => payload = Some(reader.value().map_err(malformed)?),
                _ => {
                    others = true;
                    reader.value().map_err(malformed)?;
                }
            }
            ended = reader.end_of_member().map_err(malformed)?;
        }
        match (schema, payload) {
            (Some(schema), Some(payload)) if !others => Ok((self.read.schema(schema, &self.decoder)?, payload)),
            _ => Err(ConnectError::data(NO_ENVELOPE)),
        }
    }
}

fn fixed_schema(text: &str, decoder: &Decoder) -> Result<Option<Schema>> {
    let node = parse(&Bytes::copy_from_slice(text.as_bytes())).map_err(|error| {
        let message = "Failed to parse schema in converter config due to serialization error: ";
        ConnectError::data(message).with_source(error)
    })?;
    decoder.schema(&node.unwrap_or(Node::Null))
}

impl Converter for JsonConverter {
    fn from_connect_data(&mut self, _topic: &str, schema: Option<&Schema>, value: &Value) -> Result<Option<Bytes>> {
        self.encode(schema, value)
    }

    fn to_connect_data(&mut self, _topic: &str, data: Option<&Bytes>) -> Result<SchemaAndValue> {
        self.decode(data)
    }
}

/// The JSON of schemas that were written before. A full cache starts anew.
struct WrittenSchemas {
    limit: usize,
    by_identity: HashMap<usize, (Schema, Vec<u8>)>,
}

impl WrittenSchemas {
    fn append(&mut self, out: &mut Vec<u8>, schema: Option<&Schema>, encoder: &Encoder) -> Result<()> {
        let Some((schema, identity)) = schema.and_then(|schema| Some((schema, schema.identity()?))) else {
            return write_schema(out, schema, encoder);
        };
        if let Some((_, json)) = self.by_identity.get(&identity) {
            out.extend_from_slice(json);
            return Ok(());
        }
        let start = out.len();
        write_schema(out, Some(schema), encoder)?;
        if self.by_identity.len() >= self.limit {
            self.by_identity.clear();
        }
        if self.limit > 0 {
            self.by_identity.insert(identity, (schema.clone(), out[start..].to_vec()));
        }
        Ok(())
    }
}

/// Schemas that were read before, by their text: a message whose schema has the same text as one before is not parsed again
/// and shares its schema object. A full cache starts anew.
struct ReadSchemas {
    limit: usize,
    latest: Option<Latest>,
    by_text: HashMap<Bytes, Schema>,
}

/// The schema of the last message.
struct Latest {
    text: Bytes,
    schema: Schema,
    /// How its payload is read when it is a struct that can be read without a tree.
    plan: Option<direct::Plan>,
}

impl Latest {
    fn new(text: Bytes, schema: Schema) -> Self {
        Self { text, plan: direct::Plan::of(&schema), schema }
    }
}

/// A schema as it stands in an envelope.
enum Found {
    Known(Schema),
    New { text: Bytes, node: Node },
}

impl ReadSchemas {
    fn read(&self, reader: &mut Reader<'_>, input: &Bytes) -> Result<Found> {
        if let Some(Latest { text, schema, .. }) = &self.latest
            && reader.rest().starts_with(text)
        {
            // The text is a whole object, so it ends here whatever follows.
            reader.advance(text.len());
            return Ok(Found::Known(schema.clone()));
        }
        let start = reader.position();
        let node = reader.value().map_err(malformed)?;
        Ok(Found::New { text: input.slice(start..reader.position()), node })
    }

    fn schema(&mut self, found: Found, decoder: &Decoder) -> Result<Option<Schema>> {
        let (text, node) = match found {
            Found::Known(schema) => return Ok(Some(schema)),
            Found::New { text, node } => (text, node),
        };
        if let Some((text, schema)) = self.by_text.get_key_value(&text) {
            self.latest = Some(Latest::new(text.clone(), schema.clone()));
            return Ok(Some(schema.clone()));
        }
        let Some(schema) = decoder.schema(&node)? else { return Ok(None) };
        if self.by_text.len() >= self.limit {
            self.by_text.clear();
        }
        if self.limit > 0 {
            // A copy of its own: the slice would keep the whole message alive.
            let text = Bytes::copy_from_slice(&text);
            self.by_text.insert(text.clone(), schema.clone());
            self.latest = Some(Latest::new(text, schema.clone()));
        }
        Ok(Some(schema))
    }
}
