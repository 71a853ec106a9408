//! Vectors by hand from the specification of Confluent's converter and of Protobuf, and properties.

mod reading;
mod round_trip;
mod writing;

use bytes::Bytes;
use sluice_api::data::{Schema, Value};
use sluice_api::{Properties, SchemaAndValue};

use super::ProtobufCodec;

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What `text` makes of the payload of its first message.
fn read(text: &str, payload: &[u8], keys: &[(&str, &str)]) -> SchemaAndValue {
    try_read(text, payload, keys).unwrap()
}

fn try_read(text: &str, payload: &[u8], keys: &[(&str, &str)]) -> sluice_api::Result<SchemaAndValue> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(payload);
    ProtobufCodec::new(text, &properties(keys))?.decode(&Bytes::from(bytes))
}

/// The text of the schema and the payload of the value.
fn write(schema: &Schema, value: impl Into<Value>, keys: &[(&str, &str)]) -> (String, Vec<u8>) {
    let (text, bytes) = ProtobufCodec::encode(schema, &value.into(), &properties(keys)).unwrap();
    (text, bytes.to_vec())
}

fn field<'a>(data: &'a SchemaAndValue, name: &str) -> &'a Value {
    let Value::Struct(value) = &data.value else { panic!("{data:?}") };
    value.get_without_default(name).unwrap()
}

fn trace(error: &sluice_api::ConnectError) -> String {
    error.trace()
}

/// What a fuzzer starts from, and every finding that becomes a seed.
#[test]
fn seeds_of_the_fuzzers_do_no_harm() {
    let replay = |folder: &str, run: &dyn Fn(&[u8])| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(folder);
        let files = std::fs::read_dir(folder).unwrap();
        files.for_each(|file| run(&std::fs::read(file.unwrap().path()).unwrap()));
    };
    replay("protobuf_schema", &|seed| {
        let end = seed.iter().position(|byte| *byte == 0).unwrap_or(seed.len());
        let text = String::from_utf8_lossy(&seed[..end]);
        if let Ok(codec) = ProtobufCodec::new(&text, &properties(&[])) {
            codec.decode(&Bytes::copy_from_slice(seed.get(end + 1..).unwrap_or_default())).ok();
        }
    });
    let text = "syntax = \"proto3\"; message M { int32 a = 1; string i = 9; oneof s { string t = 19; } } message S { int32 a = 1; }";
    let codec = ProtobufCodec::new(text, &properties(&[])).unwrap();
    replay("protobuf", &|seed| assert!(codec.decode(&Bytes::copy_from_slice(seed)).is_ok()));
}
