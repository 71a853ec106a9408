//! One schema without a registry: what fuzz targets and tests go through.

use bytes::Bytes;
use sluice_api::data::{Schema, Value};
use sluice_api::{Properties, Result, SchemaAndValue};

use super::config::JsonSchemaConfig;
use super::converter::decode_root;
use super::documents::Documents;
use super::encoder::Encoder;
use super::from_schema::from_schema;
use super::loader::Elements;
use super::to_schema::to_schema;
use super::validator::Validator;
use crate::json::node::Node;
use crate::json::parse;

/// Reads and writes the JSON of one schema.
#[derive(Debug)]
pub struct JsonSchemaCodec {
    schema: Schema,
    validator: Option<Validator>,
}

impl JsonSchemaCodec {
    /// A codec for the schema `text`; `properties` are the converter's keys, `references` other texts by their names.
    ///
    /// # Errors
    /// `Config` for a wrong key, `Data` when the text is no schema that Connect can hold.
    pub fn new(text: &str, references: &[(String, String)], properties: &Properties) -> Result<Self> {
        let config = config(properties)?;
        let schema = to_schema(&Elements::load(&Documents::parse(text, references)?)?, None, &config)?;
        let validator = match config.validate {
            true => Some(Validator::new(text, references, "json.fail.invalid.schema")?),
            false => None,
        };
        Ok(Self { schema, validator })
    }

    /// The Connect schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The data in a JSON text.
    ///
    /// # Errors
    /// `Data` when it does not fit the schema.
    pub fn decode(&self, json: &Bytes) -> Result<SchemaAndValue> {
        if let Some(validator) = &self.validator {
            validator.check(json)?;
        }
        decode_root(&self.schema, parse(json)?.unwrap_or(Node::Null))
    }

    /// The schema text that `schema` becomes, and the JSON of `value`; `None` for a null that is not written.
    ///
    /// # Errors
    /// `Config` for a wrong key, `Data` when the value does not fit the schema.
    pub fn encode(schema: &Schema, value: &Value, properties: &Properties) -> Result<(String, Option<Bytes>)> {
        let config = config(properties)?;
        let mut out = Vec::new();
        let written = Encoder::new(&config).write(&mut out, schema, value)?;
        Ok((from_schema(schema, &config)?, written.then(|| Bytes::from(out))))
    }
}

fn config(properties: &Properties) -> Result<JsonSchemaConfig> {
    let mut properties = properties.clone();
    properties.entry("schema.registry.url".to_owned()).or_insert_with(|| "http://localhost".to_owned());
    JsonSchemaConfig::parse(&properties)
}
