//! A Connect schema to a Protobuf schema: what is written when the registry has none.

use indexmap::IndexMap;
use sluice_api::data::{Field, Schema, SchemaType, java_hash_order_by, java_string_hash, logical};
use sluice_api::{ConnectError, Result};

use super::config::ProtobufConfig;
use super::definition::{EnumDefinition, FieldDefinition, FileDefinition, MessageDefinition, OneofDefinition};
use super::names::{self, KnownType};

/// A schema to write with, and the message of it that a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Generated {
    pub(super) text: String,
    pub(super) message: String,
}

/// The Protobuf schema of `schema`: a message for a struct, the file of Google's wrappers for a primitive.
///
/// # Errors
/// `Data` when Protobuf cannot hold it.
pub(super) fn from_schema(schema: &Schema, config: &ProtobufConfig) -> Result<Generated> {
    match schema.schema_type() {
        SchemaType::Struct => Generator::new(config).root(schema),
        SchemaType::Array | SchemaType::Map => {
            let schema_type = schema.schema_type();
            Err(ConnectError::data(format!(
                "Unsupported root schema of type {schema_type}: a Protobuf record is a message"
            )))
        }
        _ => {
            let message = wrapper_of(schema).to_owned();
            Ok(Generated { text: super::known_types::wrappers_text().to_owned(), message })
        }
    }
}

/// Whether a struct stands for a oneof.
pub(super) fn is_union(schema: &Schema) -> bool {
    schema.schema_type() == SchemaType::Struct
        && (schema.name().is_some_and(|name| name.starts_with(names::UNION))
            || parameter(schema, names::GENERALIZED_UNION).is_some())
}

/// A parameter of `schema`.
pub(super) fn parameter<'a>(schema: &'a Schema, name: &str) -> Option<&'a str> {
    schema.parameters()?.get(name).map(String::as_str)
}

/// The message that stands for a logical type.
pub(super) fn known_type(schema: &Schema) -> Option<KnownType> {
    Some(match schema.name()? {
        logical::DECIMAL => names::DECIMAL,
        logical::DATE => names::DATE,
        logical::TIME => names::TIME,
        logical::TIMESTAMP => names::TIMESTAMP,
        names::CONNECT_VARIANT => names::VARIANT,
        _ => return None,
    })
}

/// The wrapper message of a primitive.
fn wrapper_of(schema: &Schema) -> &'static str {
    match schema.schema_type() {
        SchemaType::Int64 => match parameter(schema, names::TYPE) {
            Some("uint32" | "fixed32") => "google.protobuf.UInt32Value",
            Some("uint64" | "fixed64") => "google.protobuf.UInt64Value",
            _ => "google.protobuf.Int64Value",
        },
        SchemaType::Float32 => "google.protobuf.FloatValue",
        SchemaType::Float64 => "google.protobuf.DoubleValue",
        SchemaType::Boolean => "google.protobuf.BoolValue",
        SchemaType::String => "google.protobuf.StringValue",
        SchemaType::Bytes => "google.protobuf.BytesValue",
        _ => "google.protobuf.Int32Value",
    }
}

struct Generator<'a> {
    config: &'a ProtobufConfig,
    imports: Vec<&'static str>,
    unnamed: u32,
}

impl<'a> Generator<'a> {
    fn new(config: &'a ProtobufConfig) -> Self {
        Self { config, imports: Vec::new(), unnamed: 0 }
    }

    fn root(mut self, schema: &Schema) -> Result<Generated> {
        let full_name = self.name_or_default(schema.name());
        let parts: Vec<String> = full_name.trim_end_matches('.').split('.').map(|part| self.scrubbed(part)).collect();
        let (name, namespace) =
            parts.split_last().ok_or_else(|| ConnectError::data("a schema's name is a dot alone"))?;
        let package = (!namespace.is_empty()).then(|| namespace.join("."));
        let message = self.message(name.clone(), schema)?;
        let imports = self.imports;
        let text = FileDefinition { package, imports, message }.text();
        Ok(Generated { text, message: parts.join(".") })
    }

    fn message(&mut self, name: String, schema: &Schema) -> Result<MessageDefinition> {
        let mut message = MessageDefinition { name, ..MessageDefinition::default() };
        let mut next_number = 1;
        for field in schema.fields()? {
            let number = match tag(field.schema())? {
                Some(number) => number,
                None => {
                    next_number += 1;
                    next_number - 1
                }
            };
            if is_union(field.schema()) {
                self.oneof(&mut message, field.schema())?;
                continue;
            }
            let name = self.scrubbed(field.name());
            let mut definition = self.field(&mut message, field.schema(), name, number, false)?;
            definition.label = definition.label.or_else(|| self.optional_label(field.schema()));
            message.fields.push(definition);
        }
        Ok(message)
    }

