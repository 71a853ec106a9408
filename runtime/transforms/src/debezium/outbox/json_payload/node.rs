//! JSON text as a tree in which objects keep their order and numbers their kind.

use std::fmt;

use bytestring::ByteString;
use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use sluice_api::{ConnectError, Result};

/// 2^63.
const BEYOND_64_BITS: f64 = 9_223_372_036_854_775_808.0;

/// A JSON value.
#[derive(Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Boolean(bool),
    Int(i32),
    Long(i64),
    Double(f64),
    Text(ByteString),
    Array(Vec<Node>),
    Object(IndexMap<String, Node>),
}

/// The first JSON value of the text. What follows it does not count, as with Debezium.
///
/// # Errors
/// `Data` for text that is no JSON, and for numbers beyond 64 bits.
pub(super) fn read(text: &str) -> Result<Node> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Node::deserialize(&mut deserializer).map_err(|cause| ConnectError::data(format!("reading the payload: {cause}")))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(i32::try_from(value).map_or(Node::Long(value), Node::Int))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        let value = i64::try_from(value).map_err(|_| E::custom("a number beyond 64 bits"))?;
        self.visit_i64(value)
    }

    /// Whole numbers beyond 64 bits come this way too and would lose digits, so nothing of their size is taken.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        if value.abs() >= BEYOND_64_BITS {
            return Err(E::custom("a number beyond 64 bits"));
        }
        Ok(Node::Double(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.push(element);
        }
        Ok(Node::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut object = IndexMap::new();
        while let Some((name, node)) = entries.next_entry::<String, Node>()? {
            // A repeated name keeps its first place and its last value.
            object.insert(name, node);
        }
        Ok(Node::Object(object))
    }
}
