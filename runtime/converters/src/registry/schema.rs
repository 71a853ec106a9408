//! Schemas as the registry stores them: a format, a text, references to other schemas.

use std::sync::Arc;

/// The format of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SchemaFormat {
    Avro,
    Protobuf,
    Json,
}

impl SchemaFormat {
    /// The registry's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }

    /// The format with that name; a registry leaves the name out for Avro.
    pub(super) fn from_name(name: Option<&str>) -> Option<Self> {
        match name {
            None | Some("AVRO") => Some(Self::Avro),
            Some("PROTOBUF") => Some(Self::Protobuf),
            Some("JSON") => Some(Self::Json),
            Some(_) => None,
        }
    }

    /// The word in messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Avro => "Avro",
            Self::Protobuf => "Protobuf",
            Self::Json => "JSON Schema",
        }
    }
}

/// A schema that another one uses under `name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SchemaReference {
    pub(crate) name: String,
    pub(crate) subject: String,
    pub(crate) version: i32,
}

/// A schema as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SchemaText {
    pub(crate) format: SchemaFormat,
    pub(crate) text: String,
    pub(crate) references: Vec<SchemaReference>,
}

impl SchemaText {
    /// A schema without references.
    pub(crate) fn new(format: SchemaFormat, text: impl Into<String>) -> Self {
        Self { format, text: text.into(), references: Vec::new() }
    }
}

/// A schema with the id, and the version in its subject where the registry said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegisteredSchema {
    pub(crate) id: i32,
    pub(crate) version: Option<i32>,
    pub(crate) schema: Arc<SchemaText>,
}

/// A schema that another one refers to.
#[derive(Clone, Debug)]
pub(crate) struct Referenced {
    /// The name under which it is used: a full name, a file, a URI.
    pub(crate) name: String,
    pub(crate) schema: Arc<SchemaText>,
}
