//! Documents to elements, by the keywords that each schema has.

use std::collections::HashMap;

use bytestring::ByteString;
use sluice_api::{ConnectError, Result};

use super::documents::{Documents, Pointer};
use super::element::{Criterion, Element, ElementId, Kind, Object};
use super::java_order;
use crate::json::node::Node;

const ARRAY: [&str; 8] =
    ["items", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains", "prefixItems", "unevaluatedItems"];
const OBJECT: [&str; 10] = [
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
];
const NUMBER: [&str; 5] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
const TEXT: [&str; 4] = ["minLength", "maxLength", "pattern", "format"];
const CONDITION: [&str; 3] = ["if", "then", "else"];
/// A schema with more elements than this, once its references are followed, is an attack.
const MOST_ELEMENTS: usize = 100_000;
/// Schemas in each other, references followed; what bounds the recursion here.
const MOST_DEEP: usize = 150;

/// A schema as elements; the first one is the schema itself.
#[derive(Debug)]
pub(super) struct Elements {
    elements: Vec<Element>,
    root: ElementId,
}

impl Elements {
    /// Takes `documents` apart.
    ///
    /// # Errors
    /// `Data` when a keyword has a value that it cannot have, or a reference leads nowhere.
    pub(super) fn load(documents: &Documents) -> Result<Self> {
        let mut loader = Loader { documents, elements: Vec::new(), referred: HashMap::new(), depth: 0 };
        let root = documents.root(0).ok_or_else(|| ConnectError::data("Invalid JSON schema: there is none"))?;
        let start = Pointer { document: 0, fragment: String::new() };
        let place = loader.reserve()?;
        loader.referred.insert(start, place);
        loader.fill(place, root, 0)?;
        Ok(Self { elements: loader.elements, root: place })
    }

    pub(super) fn root(&self) -> ElementId {
        self.root
    }

    pub(super) fn get(&self, id: ElementId) -> &Element {
        &self.elements[id]
    }
}

struct Loader<'a> {
    documents: &'a Documents,
    elements: Vec<Element>,
    referred: HashMap<Pointer, ElementId>,
    depth: usize,
}

