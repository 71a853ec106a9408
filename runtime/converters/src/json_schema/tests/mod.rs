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

/// What a fuzzer starts from, and every finding that becomes a seed.
#[test]
fn seeds_of_the_fuzzer_do_no_harm() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/json_schema");
    let references = [("other.json".to_owned(), r#"{"definitions":{"a":{"type":"string"}}}"#.to_owned())];
    for file in std::fs::read_dir(folder).unwrap() {
        let seed = std::fs::read(file.unwrap().path()).unwrap();
        let end = seed.iter().position(|byte| *byte == 0).unwrap_or(seed.len());
        let text = String::from_utf8_lossy(&seed[..end]);
        if let Ok(codec) = JsonSchemaCodec::new(&text, &references, &properties(&[])) {
            codec.decode(&Bytes::copy_from_slice(seed.get(end + 1..).unwrap_or_default())).ok();
        }
    }
}
