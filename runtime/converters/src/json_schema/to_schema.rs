//! Elements to a Connect schema.

use std::collections::HashMap;

use bytestring::ByteString;
use sluice_api::data::{Schema, SchemaBuilder, SchemaType};
use sluice_api::{ConnectError, Result};

use super::config::JsonSchemaConfig;
use super::decoder;
use super::element::{Criterion, Element, ElementId, Kind, Object};
use super::loader::Elements;
use super::names;
use crate::json::node::Node;

/// The Connect schema; `version` is the one that the registry gave the schema.
///
/// # Errors
/// `Data` when Connect cannot hold it.
pub(super) fn to_schema(elements: &Elements, version: Option<i32>, config: &JsonSchemaConfig) -> Result<Schema> {
    let mut mapping =
        Mapping { elements, config, open: Vec::new(), done: HashMap::new(), ids: 0, unions: 0, depth: 0, steps: 0 };
    mapping.schema(elements.root(), version, false)
}

struct Mapping<'a> {
    elements: &'a Elements,
    config: &'a JsonSchemaConfig,
    /// The objects around the one in hand, to find one that contains itself.
    open: Vec<ElementId>,
    /// Objects that were met before, as they were when not optional.
    done: HashMap<ElementId, Schema>,
    ids: u32,
    unions: u32,
    depth: usize,
    steps: usize,
}

/// What bounds recursion and work, since a short text can refer to its parts again and again.
const MOST_DEEP: usize = 200;
const MOST_STEPS: usize = 100_000;

/// The parts of an `allOf` that say something about the type; the last of each sort counts.
#[derive(Default)]
struct AllOf {
    constant: Option<ElementId>,
    symbols: Option<ElementId>,
    number: Option<ElementId>,
    text: Option<ElementId>,
    combined: Option<ElementId>,
    reference: Option<ElementId>,
}

