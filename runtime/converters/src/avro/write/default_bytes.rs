//! The bytes of a field's default, for a field that the registry's schema has and a record has not.

use serde_json::Value as Json;
use sluice_api::{ConnectError, Result};

use super::{put_bytes, put_long};
use crate::avro::schema::{AvroSchema, Kind, NodeId, is_valid_default};

/// Appends the default `json` of the type; it was checked with [`is_valid_default`].
pub(super) fn append(out: &mut Vec<u8>, schema: &AvroSchema, id: NodeId, json: &Json) -> Result<()> {
    match schema.kind(id) {
        Kind::Null => {}
        Kind::Boolean => out.push(u8::from(json.as_bool().unwrap_or(false))),
        Kind::Int | Kind::Long => put_long(out, json.as_i64().unwrap_or(0)),
        Kind::Float => out.extend_from_slice(&(json.as_f64().unwrap_or(0.0) as f32).to_le_bytes()),
        Kind::Double => out.extend_from_slice(&json.as_f64().unwrap_or(0.0).to_le_bytes()),
        Kind::String => put_bytes(out, json.as_str().unwrap_or_default().as_bytes()),
        Kind::Bytes => put_bytes(out, &latin1(json)),
        Kind::Fixed { size, .. } => super::put_fixed(out, *size, &latin1(json))?,
        Kind::Enum(symbols) => {
            let symbol = json.as_str().unwrap_or_default();
            let index = symbols.symbols.iter().position(|known| known == symbol);
            let index =
                index.ok_or_else(|| ConnectError::data(format!("the default {json} is no symbol of its enum")))?;
            put_long(out, index as i64);
        }
        Kind::Array(items) => {
            let all = json.as_array().map(Vec::as_slice).unwrap_or_default();
            super::start_block(out, all.len());
            all.iter().try_for_each(|item| append(out, schema, *items, item))?;
            out.push(0);
        }
        Kind::Map(values) => {
            let all = json.as_object();
            super::start_block(out, all.map_or(0, serde_json::Map::len));
            for (key, value) in all.into_iter().flatten() {
                put_bytes(out, key.as_bytes());
                append(out, schema, *values, value)?;
            }
            out.push(0);
        }
        Kind::Union(branches) => {
            let fitting = branches.iter().position(|branch| is_valid_default(schema, *branch, json));
            let index =
                fitting.ok_or_else(|| ConnectError::data(format!("the default {json} fits no branch of its union")))?;
            put_long(out, index as i64);
            append(out, schema, branches[index], json)?;
        }
        Kind::Record(record) => {
            for field in &record.fields {
                let value = json.get(&field.name).or(field.default.as_ref());
                append(out, schema, field.schema, value.unwrap_or(&Json::Null))?;
            }
        }
    }
    Ok(())
}

/// A byte per character.
fn latin1(json: &Json) -> Vec<u8> {
    let text = json.as_str().unwrap_or_default();
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}
