//! `spec`: which fields become what.

use bytestring::ByteString;
use sluice_api::SchemaType;
use sluice_api::data::{java_hash_order_by, java_string_hash};

/// What values can be cast to, in the order in which messages list them.
const OUTPUTS: [SchemaType; 8] = [
    SchemaType::Int8,
    SchemaType::Int16,
    SchemaType::Int32,
    SchemaType::Int64,
    SchemaType::Float32,
    SchemaType::Float64,
    SchemaType::Boolean,
    SchemaType::String,
];

const NO_OUTPUTS: [SchemaType; 4] = [SchemaType::Bytes, SchemaType::Array, SchemaType::Map, SchemaType::Struct];

/// What is cast.
#[derive(Debug, PartialEq)]
pub(super) enum Spec {
    /// The whole key or value.
    Whole(SchemaType),
    /// Fields, in the order of Java's `HashMap`.
    Fields(Vec<(ByteString, SchemaType)>),
}

impl Spec {
    /// Reads `field:type` items, or a single type. The error is the whole message.
    pub(super) fn parse(items: &[String]) -> Result<Self, String> {
        let mut fields: Vec<(ByteString, SchemaType)> = Vec::new();
        let mut whole = None;
        for item in items {
            match parts(item)[..] {
                [target] => whole = Some(parse_type(target)?),
                [name, target] => {
                    let (name, target) = (ByteString::from(name.trim()), parse_type(target)?);
                    match fields.iter_mut().find(|(known, _)| *known == name) {
                        Some(field) => field.1 = target,
                        None => fields.push((name, target)),
                    }
                }
                _ => return Err(wrong_item(items, item)),
            }
        }
        match whole {
            None => {
                java_hash_order_by(&mut fields, |(name, _)| java_string_hash(name));
                Ok(Self::Fields(fields))
            }
            Some(target) if items.len() == 1 => Ok(Self::Whole(target)),
            Some(_) => {
                Err("Cast transformations that specify a type to cast the entire value to may only specify a single \
                            cast in their spec"
                    .to_owned())
            }
        }
    }

    /// The new type of a field.
    pub(super) fn target(&self, name: &str) -> Option<SchemaType> {
        match self {
            Self::Whole(_) => None,
            Self::Fields(fields) => fields.iter().find(|(field, _)| **field == *name).map(|(_, target)| *target),
        }
    }
}

/// Splits at colons as Java does: empty parts at the end do not count.
fn parts(item: &str) -> Vec<&str> {
    let mut parts: Vec<_> = item.split(':').collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    if parts == [""] && !item.is_empty() { Vec::new() } else { parts }
}

fn parse_type(text: &str) -> Result<SchemaType, String> {
    let text = text.trim();
    let name = text.to_uppercase();
    if let Some(target) = OUTPUTS.into_iter().find(|target| target.name() == name) {
        return Ok(target);
    }
    if NO_OUTPUTS.iter().any(|target| target.name() == name) {
        let supported = OUTPUTS.map(SchemaType::name).join(", ");
        return Err(format!(
            "Cast transformation does not support casting to {name}; supported types are [{supported}]"
        ));
    }
    // Kafka Connect's message has its parts in the wrong places; this is what its users see.
    Err(format!(
        "Invalid value java.lang.IllegalArgumentException: No enum constant org.apache.kafka.connect.data.Schema.Type.{name} \
         for configuration Invalid type found in casting spec: {text}"
    ))
}

fn wrong_item(items: &[String], item: &str) -> String {
    format!("Invalid value [{}] for configuration renames: Invalid rename mapping: {item}", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(items: &[&str]) -> Result<Spec, String> {
        Spec::parse(&items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn items_are_fields_or_one_type() {
        assert_eq!(parse(&["int8"]), Ok(Spec::Whole(SchemaType::Int8)));
        assert_eq!(parse(&["STRING:"]), Ok(Spec::Whole(SchemaType::String)));
        assert_eq!(parse(&[" f : Float32 "]), Ok(Spec::Fields(vec![("f".into(), SchemaType::Float32)])));
        assert_eq!(parse(&[":int8"]), Ok(Spec::Fields(vec![(ByteString::new(), SchemaType::Int8)])));
    }

    #[test]
    fn mistakes_have_kafkas_texts() {
        let message = |items: &[&str]| parse(items).unwrap_err();
        assert_eq!(
            message(&["a:int8:b"]),
            "Invalid value [a:int8:b] for configuration renames: Invalid rename mapping: a:int8:b"
        );
        assert_eq!(
            message(&["a"]),
            "Invalid value java.lang.IllegalArgumentException: No enum constant \
             org.apache.kafka.connect.data.Schema.Type.A for configuration Invalid type found in casting spec: a"
        );
        assert_eq!(
            message(&["a:bytes"]),
            "Cast transformation does not support casting to BYTES; supported types are [INT8, INT16, INT32, INT64, FLOAT32, \
             FLOAT64, BOOLEAN, STRING]"
        );
        assert!(message(&["int8", "f:int8"]).starts_with("Cast transformations that specify a type"));
        assert!(message(&[":"]).contains("Invalid rename mapping"));
    }
}
