//! Structs straight from the text, for the payload that encoders write: all members there, in the order of the fields.
//!
//! A payload of another shape is left to the tree ([`super::decoder`]), which knows what Jackson makes of it, and which names what
//! is wrong. Saves the tree's vectors and names, a third of the cost of reading a record.

use sluice_api::data::{Schema, SchemaType, Struct, Value, logical};

use super::decoder::Decoder;
use super::reader::Reader;

/// Whether structs of this schema can be read straight from the text: names that JSON does not escape, and no collections, whose
/// elements would have to be checked again.
pub(super) fn is_direct(schema: &Schema) -> bool {
    let Ok(fields) = schema.fields() else { return false };
    let plain_name = |name: &str| name.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    !is_logical(schema)
        && fields.iter().all(|field| {
            let right_type = match field.schema().schema_type() {
                SchemaType::Array | SchemaType::Map => false,
                SchemaType::Struct => is_direct(field.schema()),
                _ => true,
            };
            plain_name(field.name()) && right_type
        })
}

fn is_logical(schema: &Schema) -> bool {
    matches!(schema.name(), Some(logical::DECIMAL | logical::DATE | logical::TIME | logical::TIMESTAMP))
}

/// The struct at the reader's position, whose schema [`is_direct`]; `None` leaves the reader somewhere.
pub(super) fn structure(reader: &mut Reader<'_>, schema: &Schema, decoder: &Decoder) -> Option<Struct> {
    let fields = schema.fields().ok()?;
    let mut values = Vec::with_capacity(fields.len());
    if !reader.take(b'{') {
        return None;
    }
    for field in fields {
        if field.index() > 0 && !reader.take(b',') {
            return None;
        }
        if !reader.take_name(field.name()) {
            return None;
        }
        values.push(member(reader, field.schema(), decoder)?);
        reader.skip_blanks();
    }
    if !reader.take(b'}') {
        return None;
    }
    Struct::from_checked(schema.clone(), values).ok()
}

fn member(reader: &mut Reader<'_>, schema: &Schema, decoder: &Decoder) -> Option<Value> {
    if schema.schema_type() == SchemaType::Struct && reader.peek() == Some(b'{') {
        return structure(reader, schema, decoder).map(Value::Struct);
    }
    let node = reader.value().ok()?;
    decoder.value(Some(schema), node).ok()
}
