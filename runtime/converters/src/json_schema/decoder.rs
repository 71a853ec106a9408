//! JSON to Connect data by a schema, with Jackson's silent coercions.

use sluice_api::data::{BigDecimal, Field, Map, Schema, SchemaType, Struct, Value, logical};
use sluice_api::{ConnectError, Result};

use super::from_schema::{has_names, is_union};
use crate::json::decoder::base64;
use crate::json::node::Node;

/// The value in `node`; `None` stands for a member that is not there.
///
/// # Errors
/// `Data` when the node is nothing that the schema allows; the field is named.
pub(super) fn decode(schema: &Schema, node: Option<Node>) -> Result<Value> {
    let missing = node.is_none();
    let Some(node) = node.filter(|node| *node != Node::Null) else {
        return match schema.default_value() {
            Some(default) => Ok(default.clone()),
            None if missing || schema.is_optional() => Ok(Value::Null),
            None => {
                let schema_type = schema.schema_type();
                Err(ConnectError::data(format!("Invalid null value for required {schema_type} field")))
            }
        };
    };
    match schema.name() {
        Some(logical::DECIMAL) => decimal(schema, &node),
        Some(logical::DATE) => Ok(Value::Date(logical::date_from_days(schema, int(&node, "Date")?)?)),
        Some(logical::TIME) => Ok(Value::Date(logical::time_from_millis(schema, int(&node, "Time")?)?)),
        Some(logical::TIMESTAMP) => match node {
            Node::Long(_) | Node::BigInteger(_) => logical::timestamp_millis(schema, node.to_i64()).map(Value::Date),
            other => Err(wrong_logical("Timestamp", "integral", &other)),
        },
        _ => by_type(schema, node),
    }
}

fn by_type(schema: &Schema, node: Node) -> Result<Value> {
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
            None => return Err(ConnectError::data(format!("Invalid bytes field: it is of type {}", node.kind()))),
        },
        SchemaType::Array => array(schema, node)?,
        SchemaType::Map => map(schema, node)?,
        SchemaType::Struct if is_union(schema) => union(schema, node)?,
        SchemaType::Struct => structure(schema, node)?,
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
            logical::decimal_from_bytes(schema, &bytes)
                .map_err(|cause| ConnectError::data(INVALID).with_source(cause))?
        }
        other => return Err(wrong_logical("Decimal", "numeric or bytes", other)),
    }))
}

fn int(node: &Node, name: &str) -> Result<i32> {
    let number = match node {
        Node::Long(number) => i32::try_from(*number).ok(),
        _ => None,
    };
    number.ok_or_else(|| wrong_logical(name, "integer", node))
}

fn wrong_logical(name: &str, expected: &str, node: &Node) -> ConnectError {
    let kind = node.kind();
    ConnectError::data(format!(
        "Invalid type for {name}, underlying representation should be {expected} but was {kind}"
    ))
}

/// The elements of an array, the member values of an object, nothing of a scalar.
fn array(schema: &Schema, node: Node) -> Result<Value> {
    let element = part(schema.value_schema()?)?;
    let nodes = match node {
        Node::Array(nodes) => nodes,
        Node::Object(members) => members.into_iter().map(|(_, node)| node).collect(),
        _ => Vec::new(),
    };
    nodes.into_iter().map(|node| decode(element, Some(node))).collect::<Result<_>>().map(Value::Array)
}

fn map(schema: &Schema, node: Node) -> Result<Value> {
    let (key_schema, value_schema) = (part(schema.key_schema()?)?, part(schema.value_schema()?)?);
    if has_names(schema) {
        let Node::Object(members) = node else {
            let kind = node.kind();
            let message = "Maps with string fields should be encoded as JSON objects, but found";
            return Err(ConnectError::data(format!("{message} {kind}")));
        };
        let entry = |(name, node)| Ok((Value::String(name), decode(value_schema, Some(node))?));
        let entries = members.into_iter().map(entry).collect::<Result<Vec<_>>>()?;
        return Ok(Value::Map(Map::hash_ordered_distinct(entries)));
    }
    let Node::Array(entries) = node else {
        let kind = node.kind();
        let message = "Maps with non-string fields should be encoded as JSON array of objects, but found";
        return Err(ConnectError::data(format!("{message} {kind}")));
    };
    let entries = entries.into_iter().map(|entry| {
        let [key, value] = key_and_value(entry)?;
        Ok((decode(key_schema, key)?, decode(value_schema, value)?))
    });
    entries.collect::<Result<Vec<_>>>().map(|entries| Value::Map(Map::hash_ordered(entries)))
}

