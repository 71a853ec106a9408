//! Fields of a value by dotted name, and the folder of `FieldPartitioner`.

use std::fmt::Write;

use sluice_api::{Result, SinkRecord, Value};

use super::{record_error, written};

/// The value of a field; `a.b` is the field `b` of the struct or map in `a`. `None` when there is no such field.
pub(crate) fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let direct = match value {
        Value::Struct(fields) => fields.get(name).ok(),
        Value::Map(entries) => entries.get(name),
        _ => return None,
    };
    direct.or_else(|| {
        let (first, rest) = name.split_once('.')?;
        let inner = match value {
            Value::Struct(fields) => fields.get(first).ok()?,
            Value::Map(entries) => entries.get(first)?,
            _ => return None,
        };
        find(inner, rest)
    })
}

/// Appends `<name>=<value>` of each field.
pub(super) fn encode(names: &[String], delimiter: &str, record: &SinkRecord, out: &mut String) -> Result<()> {
    if !matches!(record.value, Value::Struct(_)) {
        let class = record.value.java_class();
        let problem = format!(
            "has no fields for `partition.field.name`: FieldPartitioner needs a value with a schema of type STRUCT, found {class}"
        );
        return Err(record_error(record, &problem));
    }
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            out.push_str(delimiter);
        }
        let value = find(&record.value, name).ok_or_else(|| {
            record_error(record, &format!("has no field `{name}`, which `partition.field.name` names"))
        })?;
        written(match value {
            Value::Null => write!(out, "{name}=null"),
            Value::String(text) => write!(out, "{name}={text}"),
            Value::Boolean(value) => write!(out, "{name}={value}"),
            Value::Int8(value) => write!(out, "{name}={value}"),
            Value::Int16(value) => write!(out, "{name}={value}"),
            Value::Int32(value) => write!(out, "{name}={value}"),
            Value::Int64(value) => write!(out, "{name}={value}"),
            other => {
                let class = other.java_class();
                let problem = format!(
                    "has a {class} in the field `{name}`: a folder can be named by a string, a boolean or an integer"
                );
                return Err(record_error(record, &problem));
            }
        });
    }
    Ok(())
}