impl Mapping<'_> {
    fn schema(&mut self, id: ElementId, version: Option<i32>, optional: bool) -> Result<Schema> {
        if self.depth >= MOST_DEEP || self.steps >= MOST_STEPS {
            return Err(ConnectError::data(format!(
                "the JSON schema refers to itself, is nested deeper than {MOST_DEEP} or has more than {MOST_STEPS} parts"
            )));
        }
        self.steps += 1;
        self.depth += 1;
        let schema = self.schema_of(id, version, optional);
        self.depth -= 1;
        schema
    }

    fn schema_of(&mut self, id: ElementId, version: Option<i32>, optional: bool) -> Result<Schema> {
        let elements = self.elements;
        let element = elements.get(id);
        let connect_type = element.connect_type.as_deref();
        let builder = match &element.kind {
            Kind::Boolean => SchemaBuilder::boolean(),
            Kind::Number { integer } => number(connect_type, *integer)?,
            Kind::Text if connect_type == Some("bytes") => SchemaBuilder::bytes(),
            Kind::Text => SchemaBuilder::string(),
            Kind::Const(value) => self.symbols(std::slice::from_ref(value)),
            Kind::Enum(values) => self.symbols(values),
            Kind::Combined { criterion, parts } => match self.combined(id, *criterion, parts, version, optional)? {
                Combined::Schema(schema) => return Ok(schema),
                Combined::Union(builder) => *builder,
            },
            Kind::Array { items } => self.array(connect_type, *items)?,
            Kind::Object(object) if connect_type == Some("map") => {
                let missing = || ConnectError::data("Map schema did not specify the type of its values");
                let value = self.schema(object.additional.ok_or_else(missing)?, None, false)?;
                SchemaBuilder::map(Schema::STRING, value)
            }
            Kind::Object(object) => self.object(id, object)?,
            Kind::Reference(target) => return self.reference(*target, version, optional),
            Kind::Empty => return Err(unsupported("a schema that says nothing about the type")),
            Kind::Null => return Err(unsupported("the type null alone")),
            Kind::Other(keyword) => return Err(unsupported(keyword)),
        };
        let schema = self.attributes(builder, element, version)?;
        if let (Kind::Object(_), SchemaType::Struct) = (&element.kind, schema.schema_type()) {
            self.done.insert(id, schema.clone());
        }
        with_optional(schema, optional)
    }

    fn attributes(&self, mut builder: SchemaBuilder, element: &Element, version: Option<i32>) -> Result<Schema> {
        if let (Some(title), None) = (&element.title, builder.so_far().name()) {
            builder = builder.name(&**title);
        }
        if let Some(version) = connect_version(element)?.or(version) {
            builder = builder.version(version);
        }
        if let Some(description) = &element.description {
            builder = builder.doc(&**description);
        }
        for (name, value) in connect_parameters(element)? {
            builder = builder.parameter(name, value);
        }
        if let Some(default) = element.default.as_ref().filter(|default| **default != Node::Null) {
            let value = decoder::decode(&builder.so_far(), Some(default.clone()))?;
            builder = builder.default(value);
        }
        builder.build()
    }

    fn symbols(&self, values: &[Node]) -> SchemaBuilder {
        let generalized = self.config.generalized_sum_type_support;
        let key = if generalized { names::GENERALIZED_ENUM } else { names::ENUM };
        let builder = SchemaBuilder::string().parameter(key, "");
        values.iter().enumerate().fold(builder, |builder, (at, value)| {
            let symbol = symbol(value);
            let value = if generalized { at.to_string() } else { symbol.clone() };
            builder.parameter(format!("{key}.{symbol}"), value)
        })
    }

    fn array(&mut self, connect_type: Option<&str>, items: Option<ElementId>) -> Result<SchemaBuilder> {
        let items = items.ok_or_else(|| ConnectError::data("Array schema did not specify the items type"))?;
        let elements = self.elements;
        if let (Some("map"), Kind::Object(entry)) = (connect_type, &elements.get(items).kind) {
            let mut part = |name: &str| {
                let found = entry.properties.iter().find(|(property, _)| &**property == name);
                let missing = || ConnectError::data(format!("Map schema did not specify the {name} type"));
                self.schema(found.ok_or_else(missing)?.1, None, false)
            };
            let (key, value) = (part("key")?, part("value")?);
            return Ok(SchemaBuilder::map(key, value));
        }
        Ok(SchemaBuilder::array(self.schema(items, None, false)?))
    }

    fn object(&mut self, id: ElementId, object: &Object) -> Result<SchemaBuilder> {
        let mut properties = Vec::with_capacity(object.properties.len());
        for (at, (name, property)) in object.properties.iter().enumerate() {
            let index = connect_index(self.elements.get(*property))?;
            // Those without an index keep their places behind those with one.
            properties.push((index.is_none(), index.unwrap_or(at as i64), name, *property));
        }
        properties.sort_by_key(|(unindexed, index, ..)| (*unindexed, *index));
        let fields: Vec<_> = properties
            .into_iter()
            .map(|(_, _, name, property)| (name.clone(), property, object.required.contains(name)))
            .collect();
        self.structure(id, fields)
    }

    fn structure(&mut self, id: ElementId, fields: Vec<(ByteString, ElementId, bool)>) -> Result<SchemaBuilder> {
        if self.open.contains(&id) {
            return Err(ConnectError::data(
                "the JSON schema contains itself: schemas of Connect data are trees here, without cycles",
            ));
        }
        self.open.push(id);
        let mut builder = SchemaBuilder::structure();
        for (name, property, required) in fields {
            let optional = self.config.optional_for_nonrequired && !required;
            builder = builder.field(&*name, self.schema(property, None, optional)?);
        }
        self.open.pop();
        Ok(builder)
    }

    fn reference(&mut self, target: ElementId, version: Option<i32>, optional: bool) -> Result<Schema> {
        match self.done.get(&target) {
            Some(known) => {
                self.ids += 1;
                let id = format!("{}{}", names::ID_PREFIX, self.ids);
                with_optional(copy(known)?.parameter(names::ID, id).build()?, optional)
            }
            None => self.schema(target, version, optional),
        }
    }
}

/// What a combination is.
enum Combined {
    Schema(Schema),
    Union(Box<SchemaBuilder>),
}

