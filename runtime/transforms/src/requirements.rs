//! What a transformation requires of a record, in Kafka's words (`Requirements`). `purpose` says what for.

use sluice_api::data::Map;
use sluice_api::{ConnectError, Result, Schema, Struct, Value};

/// A record without schema must be a map.
pub(crate) fn require_map(value: Value, purpose: &str) -> Result<Map> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(no_map(&other, purpose)),
    }
}

/// As [`require_map`], for a look.
pub(crate) fn require_map_ref<'a>(value: &'a Value, purpose: &str) -> Result<&'a Map> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(no_map(other, purpose)),
    }
}

/// A record with schema must be a struct.
pub(crate) fn require_struct(value: Value, purpose: &str) -> Result<Struct> {
    match value {
        Value::Struct(value) => Ok(value),
        other => Err(no_struct(&other, purpose)),
    }
}

/// As [`require_struct`], for a look.
pub(crate) fn require_struct_ref<'a>(value: &'a Value, purpose: &str) -> Result<&'a Struct> {
    match value {
        Value::Struct(value) => Ok(value),
        other => Err(no_struct(other, purpose)),
    }
}

/// There must be a schema.
pub(crate) fn require_schema<'a>(schema: Option<&'a Schema>, purpose: &str) -> Result<&'a Schema> {
    schema.ok_or_else(|| ConnectError::data(format!("Schema required for [{purpose}]")))
}

/// The keys of a map without schema are names.
pub(crate) fn text_key(key: &Value) -> Result<&str> {
    key.as_str().ok_or_else(|| {
        ConnectError::data(format!(
            "class {} cannot be cast to class java.lang.String: map key {key}",
            key.java_class()
        ))
    })
}

fn no_map(value: &Value, purpose: &str) -> ConnectError {
    let class = value.java_class();
    ConnectError::data(format!("Only Map objects supported in absence of schema for [{purpose}], found: {class}"))
}

fn no_struct(value: &Value, purpose: &str) -> ConnectError {
    let class = value.java_class();
    ConnectError::data(format!("Only Struct objects supported for [{purpose}], found: {class}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_its_purpose() {
        let message = |result: Result<()>| result.unwrap_err().to_string();
        assert_eq!(
            message(require_map(Value::Int32(1), "p").map(drop)),
            "Only Map objects supported in absence of schema for [p], found: java.lang.Integer"
        );
        assert_eq!(
            message(require_struct(Value::Null, "p").map(drop)),
            "Only Struct objects supported for [p], found: null"
        );
        assert_eq!(message(require_schema(None, "p").map(drop)), "Schema required for [p]");
    }
}
