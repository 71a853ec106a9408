//! Schemas as JSON, in the member order of Kafka Connect.

use sluice_api::data::{Schema, SchemaType};
use sluice_api::{ConnectError, Result};

use super::encoder::Encoder;
use super::writer::{append, write_string};

/// Longer than any record: structs that are used in many places are written in each, so that nesting them doubles the text.
const LIMIT_BYTES: usize = 32 << 20;

/// The type's name in JSON schemas.
pub(super) fn type_name(schema_type: SchemaType) -> &'static str {
    match schema_type {
        SchemaType::Int8 => "int8",
        SchemaType::Int16 => "int16",
        SchemaType::Int32 => "int32",
        SchemaType::Int64 => "int64",
        SchemaType::Float32 => "float",
        SchemaType::Float64 => "double",
        SchemaType::Boolean => "boolean",
        SchemaType::String => "string",
        SchemaType::Bytes => "bytes",
        SchemaType::Array => "array",
        SchemaType::Map => "map",
        SchemaType::Struct => "struct",
    }
}

/// Appends `schema`; a missing one is `null`.
pub(super) fn write_schema(out: &mut Vec<u8>, schema: Option<&Schema>, encoder: &Encoder) -> Result<()> {
    match schema {
        None => out.extend_from_slice(b"null"),
        Some(schema) => write_present(out, schema, None, encoder)?,
    }
    Ok(())
}

fn write_present(out: &mut Vec<u8>, schema: &Schema, field: Option<&str>, encoder: &Encoder) -> Result<()> {
    if out.len() > LIMIT_BYTES {
        let size = LIMIT_BYTES >> 20;
        return Err(ConnectError::data(format!(
            "a schema takes more than {size} MiB as JSON, which no record can hold"
        )));
    }
    append(out, format_args!("{{\"type\":\"{}\"", type_name(schema.schema_type())));
    write_parts(out, schema, encoder)?;
    append(out, format_args!(",\"optional\":{}", schema.is_optional()));
    if let Some(name) = schema.name() {
        write_member(out, "name", name);
    }
    if let Some(version) = schema.version() {
        append(out, format_args!(",\"version\":{version}"));
    }
    if let Some(doc) = schema.doc() {
        write_member(out, "doc", doc);
    }
    write_parameters(out, schema);
    if let Some(default) = schema.default_value() {
        out.extend_from_slice(b",\"default\":");
        encoder.write(out, Some(schema), default)?;
    }
    if let Some(field) = field {
        write_member(out, "field", field);
    }
    out.push(b'}');
    Ok(())
}

fn write_parts(out: &mut Vec<u8>, schema: &Schema, encoder: &Encoder) -> Result<()> {
    match schema.schema_type() {
        SchemaType::Array => {
            out.extend_from_slice(b",\"items\":");
            write_schema(out, schema.value_schema()?, encoder)
        }
        SchemaType::Map => {
            out.extend_from_slice(b",\"keys\":");
            write_schema(out, schema.key_schema()?, encoder)?;
            out.extend_from_slice(b",\"values\":");
            write_schema(out, schema.value_schema()?, encoder)
        }
        SchemaType::Struct => {
            out.extend_from_slice(b",\"fields\":[");
            for (at, field) in schema.fields()?.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_present(out, field.schema(), Some(field.name()), encoder)?;
            }
            out.push(b']');
            Ok(())
        }
        _ => Ok(()),
    }
}

fn write_member(out: &mut Vec<u8>, name: &str, text: &str) {
    append(out, format_args!(",\"{name}\":"));
    write_string(out, text);
}

fn write_parameters(out: &mut Vec<u8>, schema: &Schema) {
    let Some(parameters) = schema.parameters() else { return };
    out.extend_from_slice(b",\"parameters\":{");
    for (at, (name, value)) in parameters.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        write_string(out, value);
    }
    out.push(b'}');
}
