//! Defaults of Connect schemas as the JSON that stands in an Avro schema.

use serde_json::{Map, Number, Value as Json};
use sluice_api::data::{Value, java_float_text, logical};
use sluice_api::{ConnectError, Result, Schema, SchemaType};

use super::is_string_key;
use crate::avro::config::AvroDataConfig;
use crate::avro::names::is_union;

/// The JSON of `value`, which is a default of `schema` or stands in one.
///
/// # Errors
/// `Data` when the value is of another type than the schema.
pub(super) fn to_json(config: &AvroDataConfig, schema: &Schema, value: &Value) -> Result<Json> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => Json::from(*value),
        Value::Int8(number) => Json::from(*number),
        Value::Int16(number) => Json::from(*number),
        Value::Int32(number) => Json::from(*number),
        Value::Int64(number) => Json::from(*number),
        // By its text: 1.1 is not to become 1.100000023841858.
        Value::Float32(number) => float(java_float_text(*number).parse().unwrap_or(f64::NAN), f64::from(*number)),
        Value::Float64(number) => float(*number, *number),
        Value::String(text) => Json::from(&**text),
        Value::Bytes(bytes) => latin1(bytes),
        Value::Decimal(number) => latin1(&logical::decimal_to_bytes(schema, number)?),
        Value::Date(millis) => Json::from(match schema.name() {
            Some(logical::DATE) => logical::date_to_days(schema, *millis)?.into(),
            Some(logical::TIME) => logical::time_to_millis(schema, *millis)?.into(),
            _ => *millis,
        }),
        Value::Array(items) => {
            let element = part(schema.value_schema()?)?;
            Json::Array(items.iter().map(|item| to_json(config, element, item)).collect::<Result<_>>()?)
        }
        Value::Map(entries) => {
            let (key, of_value) = (part(schema.key_schema()?)?, part(schema.value_schema()?)?);
            if is_string_key(config, Some(key)) {
                let member = |(key, value): &(Value, Value)| Ok((key.to_string(), to_json(config, of_value, value)?));
                Json::Object(entries.iter().map(member).collect::<Result<_>>()?)
            } else {
                let pair = |(k, v): &(Value, Value)| {
                    Ok(Json::Array(vec![to_json(config, key, k)?, to_json(config, of_value, v)?]))
                };
                Json::Array(entries.iter().map(pair).collect::<Result<_>>()?)
            }
        }
        Value::Struct(value) if schema.schema_type() == SchemaType::Struct => {
            let mut members = Map::new();
            for field in schema.fields()? {
                let json = to_json(config, field.schema(), value.get(field.name())?)?;
                if is_union(schema) {
                    return Ok(json);
                }
                members.insert(config.field_name(field.name()), json);
            }
            Json::Object(members)
        }
        Value::Struct(_) => return Err(ConnectError::data(format!("a struct as default of {schema}"))),
    })
}

fn part(schema: Option<&Schema>) -> Result<&Schema> {
    schema.ok_or_else(|| ConnectError::data("a default of an array or map without element schema"))
}

fn float(number: f64, exact: f64) -> Json {
    match Number::from_f64(number) {
        Some(number) => Json::Number(number),
        // As Java writes NaN and the infinities in JSON.
        None => Json::from(Value::Float64(exact).to_string()),
    }
}

/// A character per byte.
fn latin1(bytes: &[u8]) -> Json {
    Json::from(bytes.iter().map(|byte| char::from(*byte)).collect::<String>())
}
