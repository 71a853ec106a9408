//! JSON as Kafka Connect reads and writes it: the format of `JsonConverter` and of the internal topics.
//!
//! Storage calls [`parse_json`] and [`to_json_bytes`] for schemaless data. The bytes are those of Jackson, since topics of a
//! cluster are read by both sides (Invariant 6).

mod config;
mod converter;
pub(crate) mod decoder;
mod direct;
mod encoder;
mod encoding;
pub(crate) mod node;
mod reader;
mod rows;
mod schema_writer;
pub(crate) mod writer;

use bytes::Bytes;
use sluice_api::{ConnectError, Result, Value};

pub(crate) use converter::PLUGIN;
use node::Node;
pub use rows::JsonRows;

/// Schemaless data as JSON bytes, in the order of the maps' entries; null is the four bytes `null`.
pub fn to_json_bytes(value: &Value) -> Bytes {
    let mut out = Vec::with_capacity(128);
    writer::write_value(&mut out, value);
    Bytes::from(out)
}

/// The schemaless data in JSON bytes: integers become `Int64`, other numbers `Float64`, objects maps in Java's `HashMap` order.
/// No bytes, or blanks alone, are null; what follows the first value is ignored.
///
/// # Errors
/// `Data` when the bytes are no JSON; the cause has the position.
pub fn parse_json(bytes: &[u8]) -> Result<Value> {
    let node = parse(&Bytes::copy_from_slice(bytes))?;
    Ok(node.map_or(Value::Null, Node::into_schemaless))
}

/// The first value in JSON bytes of whatever encoding; `None` for blanks alone.
pub(crate) fn parse(bytes: &Bytes) -> Result<Option<Node>> {
    let parsed = encoding::to_utf8(bytes).and_then(|text| reader::Reader::new(&text).root());
    parsed.map_err(malformed)
}

fn malformed(cause: reader::Error) -> ConnectError {
    ConnectError::data("Converting byte[] to Kafka Connect data failed due to serialization error: ").with_source(cause)
}

#[cfg(test)]
mod tests;
