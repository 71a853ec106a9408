//! Names: those that Confluent's mapping gives a meaning, and what becomes of characters that Avro does not allow.

use sluice_api::{Schema, SchemaType};

use super::config::AvroDataConfig;
use super::schema::{Kind, Name};

pub(super) const NAMESPACE: &str = "io.confluent.connect.avro";
pub(super) const DEFAULT_SCHEMA_NAME: &str = "ConnectDefault";
pub(super) const DEFAULT_SCHEMA_FULL_NAME: &str = "io.confluent.connect.avro.ConnectDefault";
pub(super) const MAP_ENTRY: &str = "MapEntry";
pub(super) const KEY_FIELD: &str = "key";
pub(super) const VALUE_FIELD: &str = "value";

pub(super) const CONNECT_NAME: &str = "connect.name";
pub(super) const CONNECT_DOC: &str = "connect.doc";
pub(super) const CONNECT_RECORD_DOC: &str = "connect.record.doc";
pub(super) const CONNECT_ENUM_DOC: &str = "connect.enum.doc";
pub(super) const CONNECT_VERSION: &str = "connect.version";
pub(super) const CONNECT_DEFAULT: &str = "connect.default";
pub(super) const CONNECT_PARAMETERS: &str = "connect.parameters";
pub(super) const CONNECT_INTERNAL_TYPE: &str = "connect.internal.type";
pub(super) const CONNECT_TYPE: &str = "connect.type";
pub(super) const AVRO_RECORD_DOC: &str = "io.confluent.connect.avro.record.doc";
pub(super) const AVRO_ENUM_DOC_PREFIX: &str = "io.confluent.connect.avro.enum.doc.";
pub(super) const AVRO_FIELD_DOC_PREFIX: &str = "io.confluent.connect.avro.field.doc.";
pub(super) const AVRO_FIELD_DEFAULT_FLAG: &str = "io.confluent.connect.avro.field.default";
pub(super) const AVRO_ENUM_DEFAULT_PREFIX: &str = "io.confluent.connect.avro.enum.default.";
pub(super) const AVRO_UNION: &str = "io.confluent.connect.avro.Union";
pub(super) const AVRO_ENUM: &str = "io.confluent.connect.avro.Enum";
pub(super) const GENERALIZED_UNION: &str = "org.apache.kafka.connect.data.Union";
pub(super) const GENERALIZED_ENUM: &str = "org.apache.kafka.connect.data.Enum";
pub(super) const FIXED_SIZE: &str = "connect.fixed.size";
pub(super) const DECIMAL_PRECISION: &str = "connect.decimal.precision";
pub(super) const DEFAULT_PRECISION: i32 = 64;

/// Whether the schema stands for an Avro union: a struct with a field per branch.
pub(super) fn is_union(schema: &Schema) -> bool {
    schema.schema_type() == SchemaType::Struct
        && (schema.name() == Some(AVRO_UNION) || parameter(schema, GENERALIZED_UNION).is_some())
}

/// The size of the Avro fixed that the schema stands for.
pub(super) fn fixed_size(schema: &Schema) -> Option<usize> {
    schema.name()?;
    let size = parameter(schema, FIXED_SIZE).filter(|_| schema.schema_type() == SchemaType::Bytes)?;
    size.parse().ok()
}

pub(super) fn parameter<'a>(schema: &'a Schema, name: &str) -> Option<&'a str> {
    schema.parameters()?.get(name).map(String::as_str)
}

impl AvroDataConfig {
    /// The name of a field, scrubbed if that is wanted.
    pub(super) fn field_name(&self, name: &str) -> String {
        if self.scrub_invalid_names { scrubbed(name) } else { name.to_owned() }
    }

    /// A Connect schema's name as an Avro name.
    pub(super) fn avro_name(&self, name: &str) -> Name {
        if !self.scrub_invalid_names {
            return Name::new(name, None);
        }
        let parts: Vec<String> = name.split('.').map(scrubbed).collect();
        Name::new(&parts.join("."), None)
    }

    /// The name of the field of a union's struct for a branch of this kind.
    pub(super) fn branch_name(&self, kind: &Kind, index: usize) -> String {
        if self.generalized_sum_types {
            return format!("connect_union_field_{index}");
        }
        match kind.name() {
            Some(name) if self.enhanced_schema_support => name.full(),
            Some(name) if self.scrub_invalid_names => scrubbed(&name.name),
            Some(name) => name.name.clone(),
            None => kind.word().to_owned(),
        }
    }
}

/// The name with every character that Avro does not allow replaced, as Confluent's converter does it: URL encoding first, then
/// underscores.
fn scrubbed(name: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_well = !name.as_bytes().first().is_some_and(u8::is_ascii_digit);
    if name.is_empty() || (starts_well && name.bytes().all(fits)) {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len() * 3);
    if !starts_well {
        out.push('x');
    }
    for byte in name.bytes() {
        match byte {
            _ if fits(byte) => out.push(char::from(byte)),
            // What URL encoding leaves as it is, and the blank that becomes a plus.
            b'.' | b'-' | b'*' | b' ' => out.push('_'),
            _ => out.push_str(&format!("_{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrubbing_is_confluents() {
        for (name, expected) in [
            ("plain_1", "plain_1"),
            ("my-name", "my_name"),
            ("a b", "a_b"),
            ("1st", "x1st"),
            ("a$b", "a_24b"),
            ("é", "_C3_A9"),
            ("a.b", "a_b"),
            ("", ""),
        ] {
            assert_eq!(scrubbed(name), expected, "{name}");
        }
    }
}
