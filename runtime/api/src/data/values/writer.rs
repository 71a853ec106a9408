//! Values as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::{Struct, Value};
use super::temporal::temporal_text;

/// The text of a value: strings as they are, bytes in base64, `[a,b]`, `{k:v}`, structs with all their fields; what stands
/// inside of something is quoted.
pub fn convert_to_string(value: &Value) -> String {
    let mut text = String::new();
    append(&mut text, value, false);
    text
}

fn append(out: &mut String, value: &Value, embedded: bool) {
    match value {
        Value::String(text) if embedded => quote(out, &escape(text)),
        Value::String(text) => out.push_str(text),
        Value::Bytes(bytes) if embedded => quote(out, &STANDARD.encode(bytes)),
        Value::Bytes(bytes) => STANDARD.encode_string(bytes, out),
        Value::Date(millis) => out.push_str(&temporal_text(*millis)),
        Value::Array(items) => {
            enclosed(out, ['[', ']'], items, |out, item| append(out, item, true));
        }
        Value::Map(map) => enclosed(out, ['{', '}'], map.iter(), |out, (key, value)| {
            append(out, key, true);
            out.push(':');
            append(out, value, true);
        }),
        Value::Struct(value) => append_struct(out, value),
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn append_struct(out: &mut String, value: &Struct) {
    let fields = value.schema().fields().unwrap_or_default();
    enclosed(out, ['{', '}'], fields, |out, field| {
        quote(out, &escape(field.name()));
        out.push(':');
        append(out, value.get_field(field), true);
    });
}

fn enclosed<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    append: impl Fn(&mut String, T),
) {
    out.push(open);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        append(out, item);
    }
    out.push(close);
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
