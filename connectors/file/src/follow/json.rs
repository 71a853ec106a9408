//! JSON lines: the text of a line as the value that `JsonConverter` without schemas writes again.
//!
//! Nothing is changed silently (Invariant 3): an integer that no `int64` holds is an error, as is a key that comes twice. Numbers with a
//! point, and integers beyond 64 bits, are the nearest double, as they are for Java's converter.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use sluice_api::Value;
use sluice_api::data::Map;

/// The value of one line.
///
/// # Errors
/// What is wrong with it, and where in the line.
pub(crate) fn value(text: &str) -> Result<Value, serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let value = Json.deserialize(&mut parser)?;
    parser.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Json;

impl<'de> DeserializeSeed<'de> for Json {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        let fits = i64::try_from(value).map_err(|_| E::custom(format!("{value} is more than an int64 holds")))?;
        Ok(fits.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(Json)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = from.next_key::<String>()? {
            entries.push((Value::from(key), from.next_value_seed(Json)?));
        }
        let count = entries.len();
        let map = Map::insertion_ordered(entries);
        if map.len() < count {
            return Err(A::Error::custom("a key comes twice in an object"));
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_types_and_the_order_of_keys() {
        let map = value(r#" {"b":[1,-2.5,null,true,"x\n"],"a":{}} "#).unwrap();
        let items = vec![1i64.into(), (-2.5f64).into(), Value::Null, true.into(), "x\n".into()];
        let expected = [("b".into(), Value::Array(items)), ("a".into(), Map::default().into())];
        assert_eq!(map, Map::insertion_ordered(expected).into());
    }

    #[test]
    fn what_would_be_changed_is_an_error() {
        for (text, expected) in [
            ("9223372036854775808", "more than an int64 holds"),
            (r#"{"a":1,"a":2}"#, "twice"),
            ("{} {}", "trailing"),
            ("{", "EOF"),
            ("", "EOF"),
            (&"[".repeat(1000), "recursion"),
        ] {
            let error = value(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        // A number with more digits than a double has is the nearest double, as it is for Java's converter.
        assert_eq!(value("9223372036854775808.5").unwrap(), 9_223_372_036_854_775_808.5f64.into());
    }
}
