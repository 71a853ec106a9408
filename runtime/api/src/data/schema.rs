//! Schemas: what a value must look like. Cheap to clone; the plain primitives are constants and allocate nothing.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Value;
use super::value::same_key;
use crate::error::{ConnectError, Result};

/// The type of a schema, in the order of Kafka Connect's enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SchemaType {
    /// 8 bit.
    Int8,
    /// 16 bit.
    Int16,
    /// 32 bit.
    Int32,
    /// 64 bit.
    Int64,
    /// Single precision.
    Float32,
    /// Double precision.
    Float64,
    /// True or false.
    Boolean,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// A list of one element schema.
    Array,
    /// A map of one key and one value schema.
    Map,
    /// Named fields.
    Struct,
}

impl SchemaType {
    /// The name in messages, e.g. `FLOAT32`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Array => "ARRAY",
            Self::Map => "MAP",
            Self::Struct => "STRUCT",
        }
    }

    /// Whether values have no parts.
    pub const fn is_primitive(self) -> bool {
        !matches!(self, Self::Array | Self::Map | Self::Struct)
    }
}

impl fmt::Display for SchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A schema. Two schemas are equal when all ten attributes are.
#[derive(Clone)]
pub struct Schema(Form);

/// A schema with nothing but type and optionality is always `Plain`, so the forms never need to be compared crosswise.
#[derive(Clone)]
enum Form {
    Plain { schema_type: SchemaType, optional: bool },
    Full(Arc<Attributes>),
}

/// Everything a schema can have; made by [`super::SchemaBuilder`].
#[derive(Clone, Debug)]
pub(super) struct Attributes {
    pub(super) schema_type: SchemaType,
    pub(super) optional: bool,
    pub(super) default: Option<Value>,
    pub(super) name: Option<Arc<str>>,
    pub(super) version: Option<i32>,
    pub(super) doc: Option<Arc<str>>,
    pub(super) parameters: Option<IndexMap<String, String>>,
    pub(super) fields: Fields,
    pub(super) key_schema: Option<Schema>,
    pub(super) value_schema: Option<Schema>,
}

/// The fields of a struct with their index by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    list: Vec<Field>,
    by_name: HashMap<Arc<str>, usize>,
}

/// A field of a struct schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    name: Arc<str>,
    index: usize,
    schema: Schema,
}

macro_rules! plain {
    ($($required:ident $optional:ident $variant:ident),* $(,)?) => {$(
        #[doc = concat!("A required ", stringify!($variant), " without further attributes.")]
        pub const $required: Self = Self(Form::Plain { schema_type: SchemaType::$variant, optional: false });
        #[doc = concat!("An optional ", stringify!($variant), " without further attributes.")]
        pub const $optional: Self = Self(Form::Plain { schema_type: SchemaType::$variant, optional: true });
    )*};
}

impl Schema {
    plain! {
        INT8 OPTIONAL_INT8 Int8, INT16 OPTIONAL_INT16 Int16, INT32 OPTIONAL_INT32 Int32, INT64 OPTIONAL_INT64 Int64,
        FLOAT32 OPTIONAL_FLOAT32 Float32, FLOAT64 OPTIONAL_FLOAT64 Float64, BOOLEAN OPTIONAL_BOOLEAN Boolean,
        STRING OPTIONAL_STRING String, BYTES OPTIONAL_BYTES Bytes,
    }

    pub(super) fn from_attributes(attributes: Attributes) -> Self {
        if attributes.is_plain() {
            return Self(Form::Plain { schema_type: attributes.schema_type, optional: attributes.optional });
        }
        Self(Form::Full(Arc::new(attributes)))
    }

    /// A number that is the same for clones of one schema and, while the schema lives, for nothing else; `None` for the plain
    /// primitives. Caches use it as a key, next to a clone that keeps the schema alive.
    #[inline]
    pub fn identity(&self) -> Option<usize> {
        match &self.0 {
            Form::Plain { .. } => None,
            Form::Full(attributes) => Some(Arc::as_ptr(attributes).addr()),
        }
    }

