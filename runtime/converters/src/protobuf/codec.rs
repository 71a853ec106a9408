//! One schema without a registry: what fuzz targets and tests go through.

use bytes::Bytes;
use sluice_api::data::{Schema, Value};
use sluice_api::{Properties, Result, SchemaAndValue};

use super::config::ProtobufConfig;
use super::descriptor::ParsedSchema;
use super::from_schema::from_schema;
use super::to_schema::to_schema;
use super::{decode_plan, decoder, encode_plan, encoder, indexes};

/// Reads and writes the messages of one schema, the message indexes in front.
#[derive(Debug)]
pub struct ProtobufCodec {
    config: ProtobufConfig,
    parsed: ParsedSchema,
}

impl ProtobufCodec {
    /// A codec for the schema `text`; `properties` are the converter's keys.
    ///
    /// # Errors
    /// `Config` for a wrong key, `Data` when the text is no schema.
    pub fn new(text: &str, properties: &Properties) -> Result<Self> {
        Ok(Self { config: config(properties)?, parsed: ParsedSchema::parse(text, &[])? })
    }

    /// The data in `bytes`: message indexes and payload.
    ///
    /// # Errors
    /// `Data` when they are no message of the schema.
    pub fn decode(&self, bytes: &Bytes) -> Result<SchemaAndValue> {
        let (path, length) = indexes::read(bytes)?;
        let message = self.parsed.message_at(&path)?;
        let schema = to_schema(&message, None, &self.config)?;
        let plan = decode_plan::root(&message, &schema, &self.config)?;
        let value = decoder::decode(&plan, &bytes.slice(length..))?;
        Ok(SchemaAndValue { schema: Some(schema), value })
    }

    /// The schema text that `schema` becomes, and the bytes of `value`: message indexes and payload.
    ///
    /// # Errors
    /// `Config` for a wrong key, `Data` when Protobuf cannot hold the schema or the value.
    pub fn encode(schema: &Schema, value: &Value, properties: &Properties) -> Result<(String, Bytes)> {
        let config = config(properties)?;
        let generated = from_schema(schema, &config)?;
        let parsed = ParsedSchema::parse(&generated.text, &[])?;
        let path = parsed.path_of(&generated.message);
        let plan = encode_plan::root(schema, &parsed.message_at(&path)?, &config)?;
        let mut out = Vec::new();
        indexes::write(&mut out, &path);
        encoder::encode(&plan, &mut out, value)?;
        Ok((generated.text, Bytes::from(out)))
    }
}

fn config(properties: &Properties) -> Result<ProtobufConfig> {
    let mut properties = properties.clone();
    properties.entry("schema.registry.url".to_owned()).or_insert_with(|| "http://localhost".to_owned());
    ProtobufConfig::parse(&properties)
}
