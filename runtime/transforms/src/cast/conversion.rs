//! One value to another type, by Java's conversions: numbers narrow and wrap, floats saturate, texts must be what Java parses.

use sluice_api::data::{convert_to_string, logical};
use sluice_api::{ConnectError, Result, Schema, SchemaType, Value};

const INPUTS: &str = "[INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]";

/// `value`, which has `schema` or none, as `target`. Null stays null.
pub(super) fn cast(schema: Option<&Schema>, value: Value, target: SchemaType) -> Result<Value> {
    if value.is_null() {
        return Ok(value);
    }
    check_input(schema, &value)?;
    if target == SchemaType::String {
        return Ok(text(value));
    }
    let value = match schema {
        Some(schema) => encode_logical(schema, value)?,
        None => value,
    };
    match target {
        SchemaType::Boolean => boolean(&value),
        SchemaType::Float32 => float(&value).map(Value::Float32),
        SchemaType::Float64 => double(&value).map(Value::Float64),
        _ => integer(&value, target),
    }
}

fn check_input(schema: Option<&Schema>, value: &Value) -> Result<()> {
    let from = match (schema, value) {
        (Some(schema), _) => schema.schema_type(),
        (None, Value::Array(_)) => SchemaType::Array,
        (None, Value::Map(_)) => SchemaType::Map,
        (None, Value::Struct(_)) => SchemaType::Struct,
        (None, Value::Date(_) | Value::Decimal(_)) => {
            let class = value.java_class();
            return Err(ConnectError::data(format!(
                "Cast transformation was passed a value of type class {class} which is not supported by Connect's data API"
            )));
        }
        (None, _) => return Ok(()),
    };
    if from.is_primitive() {
        return Ok(());
    }
    let message = format!("Cast transformation does not support casting from {from}; supported types are {INPUTS}");
    Err(ConnectError::data(message))
}

/// Dates as the numbers that they are stored as.
fn encode_logical(schema: &Schema, value: Value) -> Result<Value> {
    let (Some(name), Value::Date(millis)) = (schema.name(), &value) else { return Ok(value) };
    match name {
        logical::DATE => logical::date_to_days(schema, *millis).map(Value::Int32),
        logical::TIME => logical::time_to_millis(schema, *millis).map(Value::Int32),
        logical::TIMESTAMP => Ok(Value::Int64(*millis)),
        _ => Ok(value),
    }
}

fn text(value: Value) -> Value {
    match value {
        Value::String(_) => value,
        Value::Date(_) | Value::Bytes(_) => convert_to_string(&value).into(),
        // Numbers are most of what is cast: their text is copied once, without a formatter.
        Value::Int32(number) => digits(itoa::Buffer::new().format(number)),
        Value::Int64(number) => digits(itoa::Buffer::new().format(number)),
        other => other.to_string().into(),
    }
}

fn digits(text: &str) -> Value {
    Value::String(text.into())
}

fn boolean(value: &Value) -> Result<Value> {
    let truth = match value {
        Value::Boolean(truth) => *truth,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        number => long(number)? != 0,
    };
    Ok(Value::Boolean(truth))
}

fn integer(value: &Value, target: SchemaType) -> Result<Value> {
    if let Value::String(text) = value {
        return parse_integer(text, target).ok_or_else(|| out_of_range(text));
    }
    // Java narrows floats to 8 and 16 bit by way of 32 bit.
    let narrow = || match value {
        Value::Float32(number) => Ok(*number as i32),
        Value::Float64(number) => Ok(*number as i32),
        other => Ok(long(other)? as i32),
    };
    Ok(match target {
        SchemaType::Int8 => Value::Int8(narrow()? as i8),
        SchemaType::Int16 => Value::Int16(narrow()? as i16),
        SchemaType::Int32 => Value::Int32(narrow()?),
        _ => Value::Int64(long(value)?),
    })
}

fn parse_integer(text: &str, target: SchemaType) -> Option<Value> {
    match target {
        SchemaType::Int8 => text.parse().map(Value::Int8).ok(),
        SchemaType::Int16 => text.parse().map(Value::Int16).ok(),
        SchemaType::Int32 => text.parse().map(Value::Int32).ok(),
        _ => text.parse().map(Value::Int64).ok(),
    }
}

/// `Number.longValue`.
fn long(value: &Value) -> Result<i64> {
    Ok(match value {
        Value::Boolean(truth) => i64::from(*truth),
        Value::Int8(number) => i64::from(*number),
        Value::Int16(number) => i64::from(*number),
        Value::Int32(number) => i64::from(*number),
        Value::Int64(number) => *number,
        Value::Float32(number) => *number as i64,
        Value::Float64(number) => *number as i64,
        Value::Decimal(number) => number.to_i64_wrapping(),
        other => return Err(unexpected(other)),
    })
}

