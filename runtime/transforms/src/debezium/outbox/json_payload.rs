//! Payloads of JSON text as structs, with a schema that is inferred from each (`table.expand.json.payload`).

mod infer;
mod node;

use sluice_api::{ConnectError, Result, Schema, SchemaType, Struct, Value};

use self::node::{Node, read};
use super::super::names::NameAdjustment;

/// Objects of one array get the fields of all, so a short text could be a struct of any size.
const MOST_FIELDS: usize = 4_000_000;

/// How payloads are expanded.
pub(super) struct JsonPayload {
    /// Whether null becomes a field of optional bytes; otherwise it is left out.
    pub(super) null_as_bytes: bool,
    pub(super) field_names: NameAdjustment,
}

impl JsonPayload {
    /// The struct in the text; `name` is the name of its schema.
    ///
    /// # Errors
    /// `Data` for text that is no JSON object, and for one that no schema can be inferred for.
    pub(super) fn expand(&self, name: &str, text: &str) -> Result<(Schema, Value)> {
        if !text.starts_with(['{', '[']) {
            return Err(ConnectError::data("the payload is neither a JSON object nor an array"));
        }
        let node = read(text)?;
        let schema = self.schema(Some(name), &node)?;
        let schema =
            schema.ok_or_else(|| ConnectError::data("the payload has nothing in it to infer a schema from"))?;
        let mut room = MOST_FIELDS;
        let value = structure(&node, &schema, &mut room)?;
        Ok((schema, value.into()))
    }
}

/// `room` is how many fields there may still be.
fn structure(node: &Node, schema: &Schema, room: &mut usize) -> Result<Struct> {
    *room = room.checked_sub(schema.fields()?.len()).ok_or_else(|| {
        ConnectError::data(format!(
            "the payload has too many fields: objects of one array get those of all, and together they are more than {MOST_FIELDS}"
        ))
    })?;
    let mut value = Struct::new(schema.clone())?;
    for field in schema.fields()? {
        if let Node::Object(entries) = node
            && let Some(entry) = entries.get(field.name())
        {
            value.put_field(field, data(entry, field.schema(), room)?)?;
        }
    }
    Ok(value)
}

fn data(node: &Node, schema: &Schema, room: &mut usize) -> Result<Value> {
    Ok(match node {
        Node::Null => Value::Null,
        Node::Boolean(value) => (*value).into(),
        Node::Int(value) => (*value).into(),
        Node::Long(value) => (*value).into(),
        Node::Double(value) => (*value).into(),
        Node::Text(text) => text.clone().into(),
        Node::Array(_) if schema.schema_type() != SchemaType::Array => {
            return Err(ConnectError::data("an array where the other elements have none"));
        }
        Node::Array(elements) => {
            let schema = schema.value_schema()?.ok_or_else(|| ConnectError::data("an array without element schema"))?;
            Value::Array(elements.iter().map(|element| data(element, schema, room)).collect::<Result<_>>()?)
        }
        Node::Object(_) => structure(node, schema, room)?.into(),
    })
}

#[cfg(test)]
mod tests;
