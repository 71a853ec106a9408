//! A JSON tree with what Kafka Connect looks at: which kind a node is, and the literal's exact number.

use bytestring::ByteString;
use num_bigint::BigInt;
use sluice_api::data::{BigDecimal, Map, Value};

/// A JSON value. Object members have distinct names, in the order in which they first occur.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Boolean(bool),
    Long(i64),
    BigInteger(BigInt),
    Decimal(BigDecimal),
    Text(ByteString),
    Array(Vec<Node>),
    Object(Vec<(ByteString, Node)>),
}

impl Node {
    /// The kind in Kafka Connect's messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean(_) => "BOOLEAN",
            Self::Long(_) | Self::BigInteger(_) | Self::Decimal(_) => "NUMBER",
            Self::Text(_) => "STRING",
            Self::Array(_) => "ARRAY",
            Self::Object(_) => "OBJECT",
        }
    }

    /// The member of an object; `None` for anything else.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| *key == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text of a text node.
    pub(crate) fn text(&self) -> Option<&ByteString> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number cut to 64 bit; anything else is 0.
    pub(crate) fn to_i64(&self) -> i64 {
        match self {
            Self::Long(number) => *number,
            Self::BigInteger(number) => BigDecimal::new(number.clone(), 0).to_i64_wrapping(),
            Self::Decimal(number) => number.to_i64_wrapping(),
            _ => 0,
        }
    }

    /// The nearest double; 0 for anything but numbers.
    pub(crate) fn to_f64(&self) -> f64 {
        match self {
            Self::Long(number) => *number as f64,
            Self::BigInteger(number) => BigDecimal::new(number.clone(), 0).to_f64(),
            Self::Decimal(number) => number.to_f64(),
            _ => 0.0,
        }
    }

    /// The nearest float; 0 for anything but numbers.
    pub(crate) fn to_f32(&self) -> f32 {
        match self {
            Self::Long(number) => *number as f32,
            Self::BigInteger(number) => BigDecimal::new(number.clone(), 0).to_f32(),
            Self::Decimal(number) => number.to_f32(),
            _ => 0.0,
        }
    }

    /// Schemaless data: integers become `Long` (cut to 64 bit), other numbers `Double`, objects a `HashMap`.
    pub(crate) fn into_schemaless(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(value),
            Self::Long(number) => Value::Int64(number),
            Self::BigInteger(_) => Value::Int64(self.to_i64()),
            Self::Decimal(_) => Value::Float64(self.to_f64()),
            Self::Text(text) => Value::String(text),
            Self::Array(nodes) => Value::Array(nodes.into_iter().map(Self::into_schemaless).collect()),
            Self::Object(members) => Value::Map(Map::hash_ordered_distinct(
                members.into_iter().map(|(name, node)| (Value::String(name), node.into_schemaless())),
            )),
        }
    }
}
