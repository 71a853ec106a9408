//! A Connect schema to the text of a JSON Schema, laid out as Confluent's serializer does: a registry keeps schemas by their text
//! (Invariant 6).

use sluice_api::data::{Field, Schema, SchemaType, Value, logical};
use sluice_api::{ConnectError, Result};

use super::config::JsonSchemaConfig;
use super::encoder::Encoder;
use super::{java_order, names};
use crate::json::writer::{append, write_string};

/// The text for `schema`.
///
/// # Errors
/// `Data` when a map or array has no element schema, or a default cannot be written.
pub(super) fn from_schema(schema: &Schema, config: &JsonSchemaConfig) -> Result<String> {
    let mut writer = Writer { config, out: Vec::with_capacity(512), ids: Vec::new() };
    writer.schema(schema, None, false)?;
    String::from_utf8(writer.out).map_err(|cause| ConnectError::data("schema text is no UTF-8").with_source(cause))
}

/// Whether a struct stands for a union.
pub(super) fn is_union(schema: &Schema) -> bool {
    schema.schema_type() == SchemaType::Struct
        && (schema.name() == Some(names::ONE_OF) || parameter(schema, names::GENERALIZED_UNION).is_some())
}

/// A parameter of `schema`.
pub(super) fn parameter<'a>(schema: &'a Schema, name: &str) -> Option<&'a str> {
    schema.parameters()?.get(name).map(String::as_str)
}

struct Writer<'a> {
    config: &'a JsonSchemaConfig,
    out: Vec<u8>,
    /// Types that were written with an id, which may be referred to from there on.
    ids: Vec<String>,
}

