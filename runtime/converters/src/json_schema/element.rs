//! A JSON Schema as what it says about types, the way Confluent's reader takes it apart: keywords that belong together make one
//! element, several such groups in one schema make an `allOf`.

use bytestring::ByteString;

use crate::json::node::Node;

/// The place of an element among all of a document.
pub(super) type ElementId = usize;

/// One schema.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) kind: Kind,
    pub(super) title: Option<ByteString>,
    pub(super) description: Option<ByteString>,
    pub(super) default: Option<Node>,
    pub(super) connect_type: Option<ByteString>,
    pub(super) connect_version: Option<Node>,
    pub(super) connect_index: Option<Node>,
    pub(super) connect_parameters: Option<Node>,
}

/// What a schema is about.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Boolean,
    Number {
        integer: bool,
    },
    Text,
    Null,
    Const(Node),
    Enum(Vec<Node>),
    Combined {
        criterion: Criterion,
        parts: Vec<ElementId>,
    },
    Array {
        items: Option<ElementId>,
    },
    Object(Object),
    Reference(ElementId),
    /// Anything goes.
    Empty,
    /// A keyword that says nothing about the type.
    Other(&'static str),
}

/// How the parts of a combination belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Criterion {
    All,
    Any,
    One,
}

/// What is said about an object. Properties are in the order of Java's map.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    pub(super) properties: Vec<(ByteString, ElementId)>,
    pub(super) required: Vec<ByteString>,
    pub(super) additional: Option<ElementId>,
}

impl Element {
    /// An element without attributes.
    pub(super) fn of(kind: Kind) -> Self {
        Self {
            kind,
            title: None,
            description: None,
            default: None,
            connect_type: None,
            connect_version: None,
            connect_index: None,
            connect_parameters: None,
        }
    }
}
