//! Connect data to JSON, with or without schema (connect-plugins.md 1.3).

use sluice_api::data::{Map, Schema, SchemaType, Struct, Value, logical};
use sluice_api::{ConnectError, Result};

use super::config::DecimalFormat;
use super::writer::{append, write_bytes, write_f32, write_f64, write_string};

/// What the configuration says about writing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoder {
    pub(super) decimal_format: DecimalFormat,
    pub(super) replace_null_with_default: bool,
}

impl Encoder {
    /// Appends `value`.
    pub(super) fn write(&self, out: &mut Vec<u8>, schema: Option<&Schema>, value: &Value) -> Result<()> {
        if value.is_null() {
            return self.write_null(out, schema);
        }
        match schema {
            None => self.write_by_class(out, value),
            Some(schema) if is_logical(schema) => self.write_logical(out, schema, value),
            Some(schema) => self.write_by_type(out, schema, value),
        }
    }

    fn write_null(&self, out: &mut Vec<u8>, schema: Option<&Schema>) -> Result<()> {
        let default = schema.and_then(Schema::default_value).filter(|_| self.replace_null_with_default);
        if let Some(default) = default {
            return self.write(out, schema, default);
        }
        if schema.is_none_or(Schema::is_optional) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        let message = "Conversion error: null value for field that is required and has no default value";
        Err(ConnectError::data(message))
    }

    /// Schemaless: the class of the value says what it is.
    fn write_by_class(&self, out: &mut Vec<u8>, value: &Value) -> Result<()> {
        match value {
            Value::Date(_) | Value::Decimal(_) => Err(ConnectError::data(format!(
                "Java class class {} does not have corresponding schema type.",
                value.java_class()
            ))),
            Value::Struct(_) => Err(ConnectError::data("Mismatching schema.")),
            Value::Array(items) => self.write_array(out, None, items),
            Value::Map(map) => {
                let named = map.iter().all(|(key, _)| key.as_str().is_some());
                self.write_map(out, [None, None], named, map)
            }
            scalar => {
                write_scalar(out, scalar);
                Ok(())
            }
        }
    }

    fn write_by_type(&self, out: &mut Vec<u8>, schema: &Schema, value: &Value) -> Result<()> {
        match (schema.schema_type(), value) {
            (SchemaType::Array, Value::Array(items)) => self.write_array(out, schema.value_schema()?, items),
            (SchemaType::Map, Value::Map(map)) => {
                let key = schema.key_schema()?.ok_or_else(|| ConnectError::data("Map schema has no key schema"))?;
                let named = key.schema_type() == SchemaType::String;
                self.write_map(out, [Some(key), schema.value_schema()?], named, map)
            }
            (SchemaType::Struct, Value::Struct(value)) => self.write_struct(out, schema, value),
            (SchemaType::Int8, Value::Int8(_))
            | (SchemaType::Int16, Value::Int16(_))
            | (SchemaType::Int32, Value::Int32(_))
            | (SchemaType::Int64, Value::Int64(_))
            | (SchemaType::Float32, Value::Float32(_))
            | (SchemaType::Float64, Value::Float64(_))
            | (SchemaType::Boolean, Value::Boolean(_))
            | (SchemaType::String, Value::String(_))
            | (SchemaType::Bytes, Value::Bytes(_)) => {
                write_scalar(out, value);
                Ok(())
            }
            (SchemaType::Bytes, _) => {
                Err(ConnectError::data(format!("Invalid type for bytes type: class {}", value.java_class())))
            }
            (expected, _) => {
                Err(ConnectError::data(format!("Invalid type for {expected}: class {}", value.java_class())))
            }
        }
    }

