//! Builds schemas by Kafka Connect's rules (`SchemaBuilder`, connect-plugins.md 1.1).

use std::sync::Arc;

use indexmap::IndexMap;

use super::schema::{Attributes, Fields};
use super::{Schema, SchemaType, Struct, Value, validate};
use crate::error::{ConnectError, Result};

/// Builds a [`Schema`]. The first mistake is kept and comes out of [`SchemaBuilder::build`].
///
/// ```
/// use sluice_api::{Schema, SchemaBuilder};
///
/// let schema = SchemaBuilder::structure().name("order").field("id", Schema::INT64).build().unwrap();
/// assert_eq!(schema.to_string(), "Schema{order:STRUCT}");
/// ```
#[derive(Debug)]
#[must_use]
pub struct SchemaBuilder {
    attributes: Attributes,
    optional: Option<bool>,
    error: Option<ConnectError>,
}

macro_rules! primitives {
    ($($method:ident $variant:ident),* $(,)?) => {$(
        #[doc = concat!("A builder of ", stringify!($variant), ".")]
        pub fn $method() -> Self {
            Self::of_type(SchemaType::$variant)
        }
    )*};
}

impl SchemaBuilder {
    primitives! {
        int8 Int8, int16 Int16, int32 Int32, int64 Int64, float32 Float32, float64 Float64, boolean Boolean, string String,
        bytes Bytes, structure Struct,
    }

    /// A builder of any type; arrays and maps made this way have no element schema, which only parsed text needs.
    pub fn of_type(schema_type: SchemaType) -> Self {
        let attributes = Attributes {
            schema_type,
            optional: false,
            default: None,
            name: None,
            version: None,
            doc: None,
            parameters: None,
            fields: Fields::default(),
            key_schema: None,
            value_schema: None,
        };
        Self { attributes, optional: None, error: None }
    }

    /// A builder that has everything that `schema` has.
    pub fn like(schema: &Schema) -> Self {
        let mut builder = Self::of_type(schema.schema_type());
        match schema.attributes() {
            Some(attributes) => builder.attributes = attributes,
            None => builder.attributes.optional = schema.is_optional(),
        }
        builder
    }

    /// A builder of an array of `value_schema`.
    pub fn array(value_schema: Schema) -> Self {
        Self::of_type(SchemaType::Array).elements(None, Some(value_schema))
    }

    /// A builder of a map.
    pub fn map(key_schema: Schema, value_schema: Schema) -> Self {
        Self::of_type(SchemaType::Map).elements(Some(key_schema), Some(value_schema))
    }

    /// A builder of a map whose key or value schema may be missing; only parsed text has such maps.
    pub fn map_of(key_schema: Option<Schema>, value_schema: Option<Schema>) -> Self {
        Self::of_type(SchemaType::Map).elements(key_schema, value_schema)
    }

    fn elements(mut self, key: Option<Schema>, value: Option<Schema>) -> Self {
        self.attributes.key_schema = key;
        self.attributes.value_schema = value;
        self
    }

    /// Allows null.
    pub fn optional(self) -> Self {
        self.set_optional(true)
    }

    /// Forbids null, which is how a builder starts.
    pub fn required(self) -> Self {
        self.set_optional(false)
    }

    fn set_optional(mut self, optional: bool) -> Self {
        if self.optional.is_some_and(|set| set != optional) {
            return self.already_set("optional");
        }
        self.optional = Some(optional);
        self.attributes.optional = optional;
        self
    }