fn key_and_value(entry: Node) -> Result<[Option<Node>; 2]> {
    let Node::Object(members) = entry else {
        return Err(ConnectError::data(format!("Found invalid map entry instead of object: {}", entry.kind())));
    };
    if members.len() != 2 {
        let message = format!("Found invalid map entry, expected length 2 but found :{}", members.len());
        return Err(ConnectError::data(message));
    }
    let mut parts = [None, None];
    for (name, node) in members {
        match &*name {
            "key" => parts[0] = Some(node),
            "value" => parts[1] = Some(node),
            _ => {}
        }
    }
    Ok(parts)
}

fn structure(schema: &Schema, node: Node) -> Result<Value> {
    let Node::Object(members) = node else {
        return Err(ConnectError::data(format!(
            "Structs should be encoded as JSON objects, but found {}",
            node.kind()
        )));
    };
    let fields = schema.fields()?;
    let mut nodes: Vec<Option<Node>> = vec![None; fields.len()];
    for (name, node) in members {
        if let Some(field) = schema.field(&name)? {
            nodes[field.index()] = Some(node);
        }
    }
    let mut value = Struct::new(schema.clone())?;
    for (field, node) in fields.iter().zip(nodes) {
        put(&mut value, field, node)
            .map_err(|cause| ConnectError::data(format!("field {}", field.name())).with_source(cause))?;
    }
    Ok(Value::Struct(value))
}

/// A required field may stay null: properties that are not required are not optional in the schema unless asked for.
fn put(value: &mut Struct, field: &Field, node: Option<Node>) -> Result<()> {
    match decode(field.schema(), node)? {
        Value::Null => Ok(()),
        decoded => value.put_field(field, decoded),
    }
}

/// The first member of a simple type that the node is of, or the struct that has most of its properties.
fn union(schema: &Schema, node: Node) -> Result<Value> {
    let mut best: Option<(&Field, usize)> = None;
    for field in schema.fields()? {
        if is_simple_match(field.schema(), &node) {
            return member(schema, field, node);
        }
        let matching = matching_properties(field.schema(), &node)?;
        if matching > best.map_or(0, |(_, matching)| matching) {
            best = Some((field, matching));
        }
    }
    match best {
        Some((field, _)) => member(schema, field, node),
        None => Err(ConnectError::data("Did not find matching oneof field for data")),
    }
}

fn member(schema: &Schema, field: &Field, node: Node) -> Result<Value> {
    let mut value = Struct::new(schema.clone())?;
    put(&mut value, field, Some(node))?;
    Ok(Value::Struct(value))
}

fn is_simple_match(schema: &Schema, node: &Node) -> bool {
    match schema.schema_type() {
        SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 | SchemaType::Int64 => {
            matches!(node, Node::Long(_) | Node::BigInteger(_))
        }
        SchemaType::Float32 | SchemaType::Float64 => {
            matches!(node, Node::Long(_) | Node::BigInteger(_) | Node::Decimal(_))
        }
        SchemaType::Boolean => matches!(node, Node::Boolean(_)),
        SchemaType::String => matches!(node, Node::Text(_)),
        SchemaType::Bytes => matches!(node, Node::Decimal(_)),
        SchemaType::Array => matches!(node, Node::Array(_)),
        SchemaType::Map => matches!(node, Node::Object(_) | Node::Array(_)),
        SchemaType::Struct => false,
    }
}

/// How many properties, and properties of those, both the schema and the object have.
fn matching_properties(schema: &Schema, node: &Node) -> Result<usize> {
    let (SchemaType::Struct, Node::Object(members)) = (schema.schema_type(), node) else { return Ok(0) };
    let mut matching = 0;
    for (name, node) in members {
        if let Some(field) = schema.field(name)? {
            matching += 1 + matching_properties(field.schema(), node)?;
        }
    }
    Ok(matching)
}

fn part(schema: Option<&Schema>) -> Result<&Schema> {
    schema.ok_or_else(|| ConnectError::data("an array or map has no element schema"))
}