    fn write_logical(&self, out: &mut Vec<u8>, schema: &Schema, value: &Value) -> Result<()> {
        let wrong = |name: &str, class: &str| {
            let found = value.java_class();
            Err(ConnectError::data(format!("Invalid type for {name}, expected {class} but was class {found}")))
        };
        match (schema.name().unwrap_or_default(), value) {
            (logical::DECIMAL, Value::Decimal(decimal)) => {
                match self.decimal_format {
                    DecimalFormat::Numeric => append(out, format_args!("{decimal}")),
                    DecimalFormat::Base64 => write_bytes(out, &logical::decimal_to_bytes(schema, decimal)?),
                }
                return Ok(());
            }
            (logical::DECIMAL, _) => return wrong("Decimal", "BigDecimal"),
            (logical::DATE, Value::Date(millis)) => {
                append(out, format_args!("{}", logical::date_to_days(schema, *millis)?));
            }
            (logical::DATE, _) => return wrong("Date", "Date"),
            (logical::TIME, Value::Date(millis)) => {
                append(out, format_args!("{}", logical::time_to_millis(schema, *millis)?));
            }
            (logical::TIME, _) => return wrong("Time", "Date"),
            (_, Value::Date(millis)) => append(out, format_args!("{millis}")),
            _ => return wrong("Timestamp", "Date"),
        }
        Ok(())
    }

    fn write_array(&self, out: &mut Vec<u8>, element: Option<&Schema>, items: &[Value]) -> Result<()> {
        out.push(b'[');
        for (at, item) in items.iter().enumerate() {
            separate(out, at);
            self.write(out, element, item)?;
        }
        out.push(b']');
        Ok(())
    }

    /// An object when keys are text (`named`), else an array of pairs.
    fn write_map(&self, out: &mut Vec<u8>, schemas: [Option<&Schema>; 2], named: bool, map: &Map) -> Result<()> {
        let [key_schema, value_schema] = schemas;
        if named && let Some(distinct) = self.without_null_key(key_schema, map) {
            if distinct.len() < map.len() {
                // A value that another one takes the place of has to be right, too.
                map.iter().try_for_each(|(_, value)| self.write(&mut Vec::new(), value_schema, value))?;
            }
            return self.write_map(out, schemas, named, &distinct);
        }
        out.push(if named { b'{' } else { b'[' });
        for (at, (key, value)) in map.iter().enumerate() {
            separate(out, at);
            if named {
                self.write_member_name(out, key_schema, key)?;
                out.push(b':');
                self.write(out, value_schema, value)?;
            } else {
                out.push(b'[');
                self.write(out, key_schema, key)?;
                out.push(b',');
                self.write(out, value_schema, value)?;
                out.push(b']');
            }
        }
        out.push(if named { b'}' } else { b']' });
        Ok(())
    }

    /// The map with a text for its null key, which may be the text of another key: a member comes once, with the later value.
    fn without_null_key(&self, key_schema: Option<&Schema>, map: &Map) -> Option<Map> {
        let schema = key_schema.filter(|_| map.iter().any(|(key, _)| key.is_null()))?;
        let default = schema.default_value().filter(|_| self.replace_null_with_default);
        let name = default.cloned().or_else(|| schema.is_optional().then(|| "null".into()))?;
        let named = |(key, value): &(Value, Value)| {
            let key = if key.is_null() { name.clone() } else { key.clone() };
            (key, value.clone())
        };
        Some(Map::insertion_ordered(map.iter().map(named)))
    }

    /// The key's JSON as text: null becomes the name `null`.
    fn write_member_name(&self, out: &mut Vec<u8>, schema: Option<&Schema>, key: &Value) -> Result<()> {
        let start = out.len();
        self.write(out, schema, key)?;
        if out.get(start) != Some(&b'"') {
            out.insert(start, b'"');
            out.push(b'"');
        }
        Ok(())
    }

    fn write_struct(&self, out: &mut Vec<u8>, schema: &Schema, value: &Struct) -> Result<()> {
        if value.schema() != schema {
            return Err(ConnectError::data("Mismatching schema."));
        }
        out.push(b'{');
        for (at, (field, value)) in schema.fields()?.iter().zip(value.values()).enumerate() {
            separate(out, at);
            write_string(out, field.name());
            out.push(b':');
            self.write(out, Some(field.schema()), value)?;
        }
        out.push(b'}');
        Ok(())
    }
}

fn is_logical(schema: &Schema) -> bool {
    let name = schema.name();
    name.is_some_and(|name| [logical::DECIMAL, logical::DATE, logical::TIME, logical::TIMESTAMP].contains(&name))
}

fn separate(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}

fn write_scalar(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => write_string(out, text),
        Value::Bytes(bytes) => write_bytes(out, bytes),
        Value::Float32(number) => write_f32(out, *number),
        Value::Float64(number) => write_f64(out, *number),
        number_or_boolean => append(out, format_args!("{number_or_boolean}")),
    }
}
