//! Vectors by hand from the specification of Confluent's converter, and properties.

mod reading;
mod round_trip;
mod writing;

use bytes::Bytes;
use sluice_api::data::{Schema, Value};
use sluice_api::{Properties, Result, SchemaAndValue};

use super::JsonSchemaCodec;

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn codec(text: &str, keys: &[(&str, &str)]) -> Result<JsonSchemaCodec> {
    JsonSchemaCodec::new(text, &[], &properties(keys))
}

fn schema_of(text: &str, keys: &[(&str, &str)]) -> Schema {
    codec(text, keys).unwrap().schema().clone()
}

fn read(text: &str, json: &str, keys: &[(&str, &str)]) -> SchemaAndValue {
    codec(text, keys).unwrap().decode(&Bytes::copy_from_slice(json.as_bytes())).unwrap()
}

fn write(schema: &Schema, value: impl Into<Value>, keys: &[(&str, &str)]) -> (String, Option<String>) {
    let (text, json) = JsonSchemaCodec::encode(schema, &value.into(), &properties(keys)).unwrap();
    (text, json.map(|json| String::from_utf8(json.to_vec()).unwrap()))
}
