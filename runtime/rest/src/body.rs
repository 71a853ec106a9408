//! Request bodies: JSON with the coercions of Jackson (connect-worker.md 1.3).
//!
//! Config maps are text to text: numbers and booleans are taken as their literal text, `null` stays null, objects and arrays
//! are refused. Texts of refusals begin as Jackson's do, without its places in the source.

use indexmap::IndexMap;
use serde_json::value::RawValue;
use sluice_api::Properties;
use sluice_herder::SentConfig;

use crate::answer::Refusal;

/// A config map as it was sent.
pub(crate) type NullableProperties = IndexMap<String, Option<String>>;

/// The members of a JSON object, unparsed, the last of equal names winning; `None` for `null` or an empty body.
fn object(bytes: &[u8], class: &str) -> Result<Option<IndexMap<String, Box<RawValue>>>, Refusal> {
    let Some(value) = parse::<Box<RawValue>>(bytes)? else { return Ok(None) };
    match value.get().as_bytes().first() {
        Some(b'{') => parse(value.get().as_bytes()),
        Some(b'n') => Ok(None),
        _ => Err(mismatch(class, &value)),
    }
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<Option<T>, Refusal> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(bytes).map(Some).map_err(|error| Refusal::Body(syntax_text(bytes, &error)))
}

/// The items of a JSON array, unparsed; `None` for `null` or an empty body.
pub(crate) fn items(bytes: &[u8], class: &str) -> Result<Option<Vec<Box<RawValue>>>, Refusal> {
    let Some(value) = parse::<Box<RawValue>>(bytes)? else { return Ok(None) };
    match value.get().as_bytes().first() {
        Some(b'[') => parse(value.get().as_bytes()),
        Some(b'n') => Ok(None),
        _ => Err(mismatch(class, &value)),
    }
}

/// A map of text to text, also with nulls; `None` for `null` or an empty body.
pub(crate) fn nullable_properties(bytes: &[u8]) -> Result<Option<NullableProperties>, Refusal> {
    let Some(members) = object(bytes, "java.util.LinkedHashMap<java.lang.String,java.lang.String>")? else {
        return Ok(None);
    };
    members.into_iter().map(|(key, value)| Ok((key, text(&value)?))).collect::<Result<_, _>>().map(Some)
}

/// As [`nullable_properties`]; a key that is `null` counts as absent.
pub(crate) fn properties(bytes: &[u8]) -> Result<Option<Properties>, Refusal> {
    Ok(nullable_properties(bytes)?.map(without_nulls))
}

/// As [`nullable_properties`], with the nulls apart.
pub(crate) fn sent_config(bytes: &[u8]) -> Result<Option<SentConfig>, Refusal> {
    let Some(config) = nullable_properties(bytes)? else { return Ok(None) };
    let nulls = config.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key.clone()).collect();
    Ok(Some(SentConfig { nulls, properties: without_nulls(config) }))
}

/// Leaves out what is null.
fn without_nulls(config: NullableProperties) -> Properties {
    config.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// The members of an object that has none but `known`.
pub(crate) fn members(
    bytes: &[u8],
    class: &str,
    known: &[&str],
) -> Result<Option<IndexMap<String, Box<RawValue>>>, Refusal> {
    let Some(members) = object(bytes, class)? else { return Ok(None) };
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(Some(members)),
        Some(name) => {
            let names: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
            Err(Refusal::Body(format!(
                "Unrecognized field \"{name}\" (class {class}), not marked as ignorable ({}: {})",
                if known.len() == 1 {
                    "one known property".to_owned()
                } else {
                    format!("{} known properties", known.len())
                },
                names.join(", ")
            )))
        }
    }
}

/// The text of a scalar; `None` for null.
pub(crate) fn text(value: &RawValue) -> Result<Option<String>, Refusal> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).map(Some).map_err(|error| Refusal::Body(error.to_string())),
        Some(b'n') => Ok(None),
        Some(b'{' | b'[') | None => Err(mismatch("java.lang.String", value)),
        Some(_) => Ok(Some(json.to_owned())),
    }
}

/// What Jackson says of a value of the wrong kind.
pub(crate) fn mismatch(class: &str, value: &RawValue) -> Refusal {
    let found = match value.get().as_bytes().first() {
        Some(b'{') => "Object value (token `JsonToken.START_OBJECT`)".to_owned(),
        Some(b'[') => "Array value (token `JsonToken.START_ARRAY`)".to_owned(),
        Some(b'"') => format!("String value ({})", value.get().replace('"', "'")),
        Some(b't' | b'f') => format!("Boolean value ({})", value.get()),
        _ => format!("Number value ({})", value.get()),
    };
    let verb =
        if found.starts_with(['O', 'A']) { "Cannot deserialize value of type" } else { "Cannot construct instance of" };
    Refusal::Body(format!("{verb} `{class}` from {found}"))
}

fn syntax_text(bytes: &[u8], error: &serde_json::Error) -> String {
    let place = format!("line: {}, column: {}", error.line(), error.column());
    if error.is_eof() {
        return format!("Unexpected end-of-input: the JSON body is cut off at {place}");
    }
    let line =
        String::from_utf8_lossy(bytes).lines().nth(error.line().saturating_sub(1)).unwrap_or_default().to_owned();
    match line.chars().nth(error.column().saturating_sub(1)) {
        Some(found) => {
            format!("Unexpected character ('{found}' (code {})): the body is not JSON at {place}", u32::from(found))
        }
        None => format!("the body is not JSON at {place}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T>(result: Result<T, Refusal>) -> String {
        match result {
            Err(Refusal::Body(message)) => message,
            _ => panic!("expected a refusal of the body"),
        }
    }

    #[test]
    fn numbers_and_booleans_keep_their_literal_text() {
        let config = properties(br#"{"tasks.max":2,"b":true,"d":1.50,"e":1E3,"s":"x","gone":null,"s":"y"}"#);
        let Ok(Some(config)) = config else { panic!("a config") };
        let pairs: Vec<(&str, &str)> = config.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("tasks.max", "2"), ("b", "true"), ("d", "1.50"), ("e", "1E3"), ("s", "y")]);
    }

    #[test]
    fn nested_values_are_refused_by_kind() {
        let text =
            "Cannot deserialize value of type `java.lang.String` from Object value (token `JsonToken.START_OBJECT`)";
        assert_eq!(message(properties(br#"{"x":{}}"#)), text);
        assert!(message(properties(br#"{"x":[1]}"#)).contains("START_ARRAY"));
        assert!(message(properties(b"[]")).contains("START_ARRAY"));
        assert!(message(properties(b"1")).starts_with("Cannot construct instance of"));
    }

    #[test]
    fn an_empty_body_and_null_are_nothing() {
        for body in [&b""[..], b"  ", b"null"] {
            assert!(matches!(properties(body), Ok(None)));
        }
    }

    #[test]
    fn cut_off_and_wrong_bodies_say_where() {
        assert!(message(properties(b"{")).starts_with("Unexpected end-of-input"));
        assert!(message(properties(b"{'a':1}")).starts_with("Unexpected character (''' (code 39))"));
    }

    #[test]
    fn unknown_members_are_named_with_the_known_ones() {
        let refused = message(members(br#"{"a":1,"foo":2}"#, "x.Y", &["a", "b"]));
        assert_eq!(
            refused,
            "Unrecognized field \"foo\" (class x.Y), not marked as ignorable (2 known properties: \"a\", \"b\")"
        );
    }
}