impl Mapping<'_> {
    fn combined(
        &mut self,
        id: ElementId,
        criterion: Criterion,
        parts: &[ElementId],
        version: Option<i32>,
        optional: bool,
    ) -> Result<Combined> {
        if let ([single], true) = (parts, self.config.flatten_singleton_unions) {
            return self.schema(*single, None, false).map(Combined::Schema);
        }
        if criterion == Criterion::All {
            return self.all_of(id, parts, version, optional).map(Combined::Schema);
        }
        let name = if self.config.generalized_sum_type_support {
            self.unions += 1;
            format!("{}{}", names::GENERALIZED_UNION_NAME, self.unions - 1)
        } else {
            names::ONE_OF.to_owned()
        };
        let elements = self.elements;
        let is_null = |part: &ElementId| matches!(elements.get(*part).kind, Kind::Null);
        if let [first, second] = parts
            && (is_null(first) || is_null(second))
        {
            let other = if is_null(first) { *second } else { *first };
            return self.schema(other, version, true).map(Combined::Schema);
        }
        let mut builder = SchemaBuilder::structure().name(name.as_str());
        if self.config.generalized_sum_type_support {
            builder = builder.parameter(names::GENERALIZED_UNION, name);
        }
        for (at, part) in parts.iter().filter(|part| !is_null(part)).enumerate() {
            let field = union_field(self.config.generalized_sum_type_support, at);
            builder = builder.field(field, self.schema(*part, None, true)?);
        }
        if parts.iter().any(is_null) {
            builder = builder.optional();
        }
        Ok(Combined::Union(Box::new(builder)))
    }

    fn all_of(&mut self, id: ElementId, parts: &[ElementId], version: Option<i32>, optional: bool) -> Result<Schema> {
        let mut found = AllOf::default();
        let mut properties = Vec::new();
        for part in parts {
            let sort = match &self.elements.get(*part).kind {
                Kind::Const(_) => Some(&mut found.constant),
                Kind::Enum(_) => Some(&mut found.symbols),
                Kind::Number { .. } => Some(&mut found.number),
                Kind::Text => Some(&mut found.text),
                Kind::Combined { .. } => Some(&mut found.combined),
                Kind::Reference(_) => Some(&mut found.reference),
                _ => None,
            };
            if let Some(sort) = sort {
                *sort = Some(*part);
            }
            self.collect_properties(*part, &mut properties, &mut Vec::new());
        }
        if !properties.is_empty() {
            return with_optional(self.structure(id, properties)?.build()?, optional);
        }
        // A combination goes before types, types before constants that only narrow them.
        let chosen = match found {
            AllOf { combined: Some(part), .. } => Some(part),
            AllOf { constant: Some(_), text, number, .. } => text.or(number),
            AllOf { symbols: Some(symbols), text: Some(_), .. } => Some(symbols),
            AllOf { symbols: Some(_), number, .. } => number,
            AllOf { text: Some(text), number, .. } => number.or(Some(text)),
            AllOf { reference, .. } => reference,
        };
        match chosen {
            Some(part) => self.schema(part, version, optional),
            None => Err(ConnectError::data("Unsupported criterion allOf: its parts do not make one type together")),
        }
    }

    /// The properties of all objects that an `allOf` puts together; of equal names the last one counts.
    fn collect_properties(
        &self,
        id: ElementId,
        properties: &mut Vec<(ByteString, ElementId, bool)>,
        visited: &mut Vec<ElementId>,
    ) {
        if visited.contains(&id) {
            return;
        }
        visited.push(id);
        match &self.elements.get(id).kind {
            Kind::Combined { criterion: Criterion::All, parts } => {
                parts.iter().for_each(|part| self.collect_properties(*part, properties, visited));
            }
            Kind::Object(object) => {
                for (name, property) in &object.properties {
                    let required = object.required.contains(name);
                    match properties.iter_mut().find(|(known, ..)| known == name) {
                        Some(known) => (known.1, known.2) = (*property, required),
                        None => properties.push((name.clone(), *property, required)),
                    }
                }
            }
            Kind::Reference(target) => self.collect_properties(*target, properties, visited),
            _ => {}
        }
    }
}

