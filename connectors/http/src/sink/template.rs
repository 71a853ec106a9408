//! Texts with `${…}` places that a record fills in: addresses, headers, bodies, batch groups.
//!
//! `${topic}`, `${partition}`, `${offset}`, `${timestamp}`, `${key}`, `${value}`, `${key.a.b}`, `${value.a.b}`, `${header.NAME}`; any
//! other name is a field of the value, as in Confluent's sink.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sluice_api::{ConnectError, Result, SinkRecord, Value};

use sluice_api::data::{Decimals, to_json};

/// What stays as it is in an address (RFC 3986, 2.3): a key such as `a/b?c` must not become another path.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A parsed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    source: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Place),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Key(Vec<String>),
    Value(Vec<String>),
    Header(String),
}

/// What a template's text depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depends {
    /// It is always the same.
    Nothing,
    /// The same for all records of a topic with the same key.
    TopicAndKey,
    /// Anything of a record.
    Record,
}

impl Template {
    /// # Errors
    /// What is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            push_text(&mut pieces, &rest[..at]);
            let inside = &rest[at + 2..];
            let end = inside.find('}').ok_or_else(|| format!("expected a closing brace after {}", &rest[at..]))?;
            pieces.push(Piece::Place(place(&inside[..end])?));
            rest = &inside[end + 1..];
        }
        push_text(&mut pieces, rest);
        Ok(Self { source: text.to_owned(), pieces })
    }

    /// The text as configured.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn depends(&self) -> Depends {
        let of = |piece: &Piece| match piece {
            Piece::Text(_) => Depends::Nothing,
            Piece::Place(Place::Topic | Place::Key(_)) => Depends::TopicAndKey,
            Piece::Place(_) => Depends::Record,
        };
        self.pieces.iter().map(of).max().unwrap_or(Depends::Nothing)
    }

    /// Fills in a record as it is.
    ///
    /// # Errors
    /// `Data` when the record lacks what a place names.
    pub(crate) fn render(&self, record: &SinkRecord) -> Result<String> {
        self.fill(record, |text| Cow::Borrowed(text))
    }

    /// Fills in a record with everything escaped that means something in an address.
    ///
    /// # Errors
    /// As for [`Template::render`].
    pub(crate) fn render_url(&self, record: &SinkRecord) -> Result<String> {
        self.fill(record, |text| utf8_percent_encode(text, UNRESERVED).into())
    }

    fn fill(&self, record: &SinkRecord, escape: impl Fn(&str) -> Cow<'_, str>) -> Result<String> {
        let mut out = String::with_capacity(self.source.len() + 32);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Place(place) => out.push_str(&escape(&place.text(record)?)),
            }
        }
        Ok(out)
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

fn place(name: &str) -> Result<Place, String> {
    let name = name.trim();
    let path = |text: &str| -> Result<Vec<String>, String> {
        let names: Vec<String> = text.split('.').map(str::to_owned).collect();
        if names.iter().any(String::is_empty) {
            return Err(format!("expected a name such as ${{key}} or ${{value.field}}, got ${{{name}}}"));
        }
        Ok(names)
    };
    Ok(match name {
        "topic" => Place::Topic,
        "partition" => Place::Partition,
        "offset" => Place::Offset,
        "timestamp" => Place::Timestamp,
        "key" => Place::Key(Vec::new()),
        "value" => Place::Value(Vec::new()),
        _ => match name.split_once('.') {
            Some(("key", field)) => Place::Key(path(field)?),
            Some(("value", field)) => Place::Value(path(field)?),
            Some(("header", header)) if !header.is_empty() => Place::Header(header.to_owned()),
            _ => Place::Value(path(name)?),
        },
    })
}

impl Place {
    fn text<'a>(&self, record: &'a SinkRecord) -> Result<Cow<'a, str>> {
        match self {
            Self::Topic => Ok(Cow::Borrowed(&record.topic)),
            Self::Partition => Ok(record.original_partition().to_string().into()),
            Self::Offset => Ok(record.offset.to_string().into()),
            Self::Timestamp => Ok(record.timestamp_ms.unwrap_or(-1).to_string().into()),
            Self::Key(path) => value_text("key", &record.key, path),
            Self::Value(path) => value_text("value", &record.value, path),
            Self::Header(name) => {
                let header = record.headers.last_with_name(name);
                let header = header.ok_or_else(|| ConnectError::data(format!("the record has no header `{name}`")))?;
                value_text("header", &header.value, &[])
            }
        }
    }
}

fn value_text<'a>(what: &str, value: &'a Value, path: &[String]) -> Result<Cow<'a, str>> {
    let missing = || {
        let name = std::iter::once(what).chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(".");
        ConnectError::data(format!("the record has no `{name}`, which a template names"))
    };
    let mut found = value;
    for name in path {
        found = match found {
            Value::Struct(fields) => fields.get(name).map_err(|_| missing())?,
            Value::Map(map) => map.get(name).ok_or_else(missing)?,
            _ => return Err(missing()),
        };
    }
    match found {
        Value::Null => Err(missing()),
        Value::String(text) => Ok(Cow::Borrowed(text)),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => {
                Err(ConnectError::data(format!("the {what} of the record is no UTF-8 text, which a template needs")))
            }
        },
        Value::Struct(_) | Value::Map(_) | Value::Array(_) => {
            let json = to_json(found, None, Decimals::Numeric)?;
            Ok(String::from_utf8_lossy(&json).into_owned().into())
        }
        primitive => Ok(primitive.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::data::Map;

    use super::*;
    use crate::sink::doubles::record;

    #[test]
    fn places_are_filled_and_escaped_in_addresses() {
        let mut record = record("t", 3, "a/b c", "v");
        record.value = Map::insertion_ordered([
            ("id".into(), 7i64.into()),
            ("in".into(), Map::insertion_ordered([("deep".into(), "é".into())]).into()),
        ])
        .into();
        record.headers.add("h", None, "x&y".into()).unwrap();
        let url =
            Template::parse("http://h/${topic}/${key}?i=${id}&d=${value.in.deep}&h=${header.h}&o=${offset}").unwrap();
        assert_eq!(url.render_url(&record).unwrap(), "http://h/t/a%2Fb%20c?i=7&d=%C3%A9&h=x%26y&o=3");
        assert_eq!(Template::parse("${value.in}").unwrap().render(&record).unwrap(), r#"{"deep":"é"}"#);
        let error = Template::parse("${value.in.gone}").unwrap().render(&record).unwrap_err();
        assert_eq!(error.to_string(), "the record has no `value.in.gone`, which a template names");
    }

    #[test]
    fn what_a_template_depends_on() {
        let depends = |text: &str| Template::parse(text).unwrap().depends();
        assert_eq!(depends("http://h/$x}"), Depends::Nothing);
        assert_eq!(depends("${topic}-${key.id}"), Depends::TopicAndKey);
        assert_eq!(depends("${key}${id}"), Depends::Record);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(Template::parse("a${key").unwrap_err(), "expected a closing brace after ${key");
        assert!(Template::parse("${a..b}").unwrap_err().contains("${a..b}"));
        assert!(Template::parse("${}").is_err());
    }
}
