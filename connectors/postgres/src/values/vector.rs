//! pgvector's types.

use sluice_api::data::Map;
use sluice_api::{Schema, Struct, Value};

use super::Unreadable;

/// `[1,2.5]`, each item read by `item`.
pub(super) fn dense(text: &[u8], item: fn(&str) -> Option<Value>) -> Result<Value, Unreadable> {
    let wrong = || Unreadable::new(text, "vector");
    let inner = std::str::from_utf8(text).ok().and_then(|text| text.strip_prefix('[')?.strip_suffix(']'));
    let inner = inner.ok_or_else(wrong)?;
    if inner.is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    let items: Option<Vec<Value>> = inner.split(',').map(|number| item(number.trim())).collect();
    items.map(Value::Array).ok_or_else(wrong)
}

/// `{1:1.5,3:2}/5` as a struct of dimensions and a map from index to value.
pub(super) fn sparse(text: &[u8], schema: &Schema) -> Result<Value, Unreadable> {
    let read = |text: &str| {
        let (entries, dimensions) = text.split_once('/')?;
        let entries = entries.trim().strip_prefix('{')?.strip_suffix('}')?;
        let entry = |entry: &str| {
            let (index, value) = entry.split_once(':')?;
            Some((Value::Int16(index.trim().parse().ok()?), Value::Float64(value.trim().parse().ok()?)))
        };
        let entries: Option<Vec<_>> = entries.split(',').filter(|entry| !entry.is_empty()).map(entry).collect();
        let values = vec![Value::Int16(dimensions.trim().parse().ok()?), Value::Map(Map::hash_ordered(entries?))];
        Struct::from_checked(schema.clone(), values).ok().map(Value::Struct)
    };
    std::str::from_utf8(text).ok().and_then(read).ok_or_else(|| Unreadable::new(text, "sparse vector"))
}
