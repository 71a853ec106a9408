//! JSON of SpoolDir: one value after the other, as text or typed by a schema.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use serde_json::StreamDeserializer;
use serde_json::de::IoRead;
use serde_json::value::RawValue;
use sluice_api::data::Map;
use sluice_api::{ConnectError, Result, Schema, SchemaType, Struct, Value};

use super::config::{JsonSettings, Timestamp};
use super::reader::Row;
use super::text::{self, DateFormat};

/// A value is held in memory as a whole.
const MAX_VALUE_BYTES: u64 = 64 * 1024 * 1024;

/// Values of a JSON file.
pub(super) struct JsonReader {
    values: StreamDeserializer<'static, IoRead<Bounded>, Box<RawValue>>,
    left: Arc<AtomicU64>,
    settings: JsonSettings,
    timestamp_field: Option<String>,
    /// How many were read.
    pub(super) count: i64,
}

/// Ends with an error when one value takes more bytes than it may.
struct Bounded {
    file: BufReader<File>,
    left: Arc<AtomicU64>,
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::Error::other(format!("a value is longer than {MAX_VALUE_BYTES} bytes")));
        }
        let most = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.file.read(&mut into[..most])?;
        self.left.store(left - count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl JsonReader {
    pub(super) fn new(file: BufReader<File>, settings: JsonSettings, timestamp: &Timestamp) -> Self {
        let left = Arc::new(AtomicU64::new(MAX_VALUE_BYTES));
        let values = serde_json::Deserializer::from_reader(Bounded { file, left: left.clone() }).into_iter();
        let timestamp_field = match timestamp {
            Timestamp::Field(field) => Some(field.clone()),
            _ => None,
        };
        Self { values, left, settings, timestamp_field, count: 0 }
    }

    pub(super) fn schemas(&self) -> (Option<Schema>, Option<Schema>) {
        match &self.settings.value_schema {
            None => (None, Some(Schema::STRING)),
            value => (self.settings.key_schema.clone(), value.clone()),
        }
    }

    /// # Errors
    /// `Data` naming the value by its number, and its field.
    pub(super) fn next(&mut self) -> Result<Option<Row>> {
        self.left.store(MAX_VALUE_BYTES, Ordering::Relaxed);
        let number = self.count + 1;
        let wrong = |why: String| ConnectError::data(format!("value {number}: {why}"));
        let Some(value) = self.values.next() else { return Ok(None) };
        let value = value.map_err(|error| wrong(format!("it is no JSON: {error}")))?;
        self.count = number;
        let Some(schema) = &self.settings.value_schema else {
            return Ok(Some(Row { key: None, value: compact(value.get()).into(), timestamp_ms: None }));
        };
        let (json, dates) = (value.get(), &self.settings.dates);
        let value = structure(schema, json, dates).map_err(wrong)?;
        let key = self.settings.key_schema.as_ref().map(|schema| structure(schema, json, dates));
        let key = key.transpose().map_err(wrong)?;
        let timestamp_ms = match &self.timestamp_field {
            None => None,
            Some(field) => match value.get(field)? {
                Value::Date(millis) | Value::Int64(millis) => Some(*millis),
                _ => return Err(wrong(format!("field {field}: expected a date or INT64 in `timestamp.field`"))),
            },
        };
        Ok(Some(Row { key, value: value.into(), timestamp_ms }))
    }
}

/// The text without blanks between its parts. Numbers keep their digits.
fn compact(json: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::with_capacity(json.len()), false, false);
    for character in json.chars() {
        if quoted || !matches!(character, ' ' | '\t' | '\n' | '\r') {
            out.push(character);
        }
        quoted ^= character == '"' && !escaped;
        escaped = quoted && character == '\\' && !escaped;
    }
    out
}

/// `json` is the text of one value: numbers come with all their digits.
fn structure(schema: &Schema, json: &str, dates: &[DateFormat]) -> Result<Struct, String> {
    if !json.starts_with('{') {
        return Err(format!("expected an object, got {}", kind(json)));
    }
    let members: HashMap<String, &RawValue> = read(json)?;
    let mut made = Struct::new(schema.clone()).map_err(|error| error.to_string())?;
    for field in schema.fields().map_err(|error| error.to_string())? {
        let wrong = |why: String| format!("field {}: {why}", field.name());
        let json = members.get(field.name()).map_or("null", |json| json.get());
        let value = value(field.schema(), json, dates).map_err(wrong)?;
        made.put_field(field, value).map_err(|error| wrong(error.to_string()))?;
    }
    made.validate().map_err(|error| error.to_string())?;
    Ok(made)
}

fn value(schema: &Schema, json: &str, dates: &[DateFormat]) -> Result<Value, String> {
    let element = || {
        let schema = schema.value_schema().map_err(|error| error.to_string())?;
        schema.ok_or_else(|| "its schema does not say of what".to_owned())
    };
    match (schema.schema_type(), json.as_bytes().first()) {
        (_, Some(b'n')) => Ok(Value::Null),
        (SchemaType::Struct, _) => structure(schema, json, dates).map(Into::into),
        (SchemaType::Array, Some(b'[')) => {
            let (element, items): (_, Vec<&RawValue>) = (element()?, read(json)?);
            let items = items.iter().map(|item| value(element, item.get(), dates));
            Ok(items.collect::<Result<Vec<Value>, _>>()?.into())
        }
        (SchemaType::Map, Some(b'{')) => {
            let (element, members): (_, BTreeMap<String, &RawValue>) = (element()?, read(json)?);
            let entries = members.into_iter();
            let entries = entries.map(|(name, json)| Ok((Value::from(name), value(element, json.get(), dates)?)));
            Ok(Map::insertion_ordered(entries.collect::<Result<Vec<_>, String>>()?).into())
        }
        (SchemaType::Array | SchemaType::Map, _) | (_, Some(b'[' | b'{')) => Err(format!("got {}", kind(json))),
        (kind, Some(b'"')) => match read::<String>(json)? {
            text if text.is_empty() && kind != SchemaType::String => Err("got an empty string".to_owned()),
            text => text::value(schema, &text, false, dates),
        },
        (_, _) => text::value(schema, json, false, dates),
    }
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_everything_but_blanks_between_parts() {
        let json = "{ \"a b\" : [ 1.10 , \"x \\\" y\", \"\\\\\" , 123456789012345678901234567890 ] }";
        assert_eq!(compact(json), r#"{"a b":[1.10,"x \" y","\\",123456789012345678901234567890]}"#);
    }
}
