//! What `column.mask.*` and `column.truncate.*` make of a value, and what they note in its field's schema. Keys are never changed.

use bytes::Bytes;
use bytestring::ByteString;
use openssl::hash::{MessageDigest, hash};
use sluice_api::{SchemaBuilder, Value};

/// One rule of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mapping {
    /// At most so many UTF-16 units of a text, or bytes.
    Truncate(usize),
    /// This text for every value, nulls too.
    Mask(ByteString),
    /// A salted hash in hex, cut to the column's length.
    Hash { algorithm: MessageDigestName, salt: ByteString, version: HashVersion },
    /// The value stays; its field's schema tells the column's type.
    SourceType,
}

/// A hash algorithm under Java's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageDigestName {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// What is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashVersion {
    /// The text as Java serialises it.
    Serialized,
    /// The text itself.
    Plain,
}

impl MessageDigestName {
    /// `SHA-256`, `md5`, …
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "MD5" => Self::Md5,
            "SHA" | "SHA1" | "SHA-1" => Self::Sha1,
            "SHA-224" => Self::Sha224,
            "SHA-256" => Self::Sha256,
            "SHA-384" => Self::Sha384,
            "SHA-512" => Self::Sha512,
            _ => return None,
        })
    }

    fn digest(self) -> MessageDigest {
        match self {
            Self::Md5 => MessageDigest::md5(),
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha224 => MessageDigest::sha224(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

/// A rule as it applies to one column.
#[derive(Clone, Debug)]
pub(crate) struct ColumnMapping {
    rule: Mapping,
    /// The declared length of the column.
    length: Option<usize>,
    /// Masks are for character types alone; other values pass, as in Debezium.
    is_text: bool,
}

impl ColumnMapping {
    /// The rule for a column of the type `type_name` with its modifier.
    pub(crate) fn new(rule: &Mapping, type_name: &str, is_enum: bool, modifier: i32) -> Self {
        let is_character = matches!(type_name, "varchar" | "bpchar");
        let length = usize::try_from(modifier - 4).ok().filter(|_| is_character);
        let is_text = is_enum || is_character || matches!(type_name, "text" | "name");
        Self { rule: rule.clone(), length, is_text }
    }

    /// Whether the rule hides values and this column's type has no text to hide.
    pub(crate) fn passes_values(&self) -> bool {
        !self.is_text && !matches!(self.rule, Mapping::Truncate(_) | Mapping::SourceType)
    }

    /// Notes the rule in the schema.
    pub(crate) fn note(&self, schema: SchemaBuilder) -> SchemaBuilder {
        match self.rule {
            Mapping::Truncate(length) if self.is_longer_than(length) => {
                schema.parameter("truncateLength", length.to_string())
            }
            Mapping::Truncate(_) | Mapping::SourceType => schema,
            Mapping::Mask(_) | Mapping::Hash { .. } => schema.parameter("masked", "true"),
        }
    }

    fn is_longer_than(&self, length: usize) -> bool {
        self.length.is_none_or(|declared| declared > length)
    }

    /// The value that goes out; `None` when it could not be hashed.
    pub(crate) fn apply(&self, value: Value) -> Option<Value> {
        match &self.rule {
            Mapping::Truncate(length) if self.is_longer_than(*length) => Some(truncated(value, *length)),
            Mapping::Mask(text) if self.is_text => Some(Value::String(text.clone())),
            Mapping::Hash { algorithm, salt, version } if self.is_text => match &value {
                Value::String(text) => {
                    let mut bytes = salt.as_bytes().to_vec();
                    match version {
                        HashVersion::Plain => bytes.extend_from_slice(text.as_bytes()),
                        HashVersion::Serialized => serialize(text, &mut bytes),
                    }
                    let digest = hash(algorithm.digest(), &bytes).ok()?;
                    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                    let length = self.length.unwrap_or(usize::MAX);
                    Some(truncated(Value::from(hex), length))
                }
                _ => Some(value),
            },
            _ => Some(value),
        }
    }
}

/// Java counts UTF-16 units; a pair that would be cut in two is left out whole.
fn truncated(value: Value, length: usize) -> Value {
    match value {
        Value::String(text) if text.len() > length => {
            let mut units = 0;
            let end = text.char_indices().find(|(_, character)| {
                units += character.len_utf16();
                units > length
            });
            match end {
                Some((end, _)) => Value::String(ByteString::from(&text[..end])),
                None => Value::String(text),
            }
        }
        Value::Bytes(bytes) if bytes.len() > length => Value::Bytes(Bytes::slice(&bytes, ..length)),
        value => value,
    }
}

/// A string as `ObjectOutputStream.writeObject` writes it: stream header, tag, length, modified UTF-8.
fn serialize(text: &str, out: &mut Vec<u8>) {
    out.extend([0xac, 0xed, 0, 5]);
    let mut body = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        let byte = |bits: u16, mark: u8| mark | u8::try_from(bits & 0x3f).unwrap_or(0);
        match unit {
            1..=0x7f => body.push(u8::try_from(unit).unwrap_or(0)),
            0 | 0x80..=0x7ff => body.extend([byte(unit >> 6, 0xc0), byte(unit, 0x80)]),
            _ => body.extend([byte(unit >> 12, 0xe0), byte(unit >> 6, 0x80), byte(unit, 0x80)]),
        }
    }
    match u16::try_from(body.len()) {
        Ok(length) => {
            out.push(0x74);
            out.extend(length.to_be_bytes());
        }
        Err(_) => {
            out.push(0x7c);
            out.extend((body.len() as u64).to_be_bytes());
        }
    }
    out.extend(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_serialized_as_java_does() {
        let mut out = Vec::new();
        serialize("a\0ü😀", &mut out);
        let expected =
            [0xac, 0xed, 0, 5, 0x74, 0, 11, b'a', 0xc0, 0x80, 0xc3, 0xbc, 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80];
        assert_eq!(out, expected);
    }

    #[test]
    fn texts_are_cut_masked_and_hashed() {
        let rule = |rule: Mapping, type_name, modifier| ColumnMapping::new(&rule, type_name, false, modifier);
        let cut = rule(Mapping::Truncate(3), "text", -1);
        assert_eq!(cut.apply(Value::from("abcd")), Some(Value::from("abc")));
        assert_eq!(cut.apply(Value::from("ab😀")), Some(Value::from("ab")));
        let short = rule(Mapping::Truncate(10), "varchar", 9);
        assert_eq!(short.apply(Value::from("abcde")), Some(Value::from("abcde")));
        let mask = rule(Mapping::Mask("***".into()), "varchar", 9);
        assert_eq!(mask.apply(Value::Null), Some(Value::from("***")), "a null is no secret either way");
        let number = rule(Mapping::Mask("***".into()), "int4", -1);
        assert_eq!(number.apply(Value::Int32(7)), Some(Value::Int32(7)));
        assert!(number.passes_values());
        let hash =
            Mapping::Hash { algorithm: MessageDigestName::Sha256, salt: "salt".into(), version: HashVersion::Plain };
        let hashed = rule(hash, "varchar", 12).apply(Value::from("x")).unwrap();
        assert_eq!(hashed.as_str().map(str::len), Some(8), "cut to the column's length");
    }
}