    /// Sets what stands in for null. A null default is a mistake unless the schema is optional by then.
    ///
    /// A struct is not accepted, as in Kafka Connect (see [`SchemaBuilder::struct_default`]); arrays of structs are.
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        let value = value.into();
        if self.attributes.default.as_ref().is_some_and(|set| *set != value) {
            return self.already_set("default");
        }
        if let Err(cause) = self.check_default(&value) {
            return self.fail(ConnectError::data("Invalid default value").with_source(cause));
        }
        self.attributes.default = (!value.is_null()).then_some(value);
        self
    }

    /// Sets the struct that stands in for null. It is made on the schema as it is so far ([`SchemaBuilder::so_far`]); Kafka Connect
    /// accepts only one made on the builder itself, so what comes out of JSON has none.
    pub fn struct_default(mut self, value: Struct) -> Self {
        if *value.schema() != self.so_far() {
            let cause = ConnectError::data("Struct schemas do not match.");
            return self.fail(ConnectError::data("Invalid default value").with_source(cause));
        }
        self.attributes.default = Some(value.into());
        self
    }

    /// The schema as it would be built now, whether or not a mistake was made.
    pub fn so_far(&self) -> Schema {
        Schema::from_attributes(self.attributes.clone())
    }

    fn check_default(&self, value: &Value) -> Result<()> {
        if self.attributes.schema_type == SchemaType::Struct && matches!(value, Value::Struct(_)) {
            return Err(ConnectError::data("Struct schemas do not match."));
        }
        validate(&self.so_far(), value)
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        if self.attributes.name.as_ref().is_some_and(|set| *set != name) {
            return self.already_set("name");
        }
        self.attributes.name = Some(name);
        self
    }

    /// Sets the version.
    pub fn version(mut self, version: i32) -> Self {
        if self.attributes.version.is_some_and(|set| set != version) {
            return self.already_set("version");
        }
        self.attributes.version = Some(version);
        self
    }

    /// Sets the documentation.
    pub fn doc(mut self, doc: impl Into<Arc<str>>) -> Self {
        let doc = doc.into();
        if self.attributes.doc.as_ref().is_some_and(|set| *set != doc) {
            return self.already_set("doc");
        }
        self.attributes.doc = Some(doc);
        self
    }

    /// Sets one parameter.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.parameters.get_or_insert_with(IndexMap::new).insert(name.into(), value.into());
        self
    }

    /// Sets parameters; none is nothing.
    pub fn parameters(self, parameters: impl IntoIterator<Item = (String, String)>) -> Self {
        parameters.into_iter().fold(self, |builder, (name, value)| builder.parameter(name, value))
    }

    /// Adds a field to a struct.
    pub fn field(mut self, name: impl Into<Arc<str>>, schema: Schema) -> Self {
        let name = name.into();
        let schema_type = self.attributes.schema_type;
        if schema_type != SchemaType::Struct {
            return self.fail(ConnectError::data(format!("Cannot create fields on type {schema_type}")));
        }
        if name.is_empty() {
            return self.fail(ConnectError::data("fieldName cannot be null."));
        }
        if !self.attributes.fields.push(name.clone(), schema) {
            let message = format!("Cannot create field because of field name duplication {name}");
            return self.fail(ConnectError::data(message));
        }
        self
    }

    /// The builder itself, or the first mistake that was made so far.
    ///
    /// # Errors
    /// As for [`SchemaBuilder::build`].
    pub fn checked(mut self) -> Result<Self> {
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// The schema.
    ///
    /// # Errors
    /// `Data` with Kafka Connect's text for the first mistake that was made.
    pub fn build(self) -> Result<Schema> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Schema::from_attributes(self.attributes)),
        }
    }

    fn already_set(self, attribute: &str) -> Self {
        self.fail(ConnectError::data(format!("Invalid SchemaBuilder call: {attribute} has already been set.")))
    }

    fn fail(mut self, error: ConnectError) -> Self {
        self.error.get_or_insert(error);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(builder: SchemaBuilder) -> String {
        builder.build().unwrap_err().to_string()
    }

    #[test]
    fn setting_an_attribute_twice_fails_unless_it_stays_the_same() {
        let twice = "Invalid SchemaBuilder call: optional has already been set.";
        assert_eq!(mistake(SchemaBuilder::int8().optional().required()), twice);
        assert!(SchemaBuilder::int8().optional().optional().build().is_ok());
        let twice = "Invalid SchemaBuilder call: version has already been set.";
        assert_eq!(mistake(SchemaBuilder::int8().version(1).version(2)), twice);
        assert_eq!(
            mistake(SchemaBuilder::int8().name("a").name("b")),
            "Invalid SchemaBuilder call: name has already been set."
        );
        assert_eq!(
            mistake(SchemaBuilder::int8().default(1i8).default(2i8)),
            "Invalid SchemaBuilder call: default has already been set."
        );
    }

    #[test]
    fn a_default_must_fit_the_schema_as_built_so_far() {
        let error = SchemaBuilder::int8().default("x").build().unwrap_err();
        assert_eq!(error.to_string(), "Invalid default value");
        assert_eq!(mistake(SchemaBuilder::int8().default(Value::Null).optional()), "Invalid default value");
        assert!(SchemaBuilder::int8().optional().default(Value::Null).build().is_ok());
        assert_eq!(mistake(SchemaBuilder::int8().default(1i32)), "Invalid default value");
    }

    #[test]
    fn fields_need_a_struct_and_distinct_names() {
        assert_eq!(mistake(SchemaBuilder::int8().field("a", Schema::INT8)), "Cannot create fields on type INT8");
        assert_eq!(mistake(SchemaBuilder::structure().field("", Schema::INT8)), "fieldName cannot be null.");
        let twice = SchemaBuilder::structure().field("a", Schema::INT8).field("a", Schema::INT8);
        assert_eq!(mistake(twice), "Cannot create field because of field name duplication a");
    }

    #[test]
    fn no_parameters_are_not_empty_parameters() {
        assert!(SchemaBuilder::int8().parameters([]).build().unwrap().parameters().is_none());
    }
}
