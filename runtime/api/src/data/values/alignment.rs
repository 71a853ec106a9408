//! Finds the one schema of all elements of a parsed array or map, and brings the elements into it.

use super::super::{Schema, SchemaAndValue, SchemaType, Value, logical};
use super::parser::NotAValue;
use super::writer::convert_to_string;

/// What the schemas so far have in common.
#[derive(Default)]
pub(super) struct Merged {
    common: Option<Schema>,
    incompatible: bool,
}

impl Merged {
    /// Takes the next element's schema in; nulls say nothing.
    pub(super) fn merge(&mut self, latest: Option<&SchemaAndValue>) {
        let Some(latest) = latest.and_then(|latest| latest.schema.as_ref()).filter(|_| !self.incompatible) else {
            return;
        };
        self.common = match self.common.take() {
            None => Some(latest.clone()),
            Some(previous) => common_schema(previous, latest),
        };
        self.incompatible = self.common.is_none();
    }

    pub(super) fn common(&self) -> Option<&Schema> {
        self.common.as_ref()
    }
}

/// Numbers widen; of two schemas of one type the newer counts.
fn common_schema(previous: Schema, latest: &Schema) -> Option<Schema> {
    let (before, now) = (previous.schema_type(), latest.schema_type());
    if before == now {
        return match (previous.is_optional(), latest.is_optional()) {
            (true, true) => Some(previous),
            (false, false) => Some(latest.clone()),
            _ => None,
        };
    }
    let numeric = |schema_type| schema_type <= SchemaType::Float64;
    match numeric(before) && numeric(now) {
        true if before < now => Some(latest.clone()),
        true => Some(previous),
        false => None,
    }
}

/// The values in the common schema; as they are when there is none.
pub(super) fn align(schema: Option<&Schema>, values: Vec<Value>) -> Result<Vec<Value>, NotAValue> {
    match schema {
        None => Ok(values),
        Some(schema) => values.into_iter().map(|value| convert(schema, value)).collect(),
    }
}

fn convert(schema: &Schema, value: Value) -> Result<Value, NotAValue> {
    if value.is_null() {
        return if schema.is_optional() { Ok(Value::Null) } else { Err(NotAValue) };
    }
    Ok(match (schema.schema_type(), value) {
        (SchemaType::Int8, value) => Value::Int8(to_i64(&value)? as i8),
        (SchemaType::Int16, value) => Value::Int16(to_i64(&value)? as i16),
        (SchemaType::Int32 | SchemaType::Int64, value) if is_temporal(schema) => to_date(schema, value)?,
        (SchemaType::Int32, value) => Value::Int32(to_i64(&value)? as i32),
        (SchemaType::Int64, value) => Value::Int64(to_i64(&value)?),
        (SchemaType::Float32, Value::Float32(value)) => Value::Float32(value),
        (SchemaType::Float32, value) => Value::Float32(to_f64(&value)? as f32),
        (SchemaType::Float64, value) => Value::Float64(to_f64(&value)?),
        (SchemaType::String, value @ Value::String(_)) => value,
        (SchemaType::String, value) => Value::from(convert_to_string(&value)),
        (SchemaType::Boolean, value @ Value::Boolean(_))
        | (SchemaType::Bytes, value @ (Value::Bytes(_) | Value::Decimal(_)))
        | (SchemaType::Array, value @ Value::Array(_))
        | (SchemaType::Map, value @ Value::Map(_))
        | (SchemaType::Struct, value @ Value::Struct(_)) => value,
        _ => return Err(NotAValue),
    })
}

fn is_temporal(schema: &Schema) -> bool {
    matches!(schema.name(), Some(logical::DATE | logical::TIME | logical::TIMESTAMP))
}

/// A date as it is, a number as days or milliseconds.
fn to_date(schema: &Schema, value: Value) -> Result<Value, NotAValue> {
    if let Value::Date(_) = value {
        return Ok(value);
    }
    let number = to_i64(&value)?;
    let millis = match schema.name() {
        Some(logical::DATE) => logical::date_from_days(schema, number as i32),
        Some(logical::TIME) => logical::time_from_millis(schema, number as i32),
        _ => Ok(number),
    };
    millis.map(Value::Date).map_err(|_| NotAValue)
}

fn to_i64(value: &Value) -> Result<i64, NotAValue> {
    Ok(match value {
        Value::Int8(number) => i64::from(*number),
        Value::Int16(number) => i64::from(*number),
        Value::Int32(number) => i64::from(*number),
        Value::Int64(number) => *number,
        Value::Float32(number) => *number as i64,
        Value::Float64(number) => *number as i64,
        Value::Decimal(number) => number.to_i64_wrapping(),
        _ => return Err(NotAValue),
    })
}

fn to_f64(value: &Value) -> Result<f64, NotAValue> {
    Ok(match value {
        Value::Float32(number) => f64::from(*number),
        Value::Float64(number) => *number,
        Value::Decimal(number) => number.to_f64(),
        other => to_i64(other)? as f64,
    })
}
