//! JSON Schemas of others.

use sluice_api::Properties;

use super::parts;
use crate::json_schema::JsonSchemaCodec;

/// A JSON Schema and a record by it: text, a zero byte, the record. What was read can be written, and the schema that it is written
/// with is one.
pub fn json_schema(bytes: &[u8]) {
    let (text, record) = parts(bytes);
    let keys = Properties::new();
    let references = [("other.json".to_owned(), r#"{"definitions":{"a":{"type":"string"}}}"#.to_owned())];
    let Ok(codec) = JsonSchemaCodec::new(&text, &references, &keys) else { return };
    let Ok(read) = codec.decode(&record) else { return };
    if let Ok((text, _)) = JsonSchemaCodec::encode(codec.schema(), &read.value, &keys) {
        JsonSchemaCodec::new(&text, &[], &keys).ok();
    }
}
