//! Whether a value fits a schema, in Kafka Connect's words (connect-plugins.md 1.1). No widening anywhere.

use std::fmt;

use super::{Schema, SchemaType, Value, logical};
use crate::error::{ConnectError, Result};

/// Checks `value` and everything in it against `schema`.
///
/// # Errors
/// `Data` for the first thing that does not fit.
pub fn validate(schema: &Schema, value: &Value) -> Result<()> {
    check(schema, value, Location::Value)
}

pub(super) fn validate_field(name: &str, schema: &Schema, value: &Value) -> Result<()> {
    check(schema, value, Location::Field(name))
}

/// Where a value stands; text is made only for a message.
#[derive(Clone, Copy)]
enum Location<'a> {
    Value,
    Field(&'a str),
    Part(&'static str, &'a Location<'a>),
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value => f.write_str("value"),
            Self::Field(name) => write!(f, "field: \"{name}\""),
            Self::Part(part, whole) => write!(f, "{part} {whole}"),
        }
    }
}

fn check(schema: &Schema, value: &Value, at: Location<'_>) -> Result<()> {
    if value.is_null() {
        if schema.is_optional() {
            return Ok(());
        }
        let schema_type = schema.schema_type();
        let message = format!("Invalid value: null used for required {at}, schema type: {schema_type}");
        return Err(ConnectError::data(message));
    }
    if !class_fits(schema, value) {
        return Err(wrong_class(schema, value, at));
    }
    match value {
        Value::Struct(value) if *value.schema() != *schema => Err(ConnectError::data("Struct schemas do not match.")),
        Value::Struct(value) => value.validate(),
        Value::Array(elements) => {
            let at = Location::Part("element of array", &at);
            let element = present(schema.value_schema()?, at)?;
            elements.iter().try_for_each(|value| check(element, value, at))
        }
        Value::Map(entries) => {
            let (key_at, value_at) = (Location::Part("key of map", &at), Location::Part("value of map", &at));
            let key_schema = present(schema.key_schema()?, key_at)?;
            let value_schema = present(schema.value_schema()?, value_at)?;
            entries.iter().try_for_each(|(key, value)| {
                check(key_schema, key, key_at)?;
                check(value_schema, value, value_at)
            })
        }
        _ => Ok(()),
    }
}

fn class_fits(schema: &Schema, value: &Value) -> bool {
    if let Some(name) = schema.name() {
        match name {
            logical::DECIMAL => return matches!(value, Value::Decimal(_)),
            logical::DATE | logical::TIME | logical::TIMESTAMP => return matches!(value, Value::Date(_)),
            _ => {}
        }
    }
    type_of(value) == Some(schema.schema_type())
}

/// The schema type whose class the value has; dates and decimals have none.
pub(crate) fn type_of(value: &Value) -> Option<SchemaType> {
    Some(match value {
        Value::Null | Value::Decimal(_) | Value::Date(_) => return None,
        Value::Boolean(_) => SchemaType::Boolean,
        Value::Int8(_) => SchemaType::Int8,
        Value::Int16(_) => SchemaType::Int16,
        Value::Int32(_) => SchemaType::Int32,
        Value::Int64(_) => SchemaType::Int64,
        Value::Float32(_) => SchemaType::Float32,
        Value::Float64(_) => SchemaType::Float64,
        Value::String(_) => SchemaType::String,
        Value::Bytes(_) => SchemaType::Bytes,
        Value::Array(_) => SchemaType::Array,
        Value::Map(_) => SchemaType::Map,
        Value::Struct(_) => SchemaType::Struct,
    })
}

fn wrong_class(schema: &Schema, value: &Value, at: Location<'_>) -> ConnectError {
    let name = schema.name().map(|name| format!(" \"{name}\"")).unwrap_or_default();
    let (schema_type, class) = (schema.schema_type(), value.java_class());
    ConnectError::data(format!("Invalid Java object for schema{name} with type {schema_type}: class {class} for {at}"))
}

fn present<'a>(schema: Option<&'a Schema>, at: Location<'_>) -> Result<&'a Schema> {
    schema.ok_or_else(|| ConnectError::data(format!("No schema defined for {at}")))
}

#[cfg(test)]
mod tests {
    use super::super::{Map, SchemaBuilder, Struct};
    use super::*;

    fn mistake(schema: &Schema, value: impl Into<Value>) -> String {
        validate(schema, &value.into()).unwrap_err().to_string()
    }

    #[test]
    fn types_match_strictly() {
        validate(&Schema::INT8, &Value::Int8(1)).unwrap();
        assert_eq!(
            mistake(&Schema::INT64, 1i32),
            "Invalid Java object for schema with type INT64: class java.lang.Integer for value"
        );
        let named = SchemaBuilder::int8().name("n").build().unwrap();
        assert_eq!(
            mistake(&named, "x"),
            "Invalid Java object for schema \"n\" with type INT8: class java.lang.String for value"
        );
    }

    #[test]
    fn null_needs_an_optional_schema() {
        validate(&Schema::OPTIONAL_INT8, &Value::Null).unwrap();
        let expected = "Invalid value: null used for required value, schema type: INT8";
        assert_eq!(mistake(&Schema::INT8, Value::Null), expected);
    }

    #[test]
    fn places_are_named_inwards() {
        let inner = SchemaBuilder::array(Schema::INT8).build().unwrap();
        let schema = SchemaBuilder::map(Schema::STRING, inner).build().unwrap();
        let value = Map::insertion_ordered([("k".into(), Value::Array(vec![Value::Null]))]);
        assert_eq!(
            mistake(&schema, value),
            "Invalid value: null used for required element of array value of map value, schema type: INT8"
        );
        let untyped = SchemaBuilder::of_type(SchemaType::Array).build().unwrap();
        assert_eq!(mistake(&untyped, vec![]), "No schema defined for element of array value");
    }

    #[test]
    fn a_logical_name_wants_the_logical_class() {
        validate(&logical::date(), &Value::Date(0)).unwrap();
        assert_eq!(
            mistake(&logical::date(), 1i32),
            "Invalid Java object for schema \"org.apache.kafka.connect.data.Date\" with type INT32: class \
             java.lang.Integer for value"
        );
    }

    #[test]
    fn structs_need_the_same_schema() {
        let one = SchemaBuilder::structure().field("a", Schema::OPTIONAL_INT8).build().unwrap();
        let two = SchemaBuilder::structure().field("b", Schema::OPTIONAL_INT8).build().unwrap();
        assert_eq!(mistake(&two, Struct::new(one).unwrap()), "Struct schemas do not match.");
    }
}
