//! Defaults in Avro schemas as Connect values.

use bytes::Bytes;
use serde_json::Value as Json;
use sluice_api::data::{BigDecimal, Map, Struct, Value, logical};
use sluice_api::{ConnectError, Result, Schema, SchemaType};

use super::is_map_entry;
use crate::avro::config::AvroDataConfig;
use crate::avro::schema::{AvroSchema, Kind, NodeId};

/// The value that `json`, a default of the type, has in the Connect schema that stands for it.
///
/// # Errors
/// `Data` when it does not fit the type.
pub(in crate::avro) fn value(
    config: &AvroDataConfig,
    avro: &AvroSchema,
    id: NodeId,
    schema: &Schema,
    json: &Json,
) -> Result<Value> {
    let wrong = || ConnectError::data(format!("{json} is no default of {schema}"));
    let inner =
        |id: NodeId, schema: Option<&Schema>, json: &Json| value(config, avro, id, schema.ok_or_else(wrong)?, json);
    Ok(match avro.kind(id) {
        _ if json.is_null() => Value::Null,
        Kind::Null => Value::Null,
        Kind::Boolean => Value::Boolean(json.as_bool().ok_or_else(wrong)?),
        Kind::Int => int(schema, json.as_i64().and_then(|number| i32::try_from(number).ok()).ok_or_else(wrong)?)?,
        Kind::Long => match (schema.name(), json.as_i64().ok_or_else(wrong)?) {
            (Some(logical::TIMESTAMP), millis) => Value::Date(millis),
            (_, number) => Value::Int64(number),
        },
        Kind::Float => Value::Float32(number(json).ok_or_else(wrong)? as f32),
        Kind::Double => Value::Float64(number(json).ok_or_else(wrong)?),
        Kind::String | Kind::Enum(_) => Value::from(json.as_str().ok_or_else(wrong)?),
        Kind::Bytes | Kind::Fixed { .. } => bytes(schema, json.as_str().ok_or_else(wrong)?)?,
        Kind::Array(items) if is_map_entry(avro, *items) && json.as_array().is_some_and(Vec::is_empty) => {
            Value::Map(Map::default())
        }
        Kind::Array(items) if is_map_entry(avro, *items) => return Err(wrong()),
        Kind::Array(items) => {
            let all = json.as_array().ok_or_else(wrong)?;
            let element = schema.value_schema()?;
            Value::Array(all.iter().map(|item| inner(*items, element, item)).collect::<Result<_>>()?)
        }
        Kind::Map(values) => {
            let all = json.as_object().ok_or_else(wrong)?;
            let of_value = schema.value_schema()?;
            let entry =
                |(key, json): (&String, &Json)| Ok((Value::from(key.as_str()), inner(*values, of_value, json)?));
            let entries = all.iter().map(entry).collect::<Result<Vec<_>>>()?;
            Value::Map(Map::hash_ordered_of_capacity(entries.len(), entries))
        }
        Kind::Record(record) => {
            let members = json.as_object().ok_or_else(wrong)?;
            let mut all = Struct::new(schema.clone())?;
            for (field, avro_field) in schema.fields()?.iter().zip(&record.fields) {
                let json = members.get(&avro_field.name).or(avro_field.default.as_ref()).ok_or_else(wrong)?;
                all.put_field(field, inner(avro_field.schema, Some(field.schema()), json)?)?;
            }
            Value::Struct(all)
        }
        Kind::Union(branches) => {
            let fitting = |branch: &&NodeId| crate::avro::schema::is_valid_default(avro, **branch, json);
            let branch = branches.iter().find(fitting).ok_or_else(wrong)?;
            if schema.schema_type() != SchemaType::Struct || !crate::avro::names::is_union(schema) {
                return inner(*branch, Some(schema), json);
            }
            let at = branches.iter().position(|other| other == branch).unwrap_or(0);
            let name = config.branch_name(avro.kind(*branch), at);
            let field = schema.field(&name)?.ok_or_else(wrong)?;
            let value = inner(*branch, Some(field.schema()), json)?;
            Value::Struct(Struct::new(schema.clone())?.with(&name, value)?)
        }
    })
}

/// A number, or what JSON has no number for.
fn number(json: &Json) -> Option<f64> {
    match json.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        _ => json.as_f64(),
    }
}

fn int(schema: &Schema, number: i32) -> Result<Value> {
    Ok(match (schema.name(), schema.schema_type()) {
        (Some(logical::DATE), _) => Value::Date(logical::date_from_days(schema, number)?),
        (Some(logical::TIME), _) => Value::Date(logical::time_from_millis(schema, number)?),
        (_, SchemaType::Int8) => Value::Int8(number as i8),
        (_, SchemaType::Int16) => Value::Int16(number as i16),
        _ => Value::Int32(number),
    })
}

/// A byte per character.
fn bytes(schema: &Schema, text: &str) -> Result<Value> {
    let bytes: Vec<u8> = text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect();
    Ok(match schema.name() {
        Some(logical::DECIMAL) if bytes.is_empty() => return Err(ConnectError::data("Zero length BigInteger")),
        Some(logical::DECIMAL) => {
            Value::Decimal(BigDecimal::from_unscaled_bytes(&bytes, logical::decimal_scale(schema)?))
        }
        _ => Value::Bytes(Bytes::from(bytes)),
    })
}
