//! What records of the internal topics are made of and looked into with: schemaless data of `sluice_converters::json`.

use sluice_api::Value;
use sluice_api::data::Map;

static NULL: Value = Value::Null;

/// An object with these fields in this order.
pub(crate) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(Map::insertion_ordered(fields.into_iter().map(|(name, value)| (Value::from(name), value))))
}

/// A text or null.
pub(crate) fn optional_text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

/// The field of an object; null when there is none or `value` is no object.
pub(crate) fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    match value {
        Value::Map(fields) => fields.get(name).unwrap_or(&NULL),
        _ => &NULL,
    }
}

/// The text in a field.
pub(crate) fn text_field(value: &Value, name: &str) -> Option<String> {
    field(value, name).as_str().map(str::to_owned)
}
