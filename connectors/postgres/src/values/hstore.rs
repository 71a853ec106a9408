//! `hstore`: `"key"=>"value", "other"=>NULL`.

use std::fmt::Write;

use sluice_api::Value;
use sluice_api::data::{java_hash_order_by, java_string_hash};

use super::Unreadable;

/// The entries in the order of Java's `HashMap`, which is the one that Debezium writes.
pub(super) fn entries(text: &str) -> Result<Vec<(String, Option<String>)>, Unreadable> {
    let wrong = || Unreadable::new(text.as_bytes(), "hstore");
    let (mut entries, mut rest) = (Vec::new(), text.trim_start());
    while !rest.is_empty() {
        let (key, after) = quoted(rest).ok_or_else(wrong)?;
        let after = after.strip_prefix("=>").ok_or_else(wrong)?;
        let (value, after) = match after.strip_prefix("NULL") {
            Some(after) => (None, after),
            None => quoted(after).map(|(value, after)| (Some(value), after)).ok_or_else(wrong)?,
        };
        entries.push((key, value));
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if after.is_empty() => after,
            None => return Err(wrong()),
        };
    }
    java_hash_order_by(&mut entries, |(key, _)| java_string_hash(key));
    Ok(entries)
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix('"')?;
    let (mut out, mut characters) = (String::new(), body.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((out, &body[at + 1..])),
            '\\' => out.push(characters.next()?.1),
            other => out.push(other),
        }
    }
    None
}

/// The entries as a JSON object.
pub(super) fn json(entries: &[(String, Option<String>)]) -> String {
    let mut out = String::from("{");
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_json(&mut out, key);
        out.push(':');
        match value {
            Some(value) => write_json(&mut out, value),
            None => out.push_str("null"),
        }
    }
    out.push('}');
    out
}

fn write_json(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // Writing to a string does not fail.
            control if control < ' ' => drop(write!(out, "\\u{:04X}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// The entries as values of a map.
pub(super) fn map(entries: Vec<(String, Option<String>)>) -> impl Iterator<Item = (Value, Value)> {
    entries.into_iter().map(|(key, value)| (Value::from(key), value.map_or(Value::Null, Value::from)))
}
