//! `MaskField`: replaces fields by an empty value of their type, or by a configured one (connect-plugins.md 2.5).

use bytestring::ByteString;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, Validator};
use sluice_api::data::{BigDecimal, Map, java_hash_order_by, java_string_hash};
use sluice_api::{ConnectError, Result, Struct, Value};

use crate::null_default::NullDefault;
use crate::plugin::{BuiltIn, key_and_value};
use crate::record::{ConnectRecord, Part, Transform};
use crate::requirements::{require_map, require_struct};

pub(crate) const PLUGINS: [BuiltIn; 2] = key_and_value!("MaskField", definition, MaskField::new);

const PURPOSE: &str = "mask fields";

fn definition() -> ConfigDef {
    let fields = ConfigKey::new("fields", ConfigType::List, Importance::High, "The fields to mask.");
    let doc = "What replaces the value of every masked field; for numbers and texts alone. Without it, a field gets the empty \
               value of its type: 0, false, no text, no elements.";
    let replacement = ConfigKey::new("replacement", ConfigType::String, Importance::Low, doc).optional();
    ConfigDef::new()
        .define(fields.validator(Validator::list_without_duplicates(false, false)))
        .define(replacement.validator(Validator::non_empty_string()))
        .define(NullDefault::key())
}

struct MaskField {
    part: Part,
    /// In the order of Java's `HashSet`, which decides where a missing field ends up in a map.
    fields: Vec<ByteString>,
    replacement: Option<ByteString>,
    null_default: NullDefault,
}

impl MaskField {
    fn new(config: &ParsedConfig, part: Part) -> Result<Self> {
        let mut fields: Vec<_> = config.list("fields").iter().map(|name| ByteString::from(name.as_str())).collect();
        java_hash_order_by(&mut fields, |name| java_string_hash(name));
        let replacement = config.opt_string("replacement").map(ByteString::from);
        Ok(Self { part, fields, replacement, null_default: NullDefault::of(config) })
    }

    fn schemaless(&self, value: Value) -> Result<Value> {
        let map = require_map(value, PURPOSE)?;
        let mut puts = Vec::with_capacity(self.fields.len());
        for name in &self.fields {
            let masked = map.get(name).map_or(Ok(Value::Null), |value| self.masked(value))?;
            puts.push((Value::String(name.clone()), masked));
        }
        Ok(map.hash_copy(puts).into())
    }

    fn with_schema(&self, value: Value) -> Result<Value> {
        let value = require_struct(value, PURPOSE)?;
        let schema = value.schema().clone();
        let mut updated = Struct::new(schema.clone())?;
        for (field, value) in schema.fields()?.iter().zip(value.into_values()) {
            let value = self.null_default.apply(field, value);
            let is_masked = self.fields.iter().any(|name| **name == *field.name());
            updated.put_field(field, if is_masked { self.masked(&value)? } else { value })?;
        }
        Ok(updated.into())
    }

    fn masked(&self, value: &Value) -> Result<Value> {
        match &self.replacement {
            _ if value.is_null() => Ok(Value::Null),
            None => empty(value),
            Some(replacement) => replaced(value, replacement),
        }
    }
}

impl Transform for MaskField {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        let (schema, value) = record.take(self.part);
        let value = if schema.is_none() { self.schemaless(value)? } else { self.with_schema(value)? };
        record.set(self.part, schema, value);
        Ok(Some(record))
    }
}

fn empty(value: &Value) -> Result<Value> {
    Ok(match value {
        Value::Boolean(_) => Value::Boolean(false),
        Value::Int8(_) => Value::Int8(0),
        Value::Int16(_) => Value::Int16(0),
        Value::Int32(_) => Value::Int32(0),
        Value::Int64(_) => Value::Int64(0),
        Value::Float32(_) => Value::Float32(0.0),
        Value::Float64(_) => Value::Float64(0.0),
        Value::Decimal(_) => Value::Decimal(BigDecimal::new(0, 0)),
        Value::Date(_) => Value::Date(0),
        Value::String(_) => Value::from(""),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Map(_) => Value::Map(Map::default()),
        Value::Null | Value::Bytes(_) | Value::Struct(_) => {
            let class = value.java_class();
            return Err(ConnectError::data(format!("Cannot mask value of type: class {class}")));
        }
    })
}

/// The replacement as the type that the value has; numbers are read as decimals and cut to their type, as `Values` does.
fn replaced(value: &Value, replacement: &ByteString) -> Result<Value> {
    if let Value::String(_) = value {
        return Ok(Value::String(replacement.clone()));
    }
    let number = || number(replacement);
    Ok(match value {
        Value::Int8(_) => Value::Int8(number()?.to_i64_wrapping() as i8),
        Value::Int16(_) => Value::Int16(number()?.to_i64_wrapping() as i16),
        Value::Int32(_) => Value::Int32(number()?.to_i64_wrapping() as i32),
        Value::Int64(_) => Value::Int64(number()?.to_i64_wrapping()),
        // By way of a double, as in Kafka Connect.
        Value::Float32(_) => Value::Float32(number()?.to_f64() as f32),
        Value::Float64(_) => Value::Float64(number()?.to_f64()),
        Value::Decimal(_) => Value::Decimal(number()?),
        other => {
            let class = other.java_class();
            let message = format!("Cannot mask value of type class {class} with custom replacement.");
            return Err(ConnectError::data(message));
        }
    })
}

fn number(replacement: &str) -> Result<BigDecimal> {
    BigDecimal::parse(replacement).map_err(|cause| {
        let message = format!("Unable to convert {replacement} (class java.lang.String) to a number");
        ConnectError::data(message).with_source(cause)
    })
}

#[cfg(test)]
mod tests;
