//! Values as JSON text, without schemas: what sinks write that have no converter of their own.

use super::{Map, Schema, Value, logical};
use crate::error::{ConnectError, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// How decimals are written (`decimal.format`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimals {
    /// The unscaled bytes, as `JsonConverter` does by default.
    Base64,
    /// A number.
    Numeric,
}

/// The text of a value; `schema` says what dates stand for.
///
/// # Errors
/// `Data` when a date does not fit its schema.
pub fn to_json(value: &Value, schema: Option<&Schema>, decimals: Decimals) -> Result<Vec<u8>> {
    serde_json::to_vec(&Json { value, schema, decimals })
        .map_err(|error| ConnectError::data(format!("the value cannot be written as JSON: {error}")))
}

struct Json<'a> {
    value: &'a Value,
    schema: Option<&'a Schema>,
    decimals: Decimals,
}

impl Json<'_> {
    fn inner<'b>(&self, value: &'b Value, schema: Option<&'b Schema>) -> Json<'b> {
        Json { value, schema, decimals: self.decimals }
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Null => to.serialize_unit(),
            Value::Boolean(value) => to.serialize_bool(*value),
            Value::Int8(value) => to.serialize_i8(*value),
            Value::Int16(value) => to.serialize_i16(*value),
            Value::Int32(value) => to.serialize_i32(*value),
            Value::Int64(value) => to.serialize_i64(*value),
            Value::Float32(value) if value.is_finite() => to.serialize_f32(*value),
            Value::Float64(value) if value.is_finite() => to.serialize_f64(*value),
            // JSON has no such number; Jackson writes its name.
            Value::Float32(_) | Value::Float64(_) => to.collect_str(self.value),
            Value::String(text) => to.serialize_str(text),
            Value::Bytes(bytes) => to.serialize_str(&STANDARD.encode(bytes)),
            Value::Decimal(decimal) => match self.decimals {
                Decimals::Base64 => to.serialize_str(&STANDARD.encode(decimal.to_unscaled_bytes())),
                Decimals::Numeric => {
                    RawValue::from_string(decimal.to_string()).map_err(S::Error::custom)?.serialize(to)
                }
            },
            Value::Date(millis) => self.date(*millis, to),
            Value::Array(items) => {
                let schema = self.schema.and_then(|schema| schema.value_schema().ok().flatten());
                to.collect_seq(items.iter().map(|item| self.inner(item, schema)))
            }
            Value::Map(map) => self.map(map, to),
            Value::Struct(fields) => {
                let schema = fields.schema().fields().map_err(S::Error::custom)?;
                let mut out = to.serialize_map(Some(schema.len()))?;
                for field in schema {
                    out.serialize_entry(field.name(), &self.inner(fields.get_field(field), Some(field.schema())))?;
                }
                out.end()
            }
        }
    }
}

impl Json<'_> {
    fn date<S: Serializer>(&self, millis: i64, to: S) -> Result<S::Ok, S::Error> {
        match self.schema.and_then(Schema::name) {
            Some(logical::DATE) => to.serialize_i64(millis.div_euclid(logical::MILLIS_PER_DAY)),
            _ => to.serialize_i64(millis),
        }
    }

    /// An object when every key is text, else an array of pairs, as `JsonConverter` does.
    fn map<S: Serializer>(&self, map: &Map, to: S) -> Result<S::Ok, S::Error> {
        let part =
            |of: fn(&Schema) -> Result<Option<&Schema>>| self.schema.and_then(|schema| of(schema).ok().flatten());
        let (key_schema, value_schema) = (part(Schema::key_schema), part(Schema::value_schema));
        if map.iter().all(|(key, _)| key.as_str().is_some()) {
            let mut out = to.serialize_map(Some(map.len()))?;
            for (key, value) in map.iter() {
                out.serialize_entry(key.as_str().unwrap_or_default(), &self.inner(value, value_schema))?;
            }
            return out.end();
        }
        let mut out = to.serialize_seq(Some(map.len()))?;
        for (key, value) in map.iter() {
            out.serialize_element(&(self.inner(key, key_schema), self.inner(value, value_schema)))?;
        }
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BigDecimal, SchemaBuilder, Struct};

    use super::*;

    fn text(value: &Value) -> String {
        String::from_utf8(to_json(value, None, Decimals::Numeric).unwrap()).unwrap()
    }

    #[test]
    fn structs_keep_the_order_of_fields_and_dates_their_meaning() {
        let schema = SchemaBuilder::structure()
            .field("b", Schema::STRING)
            .field("a", Schema::OPTIONAL_INT64)
            .field("day", logical::date())
            .build()
            .unwrap();
        let value = Struct::new(schema).unwrap().with("b", "x\"y").unwrap();
        let value = value.with("day", Value::Date(2 * logical::MILLIS_PER_DAY)).unwrap();
        assert_eq!(text(&value.into()), r#"{"b":"x\"y","a":null,"day":2}"#);
    }

    #[test]
    fn numbers_bytes_and_maps() {
        let decimal = Value::from(BigDecimal::parse("12.50").unwrap());
        assert_eq!(text(&decimal), "12.50");
        assert_eq!(to_json(&decimal, None, Decimals::Base64).unwrap(), b"\"BOI=\"");
        assert_eq!(text(&Value::Float64(f64::NAN)), "\"NaN\"");
        assert_eq!(text(&Value::Bytes(b"\x00\xff".as_slice().into())), "\"AP8=\"");
        let map = Map::insertion_ordered([("k".into(), Value::Array(vec![1i32.into(), Value::Null]))]);
        assert_eq!(text(&map.into()), r#"{"k":[1,null]}"#);
        let map = Map::insertion_ordered([(1i32.into(), "x".into())]);
        assert_eq!(text(&map.into()), r#"[[1,"x"]]"#);
    }
}