    /// Every attribute, for a builder that starts from this schema.
    pub(super) fn attributes(&self) -> Option<Attributes> {
        self.full().cloned()
    }

    fn full(&self) -> Option<&Attributes> {
        match &self.0 {
            Form::Plain { .. } => None,
            Form::Full(attributes) => Some(attributes),
        }
    }

    /// The type.
    #[inline]
    pub fn schema_type(&self) -> SchemaType {
        match &self.0 {
            Form::Plain { schema_type, .. } => *schema_type,
            Form::Full(attributes) => attributes.schema_type,
        }
    }

    /// Whether null is a value.
    #[inline]
    pub fn is_optional(&self) -> bool {
        match &self.0 {
            Form::Plain { optional, .. } => *optional,
            Form::Full(attributes) => attributes.optional,
        }
    }

    /// What stands in for null; never [`Value::Null`].
    #[inline]
    pub fn default_value(&self) -> Option<&Value> {
        self.full()?.default.as_ref()
    }

    /// The name, which for logical types says what the value means.
    #[inline]
    pub fn name(&self) -> Option<&str> {
        self.full()?.name.as_deref()
    }

    /// The version of the named schema.
    pub fn version(&self) -> Option<i32> {
        self.full()?.version
    }

    /// Documentation for people.
    pub fn doc(&self) -> Option<&str> {
        self.full()?.doc.as_deref()
    }

    /// Parameters of a logical type, in the order in which they were set; `None` when there are none, never empty.
    pub fn parameters(&self) -> Option<&IndexMap<String, String>> {
        self.full()?.parameters.as_ref()
    }

    /// The fields in order.
    ///
    /// # Errors
    /// `Data` when this is no struct.
    #[inline]
    pub fn fields(&self) -> Result<&[Field]> {
        if self.schema_type() != SchemaType::Struct {
            return Err(no_struct());
        }
        Ok(self.full().map_or(&[], |attributes| &attributes.fields.list))
    }

    /// The field of that name.
    ///
    /// # Errors
    /// `Data` when this is no struct.
    pub fn field(&self, name: &str) -> Result<Option<&Field>> {
        if self.schema_type() != SchemaType::Struct {
            return Err(ConnectError::data("Cannot look up fields on non-struct type"));
        }
        Ok(self.full().and_then(|attributes| attributes.fields.get(name)))
    }

    /// The schema of keys; `None` only for maps that were parsed from text and are empty or mixed.
    ///
    /// # Errors
    /// `Data` when this is no map.
    pub fn key_schema(&self) -> Result<Option<&Schema>> {
        if self.schema_type() != SchemaType::Map {
            return Err(ConnectError::data("Cannot look up key schema on non-map type"));
        }
        Ok(self.full().and_then(|attributes| attributes.key_schema.as_ref()))
    }

