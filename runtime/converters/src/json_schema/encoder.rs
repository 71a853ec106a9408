//! Connect data to JSON by a schema. What the schema text says about a value is not looked at: it says what the schema says.

use sluice_api::data::{Map, Schema, SchemaType, Struct, Value, logical};
use sluice_api::{ConnectError, Result};

use super::config::JsonSchemaConfig;
use super::from_schema::{has_names, is_union};
use crate::json::writer::{append, write_bytes, write_f32, write_f64, write_string};

/// What the configuration says about writing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoder {
    numeric_decimals: bool,
    ignore_defaults: bool,
}

impl Encoder {
    pub(super) fn new(config: &JsonSchemaConfig) -> Self {
        Self { numeric_decimals: config.numeric_decimals, ignore_defaults: config.ignore_default_for_nullables }
    }

    /// Appends `value`; `false` when it is a null that is not written at all: one that the schema does not allow.
    ///
    /// # Errors
    /// `Data` when the value does not fit the schema; the field is named.
    pub(super) fn write(&self, out: &mut Vec<u8>, schema: &Schema, value: &Value) -> Result<bool> {
        match (value, schema.schema_type()) {
            (Value::Null, _) => return self.write_null(out, schema),
            _ if is_logical(schema) => self.write_logical(out, schema, value)?,
            (Value::Int8(number), SchemaType::Int8) => append(out, format_args!("{number}")),
            (Value::Int16(number), SchemaType::Int16) => append(out, format_args!("{number}")),
            (Value::Int32(number), SchemaType::Int32) => append(out, format_args!("{number}")),
            (Value::Int64(number), SchemaType::Int64) => append(out, format_args!("{number}")),
            (Value::Float32(number), SchemaType::Float32) => write_f32(out, *number),
            (Value::Float64(number), SchemaType::Float64) => write_f64(out, *number),
            (Value::Boolean(value), SchemaType::Boolean) => append(out, format_args!("{value}")),
            (Value::String(text), SchemaType::String) => write_string(out, text),
            (Value::Bytes(bytes), SchemaType::Bytes) => write_bytes(out, bytes),
            (Value::Decimal(number), SchemaType::Bytes) => append(out, format_args!("{number}")),
            (Value::Array(values), SchemaType::Array) => self.write_array(out, schema, values)?,
            (Value::Map(map), SchemaType::Map) if has_names(schema) => self.write_object(out, schema, map)?,
            (Value::Map(map), SchemaType::Map) => self.write_entries(out, schema, map)?,
            (Value::Struct(value), SchemaType::Struct) => return self.write_struct(out, schema, value),
            (_, schema_type) => return Err(invalid(schema_type.name(), value)),
        }
        Ok(true)
    }

    fn write_null(&self, out: &mut Vec<u8>, schema: &Schema) -> Result<bool> {
        if let Some(default) = schema.default_value().filter(|_| !self.ignore_defaults) {
            return self.write(out, schema, default);
        }
        if schema.is_optional() {
            out.extend_from_slice(b"null");
        }
        Ok(schema.is_optional())
    }

    /// Where something has to be written, a null that is not allowed is one all the same.
    fn write_always(&self, out: &mut Vec<u8>, schema: &Schema, value: &Value) -> Result<()> {
        if !self.write(out, schema, value)? {
            out.extend_from_slice(b"null");
        }
        Ok(())
    }

    fn write_logical(&self, out: &mut Vec<u8>, schema: &Schema, value: &Value) -> Result<()> {
        let name = schema.name().unwrap_or_default();
        match (name, value) {
            (logical::DECIMAL, Value::Decimal(decimal)) if self.numeric_decimals => {
                append(out, format_args!("{decimal}"));
            }
            (logical::DECIMAL, Value::Decimal(decimal)) => {
                write_bytes(out, &logical::decimal_to_bytes(schema, decimal)?);
            }
            (logical::DATE, Value::Date(millis)) => {
                append(out, format_args!("{}", logical::date_to_days(schema, *millis)?));
            }
            (logical::TIME, Value::Date(millis)) => {
                append(out, format_args!("{}", logical::time_to_millis(schema, *millis)?));
            }
            (logical::TIMESTAMP, Value::Date(millis)) => append(out, format_args!("{millis}")),
            _ => {
                let word = name.rsplit_once('.').map_or(name, |(_, word)| word);
                let class = if name == logical::DECIMAL { "BigDecimal" } else { "Date" };
                let found = value.java_class();
                return Err(ConnectError::data(format!(
                    "Invalid type for {word}, expected {class} but was class {found}"
                )));
            }
        }
        Ok(())
    }

