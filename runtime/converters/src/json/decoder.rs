//! JSON to Connect data by a schema, with Jackson's silent coercions, and JSON schemas to schemas (connect-plugins.md 1.3).

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use sluice_api::data::{BigDecimal, Map, Schema, SchemaBuilder, SchemaType, Struct, Value, logical};
use sluice_api::{ConnectError, Result};

use super::node::Node;

/// Padding is required, stray low bits of the last character are ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// What the configuration says about reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoder {
    pub(super) replace_null_with_default: bool,
}

impl Decoder {
    /// The value in `node`.
    pub(super) fn value(&self, schema: Option<&Schema>, node: Node) -> Result<Value> {
        let Some(schema) = schema else { return Ok(node.into_schemaless()) };
        if node == Node::Null {
            return self.null(schema);
        }
        match schema.name() {
            Some(logical::DECIMAL) => decimal(schema, &node),
            Some(logical::DATE) => Ok(Value::Date(logical::date_from_days(schema, int(&node, "Date")?)?)),
            Some(logical::TIME) => Ok(Value::Date(logical::time_from_millis(schema, int(&node, "Time")?)?)),
            Some(logical::TIMESTAMP) => timestamp(schema, &node),
            _ => self.by_type(schema, node),
        }
    }

    fn null(&self, schema: &Schema) -> Result<Value> {
        match schema.default_value() {
            Some(default) if self.replace_null_with_default => Ok(default.clone()),
            _ if schema.is_optional() => Ok(Value::Null),
            _ => {
                let schema_type = schema.schema_type();
                Err(ConnectError::data(format!("Invalid null value for required {schema_type} field")))
            }
        }
    }

    fn by_type(&self, schema: &Schema, node: Node) -> Result<Value> {
        Ok(match schema.schema_type() {
            SchemaType::Boolean => Value::Boolean(node == Node::Boolean(true)),
            SchemaType::Int8 => Value::Int8(node.to_i64() as i8),
            SchemaType::Int16 => Value::Int16(node.to_i64() as i16),
            SchemaType::Int32 => Value::Int32(node.to_i64() as i32),
            SchemaType::Int64 => Value::Int64(node.to_i64()),
            SchemaType::Float32 => Value::Float32(node.to_f32()),
            SchemaType::Float64 => Value::Float64(node.to_f64()),
            SchemaType::String => match node {
                Node::Text(text) => Value::String(text),
                _ => Value::Null,
            },
            SchemaType::Bytes => match node.text() {
                Some(text) => Value::Bytes(base64(text, "Invalid bytes field")?),
                None => Value::Null,
            },
            SchemaType::Array => self.array(schema, node)?,
            SchemaType::Map => self.map(schema, node)?,
            SchemaType::Struct => self.structure(schema, node)?,
        })
    }

    /// The elements of an array, the member values of an object, nothing of a scalar.
    fn array(&self, schema: &Schema, node: Node) -> Result<Value> {
        let element = schema.value_schema()?;
        let elements = match node {
            Node::Array(nodes) => nodes,
            Node::Object(members) => members.into_iter().map(|(_, node)| node).collect(),
            _ => Vec::new(),
        };
        elements.into_iter().map(|node| self.value(element, node)).collect::<Result<_>>().map(Value::Array)
    }

