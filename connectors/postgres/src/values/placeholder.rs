//! What stands for a value that the server did not send because it is stored out of line and has not changed.

use bytes::Bytes;
use openssl::hash::{MessageDigest, hash};
use sluice_api::data::Map;
use sluice_api::{Schema, SchemaType, Value};

const UUID: &str = "io.debezium.data.Uuid";

/// `unavailable.value.placeholder`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placeholder(Bytes);

impl Default for Placeholder {
    fn default() -> Self {
        Self(Bytes::from_static(b"__debezium_unavailable_value"))
    }
}

impl Placeholder {
    /// The placeholder of a setting: text, or bytes behind `hex:`. `None` when the digits are wrong.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("hex:") {
            Some(digits) => Some(Self(super::binary::hex(digits.as_bytes())?.into())),
            None => Some(Self(Bytes::copy_from_slice(text.as_bytes()))),
        }
    }

    fn text(&self) -> Value {
        Value::from(String::from_utf8_lossy(&self.0).into_owned())
    }

    /// The placeholder as a value of `schema`; `None` for types that have none.
    pub(crate) fn of(&self, schema: &Schema) -> Option<Value> {
        match schema.schema_type() {
            SchemaType::String => Some(self.text()),
            SchemaType::Bytes if schema.name().is_none() => Some(Value::Bytes(self.0.clone())),
            SchemaType::Map => Some(Value::Map(Map::insertion_ordered([(self.text(), self.text())]))),
            SchemaType::Array => self.of_element(schema.value_schema().ok()??).map(Value::Array),
            _ => None,
        }
    }

    fn of_element(&self, element: &Schema) -> Option<Vec<Value>> {
        // Java's bytes are signed.
        let numbers = || self.0.iter().map(|byte| *byte as i8);
        match element.schema_type() {
            SchemaType::Int32 => Some(numbers().map(|number| Value::Int32(number.into())).collect()),
            SchemaType::Int64 => Some(numbers().map(|number| Value::Int64(number.into())).collect()),
            SchemaType::String if element.name() == Some(UUID) => Some(vec![Value::from(self.name_based_uuid()?)]),
            SchemaType::String => Some(vec![self.text()]),
            SchemaType::Bytes if element.name().is_none() => Some(vec![Value::Bytes(self.0.clone())]),
            _ => None,
        }
    }

    /// `UUID.nameUUIDFromBytes`: version 3 of the MD5 of the bytes.
    fn name_based_uuid(&self) -> Option<String> {
        let mut bytes = hash(MessageDigest::md5(), &self.0).ok()?.to_vec();
        bytes[6] = bytes[6] & 0x0f | 0x30;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
    }
}