    fn optional_label(&self, schema: &Schema) -> Option<&'static str> {
        (self.config.optional_for_nullables && schema.is_optional()).then_some("optional")
    }

    fn oneof(&mut self, message: &mut MessageDefinition, schema: &Schema) -> Result<()> {
        let name = match parameter(schema, names::GENERALIZED_UNION) {
            Some(name) if self.config.generalized_sum_type_support => name.to_owned(),
            _ => {
                let name = schema.name().map(|name| name.strip_prefix(names::UNION).unwrap_or(name));
                self.unqualified(name)
            }
        };
        let at = message.oneofs.len();
        message.oneofs.push(OneofDefinition { name, members: Vec::new() });
        for field in schema.fields()? {
            let number = tag(field.schema())?.ok_or_else(|| no_tag(field))?;
            let name = self.scrubbed(field.name());
            let member = self.field(message, field.schema(), name, number, true)?;
            message.oneofs[at].members.push(member);
        }
        Ok(())
    }

    /// A field, with the types that it needs added to `message`.
    fn field(
        &mut self,
        message: &mut MessageDefinition,
        schema: &Schema,
        name: String,
        number: i32,
        oneof_member: bool,
    ) -> Result<FieldDefinition> {
        let repeated = matches!(schema.schema_type(), SchemaType::Array | SchemaType::Map);
        let schema = match schema.schema_type() {
            SchemaType::Array => element(schema)?,
            _ => schema,
        };
        let mut params = Vec::new();
        let type_name = self.type_name(schema, &name, &mut params, oneof_member)?;
        if let Some(known) = known_type(schema) {
            self.import(known.file);
        } else if schema.schema_type() == SchemaType::Struct {
            self.nested_message(message, &type_name, schema)?;
        } else if schema.schema_type() == SchemaType::Map {
            let entry = self.map_entry(type_name.clone(), schema)?;
            message.messages.push(entry);
        } else if enum_parameter(schema).is_some() {
            self.nested_enum(message, schema)?;
        } else if names::is_wrapper(&type_name) {
            self.import(names::WRAPPERS_FILE);
        }
        let label = repeated.then_some("repeated");
        Ok(FieldDefinition { label, type_name, name, number, params })
    }

    fn nested_message(&mut self, message: &mut MessageDefinition, name: &str, schema: &Schema) -> Result<()> {
        // A type named as the message around it means that message.
        if message.name == name || message.messages.iter().any(|nested| nested.name == name) {
            return Ok(());
        }
        // The place among the nested ones is after those that its own fields need, and they are in it, not here.
        let nested = self.message(name.to_owned(), schema)?;
        message.messages.push(nested);
        Ok(())
    }

    fn map_entry(&mut self, name: String, schema: &Schema) -> Result<MessageDefinition> {
        let mut entry = MessageDefinition { name, ..MessageDefinition::default() };
        let missing = || ConnectError::data("a map without key or value schema cannot be written in Protobuf");
        let parts = [("key", schema.key_schema()?, 1), ("value", schema.value_schema()?, 2)];
        for (name, part, number) in parts {
            let field = self.field(&mut entry, part.ok_or_else(missing)?, name.to_owned(), number, false)?;
            entry.fields.push(field);
        }
        Ok(entry)
    }

    fn nested_enum(&mut self, message: &mut MessageDefinition, schema: &Schema) -> Result<()> {
        let name = self.unqualified(schema.name());
        if message.enums.iter().any(|nested| nested.name == name) {
            return Ok(());
        }
        let prefix = format!("{}.", self.enum_key());
        let mut values = Vec::new();
        for (key, value) in schema.parameters().unwrap_or(&IndexMap::new()) {
            if let Some(symbol) = key.strip_prefix(&prefix) {
                values.push((symbol.to_owned(), number_of(key, value)?));
            }
        }
        message.enums.push(EnumDefinition { name, values });
        Ok(())
    }

    fn enum_key(&self) -> &'static str {
        if self.config.generalized_sum_type_support { names::GENERALIZED_ENUM } else { names::ENUM }
    }

    fn import(&mut self, file: &'static str) {
        if !self.imports.contains(&file) {
            self.imports.push(file);
        }
    }

    fn type_name(
        &mut self,
        schema: &Schema,
        field: &str,
        params: &mut Vec<(&'static str, String)>,
        oneof_member: bool,
    ) -> Result<String> {
        if let Some(known) = known_type(schema) {
            if known == names::DECIMAL {
                *params = decimal_params(schema);
            }
            return Ok(known.name.to_owned());
        }
        let schema_type = schema.schema_type();
        match schema_type {
            SchemaType::Int8 => params.push((names::CONNECT_TYPE, "int8".to_owned())),
            SchemaType::Int16 => params.push((names::CONNECT_TYPE, "int16".to_owned())),
            SchemaType::Int32 | SchemaType::String => {
                if let Some(name) = enum_parameter(schema) {
                    return Ok(name.to_owned());
                }
            }
            SchemaType::Array => return Err(ConnectError::data("Array cannot be nested")),
            SchemaType::Map => return Ok(names::map_entry(&self.unqualified(schema.name()))),
            SchemaType::Struct => {
                let name = self.unqualified(schema.name());
                return Ok(if name == field { name + "Message" } else { name });
            }
            _ => {}
        }
        if wraps(schema, self.config, oneof_member) {
            return Ok(wrapper_of(schema).to_owned());
        }
        Ok(scalar_name(schema).to_owned())
    }

    fn unqualified(&mut self, name: Option<&str>) -> String {
        let full_name = self.name_or_default(name);
        self.scrubbed(full_name.rsplit_once('.').map_or(full_name.as_str(), |(_, name)| name))
    }

    fn name_or_default(&mut self, name: Option<&str>) -> String {
        match name {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => {
                self.unnamed += 1;
                format!("{}{}", names::DEFAULT_NAME, self.unnamed)
            }
        }
    }

    fn scrubbed(&self, name: &str) -> String {
        if self.config.scrub_invalid_names { names::scrub(name) } else { name.to_owned() }
    }
}

