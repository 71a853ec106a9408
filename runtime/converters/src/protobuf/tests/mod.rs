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