impl Loader<'_> {
    /// A place for an element, which a reference may already name.
    fn reserve(&mut self) -> Result<ElementId> {
        if self.elements.len() >= MOST_ELEMENTS {
            return Err(ConnectError::data(format!("Invalid JSON schema: it has more than {MOST_ELEMENTS} parts")));
        }
        self.elements.push(Element::of(Kind::Empty));
        Ok(self.elements.len() - 1)
    }

    fn add(&mut self, node: &Node, document: usize) -> Result<ElementId> {
        let place = self.reserve()?;
        self.fill(place, node, document)?;
        Ok(place)
    }

    fn fill(&mut self, place: ElementId, node: &Node, document: usize) -> Result<()> {
        let Node::Object(_) = node else {
            let kind = match node {
                Node::Boolean(true) => Kind::Empty,
                Node::Boolean(false) => Kind::Other("false"),
                other => return Err(wrong("a schema", "an object or boolean", other)),
            };
            self.elements[place] = Element::of(kind);
            return Ok(());
        };
        if self.depth >= MOST_DEEP {
            return Err(ConnectError::data(format!("Invalid JSON schema: nested deeper than {MOST_DEEP}")));
        }
        self.depth += 1;
        let kinds = self.kinds(node, document);
        self.depth -= 1;
        let mut kinds = kinds?;
        let kind = match kinds.len() {
            0 => Kind::Empty,
            1 => kinds.remove(0),
            _ => {
                let parts = kinds.into_iter().map(|kind| {
                    let part = self.reserve()?;
                    self.elements[part] = Element::of(kind);
                    Ok(part)
                });
                Kind::Combined { criterion: Criterion::All, parts: parts.collect::<Result<_>>()? }
            }
        };
        self.elements[place] = with_attributes(kind, node)?;
        Ok(())
    }

    /// Every group of keywords that the schema has.
    fn kinds(&mut self, node: &Node, document: usize) -> Result<Vec<Kind>> {
        if let Some(reference) = node.get("$ref") {
            let reference = text("$ref", reference)?;
            return Ok(vec![Kind::Reference(self.reference(document, &reference)?)]);
        }
        let mut kinds = Vec::new();
        if let Some(symbols) = node.get("enum") {
            kinds.push(Kind::Enum(array("enum", symbols)?.to_vec()));
        }
        for (keyword, criterion) in [("oneOf", Criterion::One), ("allOf", Criterion::All), ("anyOf", Criterion::Any)] {
            if let Some(parts) = node.get(keyword) {
                let parts = array(keyword, parts)?.iter().map(|part| self.add(part, document));
                kinds.push(Kind::Combined { criterion, parts: parts.collect::<Result<_>>()? });
            }
        }
        if node.get("not").is_some() {
            kinds.push(Kind::Other("not"));
        }
        if let Some(value) = node.get("const") {
            kinds.push(Kind::Const(value.clone()));
        }
        let named = self.named_types(node, document, &mut kinds)?;
        self.implied_types(node, document, &named, &mut kinds)?;
        Ok(kinds)
    }

    /// The types that `type` names.
    fn named_types(&mut self, node: &Node, document: usize, kinds: &mut Vec<Kind>) -> Result<Vec<ByteString>> {
        match node.get("type") {
            None => Ok(Vec::new()),
            Some(Node::Array(names)) => {
                let names: Vec<_> = names.iter().map(|name| text("type", name)).collect::<Result<_>>()?;
                let mut parts = Vec::with_capacity(names.len());
                for name in &names {
                    let kind = self.of_type(name, node, document)?;
                    let part = self.reserve()?;
                    self.elements[part] = Element::of(kind);
                    parts.push(part);
                }
                kinds.push(Kind::Combined { criterion: Criterion::Any, parts });
                Ok(names)
            }
            Some(name) => {
                let name = text("type", name)?;
                kinds.push(self.of_type(&name, node, document)?);
                Ok(vec![name])
            }
        }
    }

    /// Types that keywords imply which `type` did not use.
    fn implied_types(
        &mut self,
        node: &Node,
        document: usize,
        named: &[ByteString],
        kinds: &mut Vec<Kind>,
    ) -> Result<()> {
        let has = |keywords: &[&str]| keywords.iter().any(|keyword| node.get(keyword).is_some());
        let is = |names: &[&str]| named.iter().any(|name| names.contains(&&**name));
        if has(&ARRAY) && !is(&["array"]) {
            kinds.push(self.of_type("array", node, document)?);
        }
        if has(&OBJECT) && !is(&["object"]) {
            kinds.push(self.of_type("object", node, document)?);
        }
        if has(&NUMBER) && !is(&["number", "integer"]) {
            kinds.push(Kind::Number { integer: false });
        }
        if has(&TEXT) && !is(&["string"]) {
            kinds.push(Kind::Text);
        }
        if has(&CONDITION) {
            kinds.push(Kind::Other("if"));
        }
        Ok(())
    }

    fn of_type(&mut self, name: &str, node: &Node, document: usize) -> Result<Kind> {
        Ok(match name {
            "string" => Kind::Text,
            "integer" => Kind::Number { integer: true },
            "number" => Kind::Number { integer: false },
            "boolean" => Kind::Boolean,
            "null" => Kind::Null,
            "array" => {
                let items = node.get("items").filter(|items| !matches!(items, Node::Array(_)));
                Kind::Array { items: items.map(|items| self.add(items, document)).transpose()? }
            }
            "object" => Kind::Object(self.object(node, document)?),
            unknown => return Err(ConnectError::data(format!("Invalid JSON schema: unknown type: [{unknown}]"))),
        })
    }

    fn object(&mut self, node: &Node, document: usize) -> Result<Object> {
        let mut object = Object::default();
        if let Some(properties) = node.get("properties") {
            let Node::Object(properties) = properties else { return Err(wrong("properties", "an object", properties)) };
            for (name, schema) in properties {
                object.properties.push((name.clone(), self.add(schema, document)?));
            }
            java_order::hash_map(&mut object.properties, |(name, _)| name);
        }
        if let Some(required) = node.get("required") {
            object.required =
                array("required", required)?.iter().map(|name| text("required", name)).collect::<Result<_>>()?;
        }
        object.additional = match node.get("additionalProperties") {
            Some(schema @ Node::Object(_)) => Some(self.add(schema, document)?),
            None | Some(Node::Boolean(_)) => None,
            Some(other) => return Err(wrong("additionalProperties", "an object or boolean", other)),
        };
        Ok(object)
    }

    fn reference(&mut self, document: usize, reference: &str) -> Result<ElementId> {
        let documents = self.documents;
        let (pointer, node) = documents.resolve(document, reference)?;
        if let Some(known) = self.referred.get(&pointer) {
            return Ok(*known);
        }
        let place = self.reserve()?;
        let document = pointer.document;
        self.referred.insert(pointer, place);
        self.fill(place, node, document)?;
        Ok(place)
    }
}

fn with_attributes(kind: Kind, node: &Node) -> Result<Element> {
    let text_of = |name: &'static str| node.get(name).map(|value| text(name, value)).transpose();
    Ok(Element {
        kind,
        title: text_of("title")?,
        description: text_of("description")?,
        default: node.get("default").cloned(),
        connect_type: text_of("connect.type")?,
        connect_version: node.get("connect.version").cloned(),
        connect_index: node.get("connect.index").cloned(),
        connect_parameters: node.get("connect.parameters").cloned(),
    })
}

fn text(keyword: &str, node: &Node) -> Result<ByteString> {
    node.text().cloned().ok_or_else(|| wrong(keyword, "a string", node))
}

fn array<'a>(keyword: &str, node: &'a Node) -> Result<&'a [Node]> {
    match node {
        Node::Array(items) => Ok(items),
        other => Err(wrong(keyword, "an array", other)),
    }
}

fn wrong(what: &str, expected: &str, found: &Node) -> ConnectError {
    ConnectError::data(format!("Invalid JSON schema: {what} is of type {}, expected {expected}", found.kind()))
}