/// Whether a nullable primitive is written as a wrapper. Members of a oneof are nullable as they are, so only those that came from
/// a wrapper become one.
fn wraps(schema: &Schema, config: &ProtobufConfig, oneof_member: bool) -> bool {
    let marked = || parameter(schema, names::WRAPPER).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    config.wrapper_for_nullables && schema.is_optional() && (!oneof_member || marked())
}

fn scalar_name(schema: &Schema) -> &str {
    match schema.schema_type() {
        SchemaType::Int32 => parameter(schema, names::TYPE).unwrap_or("int32"),
        SchemaType::Int64 => parameter(schema, names::TYPE).unwrap_or("int64"),
        SchemaType::Float32 => "float",
        SchemaType::Float64 => "double",
        SchemaType::Boolean => "bool",
        SchemaType::String => "string",
        SchemaType::Bytes => "bytes",
        _ => "int32",
    }
}

/// The name of the enum that a field is of.
pub(super) fn enum_parameter(schema: &Schema) -> Option<&str> {
    match schema.schema_type() {
        SchemaType::String => parameter(schema, names::GENERALIZED_ENUM).or_else(|| parameter(schema, names::ENUM)),
        SchemaType::Int32 => parameter(schema, names::ENUM),
        _ => None,
    }
}

fn element(schema: &Schema) -> Result<&Schema> {
    schema
        .value_schema()?
        .ok_or_else(|| ConnectError::data("an array without element schema cannot be written in Protobuf"))
}

fn tag(schema: &Schema) -> Result<Option<i32>> {
    parameter(schema, names::TAG).map(|text| number_of(names::TAG, text)).transpose()
}

fn number_of(key: &str, text: &str) -> Result<i32> {
    text.parse().map_err(|cause| {
        ConnectError::data(format!("Invalid value {text} for schema parameter {key}: expected a number"))
            .with_source(cause)
    })
}

fn no_tag(field: &Field) -> ConnectError {
    let (name, tag) = (field.name(), names::TAG);
    ConnectError::data(format!(
        "member {name} of a union has no field number, which the schema parameter {tag} would give"
    ))
}

fn decimal_params(schema: &Schema) -> Vec<(&'static str, String)> {
    let mut params = Vec::with_capacity(2);
    for (name, parameter_name) in [(names::PRECISION, names::CONNECT_PRECISION), (names::SCALE, "scale")] {
        if let Some(value) = parameter(schema, parameter_name) {
            params.push((name, value.to_owned()));
        }
    }
    java_hash_order_by(&mut params, |(name, _)| java_string_hash(name));
    params
}