    fn write_array(&self, out: &mut Vec<u8>, schema: &Schema, values: &[Value]) -> Result<()> {
        let element = part(schema.value_schema()?)?;
        out.push(b'[');
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.write_always(out, element, value)?;
        }
        out.push(b']');
        Ok(())
    }

    fn write_object(&self, out: &mut Vec<u8>, schema: &Schema, map: &Map) -> Result<()> {
        let element = part(schema.value_schema()?)?;
        out.push(b'{');
        for (at, (key, value)) in map.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_string(out, key.as_str().ok_or_else(|| invalid("STRING", key))?);
            out.push(b':');
            self.write_always(out, element, value)?;
        }
        out.push(b'}');
        Ok(())
    }

    /// Keys that are no names stand beside their values.
    fn write_entries(&self, out: &mut Vec<u8>, schema: &Schema, map: &Map) -> Result<()> {
        let (key_schema, value_schema) = (part(schema.key_schema()?)?, part(schema.value_schema()?)?);
        out.push(b'[');
        for (at, (key, value)) in map.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"key\":");
            self.write_always(out, key_schema, key)?;
            out.extend_from_slice(b",\"value\":");
            self.write_always(out, value_schema, value)?;
            out.push(b'}');
        }
        out.push(b']');
        Ok(())
    }

    fn write_struct(&self, out: &mut Vec<u8>, schema: &Schema, value: &Struct) -> Result<bool> {
        if *value.schema() != *schema {
            return Err(ConnectError::data("Mismatching schema."));
        }
        if is_union(schema) {
            return self.write_union(out, schema, value);
        }
        out.push(b'{');
        let mut first = true;
        for field in schema.fields()? {
            let start = out.len();
            if !first {
                out.push(b',');
            }
            write_string(out, field.name());
            out.push(b':');
            let value = self.value_of(value, field);
            let written = self.write(out, field.schema(), value).map_err(|cause| in_field(field.name(), cause))?;
            if written {
                first = false;
            } else {
                out.truncate(start);
            }
        }
        out.push(b'}');
        Ok(true)
    }

    /// The first member that is not null; a union of nulls is a null.
    fn write_union(&self, out: &mut Vec<u8>, schema: &Schema, value: &Struct) -> Result<bool> {
        for field in schema.fields()? {
            let value = self.value_of(value, field);
            if !value.is_null() {
                return self.write(out, field.schema(), value).map_err(|cause| in_field(field.name(), cause));
            }
        }
        self.write_null(out, schema)
    }

    fn value_of<'a>(&self, value: &'a Struct, field: &'a sluice_api::data::Field) -> &'a Value {
        if self.ignore_defaults { &value.values()[field.index()] } else { value.get_field(field) }
    }
}

fn is_logical(schema: &Schema) -> bool {
    matches!(schema.name(), Some(logical::DECIMAL | logical::DATE | logical::TIME | logical::TIMESTAMP))
}

fn part(schema: Option<&Schema>) -> Result<&Schema> {
    schema.ok_or_else(|| ConnectError::data("an array or map has no element schema"))
}

fn invalid(expected: &str, value: &Value) -> ConnectError {
    ConnectError::data(format!("Invalid type for {expected}: class {}", value.java_class()))
}

fn in_field(name: &str, cause: ConnectError) -> ConnectError {
    ConnectError::data(format!("field {name}")).with_source(cause)
}
