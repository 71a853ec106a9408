//! JSON Schemas of others and a record by each: text, a zero byte, the record.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_api::Properties;
use sluice_converters::fuzzing::parts;
use sluice_converters::json_schema::JsonSchemaCodec;

fuzz_target!(|bytes: &[u8]| {
    let (text, record) = parts(bytes);
    let keys = Properties::new();
    let references = [("other.json".to_owned(), r#"{"definitions":{"a":{"type":"string"}}}"#.to_owned())];
    let Ok(codec) = JsonSchemaCodec::new(&text, &references, &keys) else { return };
    let Ok(read) = codec.decode(&record) else { return };
    // What was read can be written, and the schema that it is written with is one.
    if let Ok((text, _)) = JsonSchemaCodec::encode(codec.schema(), &read.value, &keys) {
        JsonSchemaCodec::new(&text, &[], &keys).ok();
    }
});