fn float(value: &Value) -> Result<f32> {
    match value {
        Value::Float32(number) => Ok(*number),
        Value::Float64(number) => Ok(*number as f32),
        Value::Decimal(number) => Ok(number.to_f32()),
        Value::String(text) => decimal_text(text).and_then(|text| text.parse().ok()).ok_or_else(|| out_of_range(text)),
        other => Ok(long(other)? as f32),
    }
}

fn double(value: &Value) -> Result<f64> {
    match value {
        Value::Float32(number) => Ok(f64::from(*number)),
        Value::Float64(number) => Ok(*number),
        Value::Decimal(number) => Ok(number.to_f64()),
        Value::String(text) => decimal_text(text).and_then(|text| text.parse().ok()).ok_or_else(|| out_of_range(text)),
        other => Ok(long(other)? as f64),
    }
}

/// The part of `text` that Rust parses to what Java's `Double.parseDouble` gives for the whole. Java's hexadecimal floats are
/// not among them.
fn decimal_text(text: &str) -> Option<&str> {
    let trimmed = text.trim_matches(|c: char| c <= ' ');
    if matches!(trimmed.trim_start_matches(['+', '-']), "NaN" | "Infinity") {
        let signs = trimmed.bytes().take_while(|byte| matches!(byte, b'+' | b'-')).count();
        return (signs < 2).then_some(trimmed);
    }
    let number = trimmed.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(trimmed);
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    number.bytes().all(plain).then_some(number)
}

fn out_of_range(text: &str) -> ConnectError {
    ConnectError::data(format!("Value ({text}) was out of range for requested data type"))
}

fn unexpected(value: &Value) -> ConnectError {
    ConnectError::data(format!("Unexpected type in Cast transformation: class {}", value.java_class()))
}

#[cfg(test)]
mod tests {
    use sluice_api::data::BigDecimal;

    use super::*;

    fn to(value: impl Into<Value>, target: SchemaType) -> Value {
        cast(None, value.into(), target).unwrap()
    }

    #[test]
    fn numbers_narrow_as_in_java() {
        assert_eq!(to(1e20f64, SchemaType::Int8), Value::Int8(-1));
        assert_eq!(to(300i32, SchemaType::Int8), Value::Int8(44));
        assert_eq!(to(f64::NAN, SchemaType::Int16), Value::Int16(0));
        assert_eq!(to(1e20f64, SchemaType::Int64), Value::Int64(i64::MAX));
        assert_eq!(to(1.1f32, SchemaType::Float64), Value::Float64(1.100000023841858));
        assert_eq!(to(0.5f64, SchemaType::Boolean), Value::Boolean(false));
        let huge = BigDecimal::parse("99999999999999999999").unwrap();
        let schema = logical::decimal(0);
        assert_eq!(
            cast(Some(&schema), huge.into(), SchemaType::Int64).unwrap(),
            Value::Int64(7_766_279_631_452_241_919)
        );
    }

    #[test]
    fn texts_are_numbers_only_when_java_says_so() {
        assert_eq!(to("+7", SchemaType::Int8), Value::Int8(7));
        assert_eq!(to(" 1e3 ", SchemaType::Float32), Value::Float32(1000.0));
        assert_eq!(to("-1.5d", SchemaType::Float64), Value::Float64(-1.5));
        assert_eq!(to("TRUE", SchemaType::Boolean), Value::Boolean(true));
        for (text, target) in [
            (" 1", SchemaType::Int8),
            ("1.5", SchemaType::Int32),
            ("1e3", SchemaType::Int64),
            ("128", SchemaType::Int8),
            ("inf", SchemaType::Float64),
            ("--NaN", SchemaType::Float64),
            ("1dd", SchemaType::Float64),
            ("", SchemaType::Float32),
        ] {
            let error = cast(None, text.into(), target).unwrap_err();
            assert_eq!(error.to_string(), format!("Value ({text}) was out of range for requested data type"));
        }
    }

    #[test]
    fn what_cannot_be_cast_is_named() {
        let message =
            |schema: Option<&Schema>, value: Value, target| cast(schema, value, target).unwrap_err().to_string();
        let bytes = Value::Bytes(bytes::Bytes::from_static(b"x"));
        assert_eq!(message(None, bytes, SchemaType::Int8), "Unexpected type in Cast transformation: class [B");
        assert_eq!(
            message(None, Value::Date(0), SchemaType::String),
            "Cast transformation was passed a value of type class java.util.Date which is not supported by Connect's data API"
        );
        assert_eq!(
            message(None, Value::Array(vec![]), SchemaType::String),
            "Cast transformation does not support casting from ARRAY; supported types are [INT8, INT16, INT32, INT64, FLOAT32, \
             FLOAT64, BOOLEAN, STRING, BYTES]"
        );
    }
}