impl Writer<'_> {
    fn schema(&mut self, schema: &Schema, index: Option<usize>, ignore_optional: bool) -> Result<()> {
        let id = parameter(schema, names::ID).map(str::to_owned);
        self.ids.extend(id.clone());
        if is_union(schema) {
            return self.union(schema, index, id.as_deref());
        }
        if schema.is_optional() && !ignore_optional {
            self.combined(index, id.as_deref());
            self.out.extend_from_slice(b"{\"type\":\"null\"},");
            self.required(schema, None)?;
            self.out.extend_from_slice(b"]}");
            return Ok(());
        }
        self.required(schema, index)
    }

    /// `{…"oneOf":[`.
    fn combined(&mut self, index: Option<usize>, id: Option<&str>) {
        self.out.push(b'{');
        let mut first = true;
        if let Some(id) = id {
            self.member(&mut first, "id");
            write_string(&mut self.out, id);
        }
        if let Some(index) = index {
            self.member(&mut first, names::CONNECT_INDEX);
            append(&mut self.out, format_args!("{index}"));
        }
        self.member(&mut first, "oneOf");
        self.out.push(b'[');
    }

    fn union(&mut self, schema: &Schema, index: Option<usize>, id: Option<&str>) -> Result<()> {
        self.combined(index, id);
        if schema.is_optional() {
            self.out.extend_from_slice(b"{\"type\":\"null\"}");
        }
        for (at, field) in schema.fields()?.iter().enumerate() {
            if at > 0 || schema.is_optional() {
                self.out.push(b',');
            }
            self.schema(field.schema(), Some(field.index()), true)?;
        }
        self.out.extend_from_slice(b"]}");
        Ok(())
    }

    /// The schema as if it were not optional: type, attributes, `connect.` properties, parts.
    fn required(&mut self, schema: &Schema, index: Option<usize>) -> Result<()> {
        self.out.push(b'{');
        let mut first = true;
        self.type_of(schema, &mut first);
        if let Some(title) = schema.name() {
            self.member(&mut first, "title");
            write_string(&mut self.out, title);
        }
        if let Some(doc) = schema.doc() {
            self.member(&mut first, "description");
            write_string(&mut self.out, doc);
        }
        if let Some(default) = schema.default_value() {
            self.member(&mut first, "default");
            self.default(schema, default)?;
        }
        // An optional struct carries its id outside and inside, other types outside alone.
        let inside = schema.schema_type() == SchemaType::Struct || !schema.is_optional();
        if let Some(id) = parameter(schema, names::ID).filter(|_| inside) {
            self.member(&mut first, "id");
            write_string(&mut self.out, id);
        }
        for (name, text) in self.properties(schema, index) {
            self.member(&mut first, name);
            self.out.extend_from_slice(text.as_bytes());
        }
        self.parts(schema, &mut first)?;
        self.out.push(b'}');
        Ok(())
    }

    fn member(&mut self, first: &mut bool, name: &str) {
        if !std::mem::take(first) {
            self.out.push(b',');
        }
        write_string(&mut self.out, name);
        self.out.push(b':');
    }

    fn type_of(&mut self, schema: &Schema, first: &mut bool) {
        if let Some(symbols) = self.symbols(schema) {
            self.member(first, "enum");
            self.out.push(b'[');
            for (at, symbol) in symbols.iter().enumerate() {
                if at > 0 {
                    self.out.push(b',');
                }
                match symbol.as_str() {
                    names::NULL_SYMBOL => self.out.extend_from_slice(b"null"),
                    symbol => write_string(&mut self.out, symbol),
                }
            }
            self.out.push(b']');
            return;
        }
        let numeric = self.config.numeric_decimals && schema.name() == Some(logical::DECIMAL);
        let name = match schema.schema_type() {
            SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 | SchemaType::Int64 => "integer",
            SchemaType::Float32 | SchemaType::Float64 => "number",
            SchemaType::Bytes if numeric => "number",
            SchemaType::Boolean => "boolean",
            SchemaType::String | SchemaType::Bytes => "string",
            SchemaType::Map if has_names(schema) => "object",
            SchemaType::Array | SchemaType::Map => "array",
            SchemaType::Struct => "object",
        };
        self.member(first, "type");
        write_string(&mut self.out, name);
        if schema.schema_type() == SchemaType::Struct && !self.config.additional_properties {
            self.member(first, "additionalProperties");
            self.out.extend_from_slice(b"false");
        }
    }

    /// The symbols of an enum in the order of Java's `HashSet`.
    fn symbols(&self, schema: &Schema) -> Option<Vec<String>> {
        let is_enum = [names::GENERALIZED_ENUM, names::ENUM].iter().any(|name| parameter(schema, name).is_some());
        if schema.schema_type() != SchemaType::String || !is_enum {
            return None;
        }
        let key = if self.config.generalized_sum_type_support { names::GENERALIZED_ENUM } else { names::ENUM };
        let prefix = format!("{key}.");
        let parameters = schema.parameters()?;
        let mut symbols: Vec<_> =
            parameters.keys().filter_map(|key| key.strip_prefix(prefix.as_str())).map(str::to_owned).collect();
        // The hash of null is that of the empty text.
        java_order::hash_map(&mut symbols, |symbol| if symbol == names::NULL_SYMBOL { "" } else { symbol });
        Some(symbols)
    }

    /// The `connect.` properties as text, in the order of Java's map.
    fn properties(&self, schema: &Schema, index: Option<usize>) -> Vec<(&'static str, String)> {
        let mut properties = Vec::new();
        let connect_type = match schema.schema_type() {
            SchemaType::Int8 => Some("int8"),
            SchemaType::Int16 => Some("int16"),
            SchemaType::Int32 => Some("int32"),
            SchemaType::Int64 => Some("int64"),
            SchemaType::Float32 => Some("float32"),
            SchemaType::Float64 => Some("float64"),
            SchemaType::Bytes => Some("bytes"),
            SchemaType::Map => Some("map"),
            _ => None,
        };
        properties.extend(connect_type.map(|name| (names::CONNECT_TYPE, format!("\"{name}\""))));
        properties.extend(schema.version().map(|version| (names::CONNECT_VERSION, version.to_string())));
        properties.extend(parameters_text(schema).map(|text| (names::CONNECT_PARAMETERS, text)));
        properties.extend(index.map(|index| (names::CONNECT_INDEX, index.to_string())));
        java_order::hash_map_copy(&mut properties, |(name, _)| name);
        properties
    }

    fn default(&mut self, schema: &Schema, default: &Value) -> Result<()> {
        match default {
            // org.json leaves trailing zeros out.
            Value::Float32(number) if number.is_finite() => {
                let text = sluice_api::data::java_float_text(*number);
                self.out.extend_from_slice(shortest(&text).as_bytes());
                Ok(())
            }
            Value::Float64(number) if number.is_finite() => {
                let text = sluice_api::data::java_double_text(*number);
                self.out.extend_from_slice(shortest(&text).as_bytes());
                Ok(())
            }
            _ => Encoder::new(self.config).write(&mut self.out, schema, default).map(drop),
        }
    }

    fn parts(&mut self, schema: &Schema, first: &mut bool) -> Result<()> {
        match schema.schema_type() {
            SchemaType::Array => {
                self.member(first, "items");
                match schema.value_schema()? {
                    Some(element) if self.refer(element) => Ok(()),
                    element => self.part(element, None),
                }
            }
            SchemaType::Map if has_names(schema) => {
                self.member(first, "additionalProperties");
                self.part(schema.value_schema()?, None)
            }
            SchemaType::Map => {
                self.member(first, "items");
                // The order of Java's map again.
                self.out.extend_from_slice(b"{\"type\":\"object\",\"properties\":{\"value\":");
                self.part(schema.value_schema()?, Some(1))?;
                self.out.extend_from_slice(b",\"key\":");
                self.part(schema.key_schema()?, Some(0))?;
                self.out.extend_from_slice(b"}}");
                Ok(())
            }
            SchemaType::Struct => self.fields(schema, first),
            _ => Ok(()),
        }
    }

    fn part(&mut self, schema: Option<&Schema>, index: Option<usize>) -> Result<()> {
        let missing = || ConnectError::data("an array or map without element schema cannot be written as JSON Schema");
        self.schema(schema.ok_or_else(missing)?, index, false)
    }

    fn fields(&mut self, schema: &Schema, first: &mut bool) -> Result<()> {
        let mut fields: Vec<&Field> = schema.fields()?.iter().collect();
        if fields.is_empty() {
            return Ok(());
        }
        self.member(first, "properties");
        self.out.push(b'{');
        // Written in the order of Java's map, while ids are given out in the order of the fields.
        let mut texts = Vec::with_capacity(fields.len());
        for field in &fields {
            let start = self.out.len();
            if !self.refer(field.schema()) {
                self.schema(field.schema(), Some(field.index()), false)?;
            }
            texts.push(self.out.split_off(start));
        }
        java_order::hash_map(&mut fields, |field| field.name());
        let mut first = true;
        for field in fields {
            self.member(&mut first, field.name());
            self.out.append(&mut texts[field.index()]);
        }
        self.out.push(b'}');
        Ok(())
    }

    /// A reference when the type was written before.
    fn refer(&mut self, schema: &Schema) -> bool {
        let Some(id) = parameter(schema, names::ID).filter(|id| self.ids.iter().any(|known| known == id)) else {
            return false;
        };
        self.out.extend_from_slice(b"{\"$ref\":");
        write_string(&mut self.out, id);
        self.out.push(b'}');
        true
    }
}

/// Whether a map is an object: its keys are text that is never null.
pub(super) fn has_names(schema: &Schema) -> bool {
    let key = schema.key_schema().ok().flatten();
    key.is_some_and(|key| key.schema_type() == SchemaType::String && !key.is_optional())
}

fn parameters_text(schema: &Schema) -> Option<String> {
    let mut parameters: Vec<_> =
        schema.parameters()?.iter().filter(|(name, _)| !name.starts_with(names::NAMESPACE)).collect();
    if parameters.is_empty() {
        return None;
    }
    java_order::hash_map_of_size(&mut parameters, |(name, _)| name);
    let mut out = vec![b'{'];
    for (at, (name, value)) in parameters.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(&mut out, name);
        out.push(b':');
        write_string(&mut out, value);
    }
    out.push(b'}');
    String::from_utf8(out).ok()
}

fn shortest(text: &str) -> &str {
    if text.contains(['e', 'E']) || !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.')
}