    /// The schema of elements or map values; `None` only where text was parsed that is empty or mixed.
    ///
    /// # Errors
    /// `Data` when this is neither array nor map.
    pub fn value_schema(&self) -> Result<Option<&Schema>> {
        if !matches!(self.schema_type(), SchemaType::Map | SchemaType::Array) {
            return Err(ConnectError::data("Cannot look up value schema on non-array and non-map type"));
        }
        Ok(self.full().and_then(|attributes| attributes.value_schema.as_ref()))
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        let same_default = match (&self.default, &other.default) {
            (Some(one), Some(other)) => same_key(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        same_default
            && (self.schema_type, self.optional, self.version) == (other.schema_type, other.optional, other.version)
            && (&self.name, &self.doc, &self.parameters) == (&other.name, &other.doc, &other.parameters)
            && self.fields == other.fields
            && self.key_schema == other.key_schema
            && self.value_schema == other.value_schema
    }
}

impl Attributes {
    fn is_plain(&self) -> bool {
        self.default.is_none()
            && self.name.is_none()
            && self.version.is_none()
            && self.doc.is_none()
            && self.parameters.is_none()
            && self.fields.list.is_empty()
            && self.key_schema.is_none()
            && self.value_schema.is_none()
    }
}

impl Fields {
    /// Adds a field; `false` when there is one of that name.
    pub(super) fn push(&mut self, name: Arc<str>, schema: Schema) -> bool {
        let index = self.list.len();
        if self.by_name.contains_key(&name) {
            return false;
        }
        self.by_name.insert(name.clone(), index);
        self.list.push(Field { name, index, schema });
        true
    }

    fn get(&self, name: &str) -> Option<&Field> {
        // A short list is searched faster than it is hashed.
        if self.list.len() <= 8 {
            return self.list.iter().find(|field| &*field.name == name);
        }
        self.by_name.get(name).map(|index| &self.list[*index])
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

#[cold]
fn no_struct() -> ConnectError {
    ConnectError::data("Cannot list fields on non-struct type")
}

impl Field {
    /// The name.
    #[inline]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The place in the struct, from 0.
    #[inline]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field{{name={}, index={}, schema={}}}", self.name, self.index, self.schema)
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Form::Plain { schema_type: a, optional: x }, Form::Plain { schema_type: b, optional: y }) => {
                a == b && x == y
            }
            (Form::Full(a), Form::Full(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => false,
        }
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "Schema{{{name}:{}}}", self.schema_type()),
            None => write!(f, "Schema{{{}}}", self.schema_type()),
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Plain { schema_type, optional } => {
                write!(f, "{}{schema_type}", if *optional { "OPTIONAL_" } else { "" })
            }
            Form::Full(attributes) => attributes.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SchemaBuilder;
    use super::*;

    #[test]
    fn a_built_schema_without_attributes_equals_the_constant() {
        assert_eq!(SchemaBuilder::int64().build().unwrap(), Schema::INT64);
        assert_eq!(SchemaBuilder::string().optional().build().unwrap(), Schema::OPTIONAL_STRING);
        assert_ne!(Schema::STRING, Schema::OPTIONAL_STRING);
    }

    #[test]
    fn text_is_javas() {
        assert_eq!(Schema::OPTIONAL_INT32.to_string(), "Schema{INT32}");
        let named = SchemaBuilder::int32().name("n").build().unwrap();
        assert_eq!(named.to_string(), "Schema{n:INT32}");
        let of_one = SchemaBuilder::structure().field("a", Schema::INT32).build().unwrap();
        assert_eq!(of_one.fields().unwrap()[0].to_string(), "Field{name=a, index=0, schema=Schema{INT32}}");
    }

    #[test]
    fn accessors_of_other_types_fail() {
        let message = |result: Result<()>| result.unwrap_err().to_string();
        assert_eq!(message(Schema::INT8.fields().map(drop)), "Cannot list fields on non-struct type");
        assert_eq!(message(Schema::INT8.field("a").map(drop)), "Cannot look up fields on non-struct type");
        assert_eq!(message(Schema::INT8.key_schema().map(drop)), "Cannot look up key schema on non-map type");
        assert_eq!(
            message(Schema::INT8.value_schema().map(drop)),
            "Cannot look up value schema on non-array and non-map type"
        );
    }

    #[test]
    fn field_order_is_part_of_equality() {
        let ab = SchemaBuilder::structure().field("a", Schema::INT8).field("b", Schema::INT8).build().unwrap();
        let ba = SchemaBuilder::structure().field("b", Schema::INT8).field("a", Schema::INT8).build().unwrap();
        assert_ne!(ab, ba);
        assert_eq!(ab, ab.clone());
    }

    #[test]
    fn a_default_that_is_no_number_equals_itself() {
        let schema = || SchemaBuilder::float64().default(f64::NAN).build().unwrap();
        assert_eq!(schema(), schema());
    }

    #[test]
    fn many_fields_are_found_by_name() {
        let builder = (0..40).fold(SchemaBuilder::structure(), |b, n| b.field(format!("f{n}"), Schema::INT8));
        let schema = builder.build().unwrap();
        assert_eq!(schema.field("f37").unwrap().unwrap().index(), 37);
        assert!(schema.field("f40").unwrap().is_none());
    }
}
