//! Whether a default fits its type, by the rule of Java's Avro: a union takes what any of its branches takes.

use serde_json::Value as Json;

use super::{AvroSchema, Kind, NodeId};

/// Whether `default` is a value of the type.
pub(in crate::avro) fn is_valid_default(schema: &AvroSchema, id: NodeId, default: &Json) -> bool {
    let whole = |low: i64, high: i64| default.as_i64().is_some_and(|number| (low..=high).contains(&number));
    match schema.kind(id) {
        Kind::Null => default.is_null(),
        Kind::Boolean => default.is_boolean(),
        Kind::Int => whole(i32::MIN.into(), i32::MAX.into()),
        Kind::Long => whole(i64::MIN, i64::MAX),
        // Java writes what JSON has no number for as text.
        Kind::Float | Kind::Double => {
            default.is_number() || matches!(default.as_str(), Some("NaN" | "Infinity" | "-Infinity"))
        }
        Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Fixed { .. } => default.is_string(),
        Kind::Array(items) => {
            default.as_array().is_some_and(|all| all.iter().all(|item| is_valid_default(schema, *items, item)))
        }
        Kind::Map(values) => {
            default.as_object().is_some_and(|all| all.values().all(|value| is_valid_default(schema, *values, value)))
        }
        Kind::Union(branches) => branches.iter().any(|branch| is_valid_default(schema, *branch, default)),
        Kind::Record(record) => default.as_object().is_some_and(|members| {
            record.fields.iter().all(|field| {
                let value = members.get(&field.name).or(field.default.as_ref());
                value.is_some_and(|value| is_valid_default(schema, field.schema, value))
            })
        }),
    }
}