    fn map(&self, schema: &Schema, node: Node) -> Result<Value> {
        let (key_schema, value_schema) = (schema.key_schema()?, schema.value_schema()?);
        if key_schema.is_none_or(|key| key.schema_type() == SchemaType::String) {
            let Node::Object(members) = node else {
                let message =
                    format!("Maps with string fields should be encoded as JSON objects, but found {}", node.kind());
                return Err(ConnectError::data(message));
            };
            let entry = |(name, node)| Ok((Value::String(name), self.value(value_schema, node)?));
            let entries = members.into_iter().map(entry).collect::<Result<Vec<_>>>()?;
            return Ok(Value::Map(Map::hash_ordered_distinct(entries)));
        }
        let Node::Array(pairs) = node else {
            let message = "Maps with non-string fields should be encoded as JSON array of tuples, but found ";
            return Err(ConnectError::data(format!("{message}{}", node.kind())));
        };
        let entries = pairs.into_iter().map(|pair| {
            let [key, value] = two(pair)?;
            Ok((self.value(key_schema, key)?, self.value(value_schema, value)?))
        });
        let entries = entries.collect::<Result<Vec<_>>>()?;
        // Byte arrays are never equal to each other in Java, so every entry stays.
        let distinct = key_schema.is_some_and(|key| key.schema_type() == SchemaType::Bytes);
        Ok(Value::Map(if distinct { Map::hash_ordered_distinct(entries) } else { Map::hash_ordered(entries) }))
    }

    fn structure(&self, schema: &Schema, node: Node) -> Result<Value> {
        let Node::Object(mut members) = node else {
            let message = format!("Structs should be encoded as JSON objects, but found {}", node.kind());
            return Err(ConnectError::data(message));
        };
        let mut value = Struct::new(schema.clone())?;
        for field in schema.fields()? {
            // Members usually come in the order of the fields.
            let in_order = members.get(field.index()).is_some_and(|(name, _)| *name == field.name());
            let at =
                if in_order { Some(field.index()) } else { members.iter().position(|(name, _)| *name == field.name()) };
            let member = at.map_or(Node::Null, |at| std::mem::replace(&mut members[at].1, Node::Null));
            value.put_field(field, self.value(Some(field.schema()), member)?)?;
        }
        Ok(Value::Struct(value))
    }

    /// The schema that a JSON schema describes; `None` for null.
    pub(super) fn schema(&self, node: &Node) -> Result<Option<Schema>> {
        if *node == Node::Null {
            return Ok(None);
        }
        let name = node.get("type").and_then(Node::text);
        let name = name.ok_or_else(|| ConnectError::data("Schema must contain 'type' field"))?;
        let mut builder = self.builder(name, node)?;
        let optional = node.get("optional") == Some(&Node::Boolean(true));
        builder = if optional { builder.optional() } else { builder.required() };
        if let Some(name) = node.get("name").and_then(Node::text) {
            builder = builder.name(&**name);
        }
        if let Some(version @ (Node::Long(_) | Node::BigInteger(_))) = node.get("version") {
            builder = builder.version(version.to_i64() as i32);
        }
        if let Some(doc) = node.get("doc").and_then(Node::text) {
            builder = builder.doc(&**doc);
        }
        if let Some(Node::Object(parameters)) = node.get("parameters") {
            for (name, value) in parameters {
                let value =
                    value.text().ok_or_else(|| ConnectError::data("Schema parameters must have string values."))?;
                builder = builder.parameter(&**name, &**value);
            }
        }
        if let Some(default) = node.get("default") {
            let default = self.value(Some(&builder.so_far()), default.clone())?;
            builder = builder.default(default);
        }
        builder.build().map(Some)
    }

    fn builder(&self, name: &str, node: &Node) -> Result<SchemaBuilder> {
        Ok(match name {
            "boolean" => SchemaBuilder::boolean(),
            "int8" => SchemaBuilder::int8(),
            "int16" => SchemaBuilder::int16(),
            "int32" => SchemaBuilder::int32(),
            "int64" => SchemaBuilder::int64(),
            "float" => SchemaBuilder::float32(),
            "double" => SchemaBuilder::float64(),
            "bytes" => SchemaBuilder::bytes(),
            "string" => SchemaBuilder::string(),
            "array" => {
                let items = node.get("items").filter(|items| **items != Node::Null);
                let missing = "Array schema did not specify the element type";
                SchemaBuilder::array(self.part(items, missing, "valueSchema")?)
            }
            "map" => SchemaBuilder::map(
                self.part(node.get("keys"), "Map schema did not specify the key type", "keySchema")?,
                self.part(node.get("values"), "Map schema did not specify the value type", "valueSchema")?,
            ),
            "struct" => self.fields(node)?,
            unknown => return Err(ConnectError::data(format!("Unknown schema type: {unknown}"))),
        })
    }

