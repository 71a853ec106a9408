//! The schema of a JSON value (`JsonSchemaData`).

use std::collections::HashSet;
use std::mem::discriminant;

use indexmap::IndexMap;
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder, SchemaType};

use super::JsonPayload;
use super::node::Node;
use crate::schema_basics::copy_basics;

impl JsonPayload {
    /// The schema of `node`, every part of it optional; `None` for what is left out: null and empty arrays.
    pub(super) fn schema(&self, name: Option<&str>, node: &Node) -> Result<Option<Schema>> {
        Ok(Some(match node {
            Node::Text(_) => Schema::OPTIONAL_STRING,
            Node::Boolean(_) => Schema::OPTIONAL_BOOLEAN,
            Node::Int(_) => Schema::OPTIONAL_INT32,
            Node::Long(_) => Schema::OPTIONAL_INT64,
            Node::Double(_) => Schema::OPTIONAL_FLOAT64,
            Node::Null if self.null_as_bytes => Schema::OPTIONAL_BYTES,
            Node::Null => return Ok(None),
            Node::Array(elements) if elements.is_empty() => return Ok(None),
            Node::Array(elements) => SchemaBuilder::array(self.element(name, elements)?).optional().build()?,
            Node::Object(entries) => self.object(name, entries)?,
        }))
    }

    fn object(&self, name: Option<&str>, entries: &IndexMap<String, Node>) -> Result<Schema> {
        let mut builder = SchemaBuilder::structure().optional();
        if let Some(name) = name {
            builder = builder.name(name);
        }
        let mut known = HashSet::with_capacity(entries.len());
        for (key, node) in entries {
            let field = self.field_names.field_name(key.clone());
            let path = match name.filter(|name| !name.trim().is_empty()) {
                Some(name) => format!("{name}.{field}"),
                None => field.clone(),
            };
            let schema = self.schema(Some(&path), node)?;
            if let Some(schema) = schema.filter(|_| !known.contains(&field)) {
                builder = builder.field(field.as_str(), schema).checked()?;
                known.insert(field);
            }
        }
        builder.build()
    }

    /// The schema of the elements of an array: objects are merged, other values must be of one type.
    fn element(&self, name: Option<&str>, elements: &[Node]) -> Result<Schema> {
        let sample = self.sample(elements)?;
        if !matches!(sample, Node::Object(_)) {
            let schema = self.schema(None, sample)?;
            return schema.ok_or_else(|| ConnectError::data("an array has unrecognized member schema"));
        }
        let objects = elements.iter().filter(|node| matches!(node, Node::Object(_)));
        let schemas: Vec<Schema> =
            objects.filter_map(|node| self.schema(name, node).transpose()).collect::<Result<_>>()?;
        let (first, others) = schemas.split_first().ok_or_else(|| ConnectError::data("an array without members"))?;
        if others.iter().all(|schema| schema == first) { Ok(first.clone()) } else { merged(first, others) }
    }

    /// The first element that is not null, after a look at whether the others are of its type.
    fn sample<'a>(&self, elements: &'a [Node]) -> Result<&'a Node> {
        let mut present = elements.iter().filter(|node| **node != Node::Null);
        let Some(first) = present.next() else { return Ok(&Node::Null) };
        match present.all(|node| discriminant(node) == discriminant(first)) {
            true => Ok(first),
            false => Err(ConnectError::data("an array of values of several types")),
        }
    }
}

/// All fields of all; where several have one, bytes (a null) give way to another's schema.
fn merged(first: &Schema, others: &[Schema]) -> Result<Schema> {
    let mut fields: IndexMap<&str, &Schema> = IndexMap::new();
    for schema in std::iter::once(first).chain(others) {
        for field in schema.fields()? {
            let known = fields.entry(field.name()).or_insert(field.schema());
            if known.schema_type() == SchemaType::Bytes {
                *known = field.schema();
            }
        }
    }
    let builder = copy_basics(first, SchemaBuilder::structure());
    fields.into_iter().fold(builder, |builder, (name, schema)| builder.field(name, schema.clone())).build()
}
