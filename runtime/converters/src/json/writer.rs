//! Writes JSON byte for byte as Jackson does: no blanks, characters beyond the basic plane as escaped surrogate pairs, NaN and
//! the infinities as strings.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sluice_api::data::{Map, Struct, Value, java_double_text, java_float_text};

/// Appends `text` in quotes.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    let mut at = 0;
    while let Some(run) = bytes[at..].iter().position(|byte| needs_escape(*byte)) {
        at += run;
        out.extend_from_slice(&bytes[plain..at]);
        let character = text[at..].chars().next().expect("a byte that needs an escape starts a character");
        write_escaped(out, character);
        at += character.len_utf8();
        plain = at;
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | b'"' | b'\\' | 0xf0..)
}

fn write_escaped(out: &mut Vec<u8>, character: char) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                append(out, format_args!("\\u{unit:04X}"));
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends a number or literal by its text form.
pub(crate) fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to memory does not fail");
}

/// Appends a float.
pub(crate) fn write_f32(out: &mut Vec<u8>, value: f32) {
    write_float_text(out, &java_float_text(value), value.is_finite());
}

/// Appends a double.
pub(crate) fn write_f64(out: &mut Vec<u8>, value: f64) {
    write_float_text(out, &java_double_text(value), value.is_finite());
}

fn write_float_text(out: &mut Vec<u8>, text: &str, finite: bool) {
    if finite {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_string(out, text);
    }
}

/// Appends bytes as base64 text.
pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    STANDARD.encode_slice(bytes, &mut out[start..]).expect("the space for base64 was made above");
    out.push(b'"');
}

/// Appends schemaless data. Values that have no schemaless form in Kafka Connect are written all the same: dates as
/// milliseconds, decimals as numbers, structs as objects.
pub(super) fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(value) => append(out, format_args!("{value}")),
        Value::Int8(number) => append(out, format_args!("{number}")),
        Value::Int16(number) => append(out, format_args!("{number}")),
        Value::Int32(number) => append(out, format_args!("{number}")),
        Value::Int64(number) | Value::Date(number) => append(out, format_args!("{number}")),
        Value::Float32(number) => write_f32(out, *number),
        Value::Float64(number) => write_f64(out, *number),
        Value::Decimal(number) => append(out, format_args!("{number}")),
        Value::String(text) => write_string(out, text),
        Value::Bytes(bytes) => write_bytes(out, bytes),
        Value::Array(items) => write_sequence(out, items, write_value),
        Value::Map(map) => write_map(out, map),
        Value::Struct(value) => write_struct(out, value),
    }
}

/// Appends `[…]`.
pub(super) fn write_sequence<T>(out: &mut Vec<u8>, items: &[T], write: fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// An object when every key is text, else an array of pairs.
fn write_map(out: &mut Vec<u8>, map: &Map) {
    let named = map.iter().all(|(key, _)| key.as_str().is_some());
    out.push(if named { b'{' } else { b'[' });
    for (at, (key, value)) in map.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match key.as_str() {
            Some(name) if named => {
                write_string(out, name);
                out.push(b':');
                write_value(out, value);
            }
            _ => {
                out.push(b'[');
                write_value(out, key);
                out.push(b',');
                write_value(out, value);
                out.push(b']');
            }
        }
    }
    out.push(if named { b'}' } else { b']' });
}

fn write_struct(out: &mut Vec<u8>, value: &Struct) {
    out.push(b'{');
    let fields = value.schema().fields().unwrap_or_default();
    for (at, (field, value)) in fields.iter().zip(value.values()).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(out, field.name());
        out.push(b':');
        write_value(out, value);
    }
    out.push(b'}');
}