    fn part(&self, node: Option<&Node>, missing: &str, noun: &str) -> Result<Schema> {
        let node = node.ok_or_else(|| ConnectError::data(missing))?;
        self.schema(node)?.ok_or_else(|| ConnectError::data(format!("{noun} cannot be null.")))
    }

    fn fields(&self, node: &Node) -> Result<SchemaBuilder> {
        let Some(Node::Array(fields)) = node.get("fields") else {
            return Err(ConnectError::data("Struct schema's \"fields\" argument is not an array."));
        };
        let mut builder = SchemaBuilder::structure();
        for field in fields {
            let name = field.get("field").and_then(Node::text);
            let name = name.ok_or_else(|| ConnectError::data("Struct schema's field name not specified properly"))?;
            let missing = || ConnectError::data(format!("fieldSchema for field {name} cannot be null."));
            builder = builder.field(&**name, self.schema(field)?.ok_or_else(missing)?).checked()?;
        }
        Ok(builder)
    }
}

fn two(pair: Node) -> Result<[Node; 2]> {
    let Node::Array(nodes) = pair else {
        return Err(ConnectError::data(format!("Found invalid map entry instead of array tuple: {}", pair.kind())));
    };
    <[Node; 2]>::try_from(nodes).map_err(|nodes| {
        ConnectError::data(format!("Found invalid map entry, expected length 2 but found :{}", nodes.len()))
    })
}

fn decimal(schema: &Schema, node: &Node) -> Result<Value> {
    const INVALID: &str = "Invalid bytes for Decimal field";
    Ok(Value::Decimal(match node {
        Node::Long(number) => BigDecimal::new(*number, 0),
        Node::BigInteger(number) => BigDecimal::new(number.clone(), 0),
        Node::Decimal(number) => number.clone(),
        Node::Text(text) => {
            let bytes = base64(text, INVALID)?;
            let decimal = logical::decimal_from_bytes(schema, &bytes);
            decimal.map_err(|cause| ConnectError::data(INVALID).with_source(cause))?
        }
        _ => {
            return Err(ConnectError::data(format!(
                "Invalid type for Decimal, underlying representation should be numeric or bytes but was {}",
                node.kind()
            )));
        }
    }))
}

/// An integer literal that fits 32 bit.
fn int(node: &Node, name: &str) -> Result<i32> {
    let number = match node {
        Node::Long(number) => i32::try_from(*number).ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        let kind = node.kind();
        let message = format!("Invalid type for {name}, underlying representation should be integer but was {kind}");
        ConnectError::data(message)
    })
}

fn timestamp(schema: &Schema, node: &Node) -> Result<Value> {
    if !matches!(node, Node::Long(_) | Node::BigInteger(_)) {
        let kind = node.kind();
        let message = "Invalid type for Timestamp, underlying representation should be integral but was ";
        return Err(ConnectError::data(format!("{message}{kind}")));
    }
    logical::timestamp_millis(schema, node.to_i64()).map(Value::Date)
}

/// Base64 as Jackson reads it: blanks may stand between groups of four.
pub(crate) fn base64(text: &str, message: &str) -> Result<Bytes> {
    let decoded = match BASE64.decode(text) {
        Err(_) if text.bytes().any(|byte| byte <= b' ') => BASE64.decode(without_blanks(text)),
        decoded => decoded,
    };
    decoded.map(Bytes::from).map_err(|cause| ConnectError::data(message).with_source(cause))
}

/// Leaves blanks out where a group of four starts; elsewhere they stay and fail.
fn without_blanks(text: &str) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        if byte > b' ' || kept.len() % 4 != 0 {
            kept.push(byte);
        }
    }
    kept
}