/// The name of a member of a union.
pub(super) fn union_field(generalized: bool, index: usize) -> String {
    if generalized {
        format!("{}{index}", names::GENERALIZED_UNION_FIELD)
    } else {
        format!("{}.field.{index}", names::ONE_OF)
    }
}

fn number(connect_type: Option<&str>, integer: bool) -> Result<SchemaBuilder> {
    Ok(match connect_type {
        None if integer => SchemaBuilder::int64(),
        None => SchemaBuilder::float64(),
        Some("int8") => SchemaBuilder::int8(),
        Some("int16") => SchemaBuilder::int16(),
        Some("int32") => SchemaBuilder::int32(),
        Some("int64") => SchemaBuilder::int64(),
        Some("float32") => SchemaBuilder::float32(),
        Some("float64") => SchemaBuilder::float64(),
        // Decimals.
        Some("bytes") => SchemaBuilder::bytes(),
        Some(unknown) => return Err(ConnectError::data(format!("Unsupported type {unknown}"))),
    })
}

fn symbol(value: &Node) -> String {
    match value {
        Node::Null => names::NULL_SYMBOL.to_owned(),
        Node::Text(text) => text.to_string(),
        Node::Boolean(value) => value.to_string(),
        Node::Long(number) => number.to_string(),
        Node::BigInteger(number) => number.to_string(),
        Node::Decimal(number) => number.to_string(),
        other => other.clone().into_schemaless().to_string(),
    }
}

fn connect_version(element: &Element) -> Result<Option<i32>> {
    let wrong = || ConnectError::data("connect.version is no integer of 32 bits");
    match &element.connect_version {
        None => Ok(None),
        Some(Node::Long(number)) => i32::try_from(*number).map(Some).map_err(|_| wrong()),
        Some(_) => Err(wrong()),
    }
}

fn connect_index(element: &Element) -> Result<Option<i64>> {
    match &element.connect_index {
        None => Ok(None),
        Some(Node::Long(number)) => Ok(Some(*number)),
        Some(_) => Err(ConnectError::data("connect.index is no integer")),
    }
}

fn connect_parameters(element: &Element) -> Result<Vec<(String, String)>> {
    let wrong = || ConnectError::data("connect.parameters is no object of strings");
    match &element.connect_parameters {
        None => Ok(Vec::new()),
        Some(Node::Object(members)) => members
            .iter()
            .map(|(name, value)| Ok((name.to_string(), value.text().ok_or_else(wrong)?.to_string())))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

fn with_optional(schema: Schema, optional: bool) -> Result<Schema> {
    if optional && !schema.is_optional() { copy(&schema)?.optional().build() } else { Ok(schema) }
}

/// A builder with everything that `schema` has, except that it is not optional yet.
fn copy(schema: &Schema) -> Result<SchemaBuilder> {
    let mut builder = match schema.schema_type() {
        SchemaType::Array => schema.value_schema()?.cloned().map(SchemaBuilder::array),
        SchemaType::Map => match (schema.key_schema()?, schema.value_schema()?) {
            (Some(key), Some(value)) => Some(SchemaBuilder::map(key.clone(), value.clone())),
            _ => None,
        },
        _ => None,
    }
    .unwrap_or_else(|| SchemaBuilder::of_type(schema.schema_type()));
    if schema.schema_type() == SchemaType::Struct {
        for field in schema.fields()? {
            builder = builder.field(field.name(), field.schema().clone());
        }
    }
    if let Some(name) = schema.name() {
        builder = builder.name(name);
    }
    if let Some(version) = schema.version() {
        builder = builder.version(version);
    }
    if let Some(doc) = schema.doc() {
        builder = builder.doc(doc);
    }
    for (name, value) in schema.parameters().into_iter().flatten() {
        builder = builder.parameter(name, value);
    }
    if let Some(default) = schema.default_value() {
        builder = builder.default(default.clone());
    }
    Ok(builder)
}

fn unsupported(what: &str) -> ConnectError {
    ConnectError::data(format!("Unsupported schema type: Connect has none for {what}"))
}
