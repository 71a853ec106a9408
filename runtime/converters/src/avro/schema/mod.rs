//! Avro schemas with everything that is written in them, properties of primitive types included, which the mapping to Connect
//! data lives on and general Avro libraries drop.
//!
//! A schema is a list of nodes that refer to each other by place, so a recursive one is nothing special.

mod defaults;
mod parse;
mod write;

use indexmap::IndexMap;
use serde_json::Value as Json;

pub(super) use defaults::is_valid_default;
pub(crate) use parse::parse;

/// The place of a node in its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(usize);

/// A parsed or built schema.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AvroSchema {
    nodes: Vec<Node>,
    root: NodeId,
}

/// One type with its properties, in their order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) props: IndexMap<String, Json>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(NodeId),
    Map(NodeId),
    Union(Vec<NodeId>),
    Record(Record),
    Enum(Enum),
    Fixed { name: Name, size: usize },
}

/// The name of a record, an enum or a fixed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) name: Name,
    pub(super) doc: Option<String>,
    pub(super) fields: Vec<AvroField>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct AvroField {
    pub(super) name: String,
    pub(super) schema: NodeId,
    pub(super) doc: Option<String>,
    pub(super) default: Option<Json>,
    pub(super) aliases: Vec<String>,
    /// Other members: `order` and what users add.
    pub(super) props: IndexMap<String, Json>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Enum {
    pub(super) name: Name,
    pub(super) doc: Option<String>,
    pub(super) symbols: Vec<String>,
    pub(super) default: Option<String>,
}

impl AvroSchema {
    /// No nodes; the root has to be set.
    pub(super) fn empty() -> Self {
        Self { nodes: Vec::new(), root: NodeId(0) }
    }

    /// The outermost node.
    pub(super) fn root(&self) -> NodeId {
        self.root
    }

    pub(super) fn set_root(&mut self, root: NodeId) {
        self.root = root;
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    pub(super) fn kind(&self, id: NodeId) -> &Kind {
        &self.nodes[id.0].kind
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0]
    }

    /// Adds a node without properties.
    pub(super) fn add(&mut self, kind: Kind) -> NodeId {
        self.nodes.push(Node { kind, props: IndexMap::new() });
        NodeId(self.nodes.len() - 1)
    }

    /// The full name of the outermost record, enum or fixed, which subjects are named by.
    pub(crate) fn full_name(&self) -> Option<String> {
        self.node(self.root).kind.name().map(Name::full)
    }

    /// The names of a record's fields, an enum's symbols or a union's branches are few enough to be searched.
    pub(super) fn record(&self, id: NodeId) -> Option<&Record> {
        match self.kind(id) {
            Kind::Record(record) => Some(record),
            _ => None,
        }
    }
}

impl Node {
    /// A property that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.props.get(name).and_then(Json::as_str)
    }
}

impl Kind {
    /// The name of a named type.
    pub(super) fn name(&self) -> Option<&Name> {
        match self {
            Self::Record(Record { name, .. }) | Self::Enum(Enum { name, .. }) | Self::Fixed { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Avro's word for the type.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record(_) => "record",
            Self::Enum(_) => "enum",
            Self::Fixed { .. } => "fixed",
        }
    }
}

impl Name {
    /// A name without aliases; dots in `name` count as its namespace.
    pub(super) fn new(name: &str, namespace: Option<&str>) -> Self {
        let (namespace, name) = match name.rsplit_once('.') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (namespace, name),
        };
        let namespace = namespace.filter(|namespace| !namespace.is_empty()).map(str::to_owned);
        Self { namespace, name: name.to_owned(), aliases: Vec::new() }
    }

    /// Namespace and name.
    pub(super) fn full(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}.{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Whether data of a type called `written` may be read as this one.
    pub(super) fn reads(&self, written: &Name) -> bool {
        // Unqualified names match too, as the specification asks for.
        self.name == written.name || self.aliases.contains(&written.full())
    }
}

#[cfg(test)]
mod tests;
