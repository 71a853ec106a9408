//! From an answer to items: JSON pointers for the list, the item, its key, its time and the fields of its offset.

use std::collections::BTreeMap;

use openssl::hash::{MessageDigest, hash};
use serde_json::Value as Json;

use super::timestamp;

/// Where things are in an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Pointers {
    pub(super) list: String,
    pub(super) record: String,
    pub(super) keys: Vec<String>,
    pub(super) timestamp: Option<String>,
    pub(super) offset: Vec<(String, String)>,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) timestamp_ms: Option<i64>,
    /// The fields of its offset, key and timestamp among them.
    pub(super) offset: BTreeMap<String, String>,
}

/// RFC 6901; `/` stands for the whole document, as in castorm's connector.
pub(super) fn pointer(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text {
        "" | "/" => Ok(String::new()),
        _ if text.starts_with('/') => Ok(text.to_owned()),
        _ => Err(format!("expected a JSON pointer such as /items, got {text}")),
    }
}

impl Pointers {
    /// The items of an answer in its order.
    ///
    /// # Errors
    /// What is not where it should be. Nothing of the answer is used then.
    pub(super) fn items(&self, answer: &Json) -> Result<Vec<Item>, String> {
        let list = answer.pointer(&self.list).ok_or_else(|| format!("it has nothing at {}", shown(&self.list)))?;
        match list {
            Json::Array(items) => items.iter().map(|item| self.item(item)).collect(),
            Json::Null => Ok(Vec::new()),
            single => self.item(single).map(|item| vec![item]),
        }
    }

    fn item(&self, item: &Json) -> Result<Item, String> {
        let at = |pointer: &str| {
            item.pointer(pointer).map(text).ok_or_else(|| format!("an item has nothing at {}", shown(pointer)))
        };
        let value = at(&self.record)?;
        let mut offset: BTreeMap<String, String> = self
            .offset
            .iter()
            .map(|(name, pointer)| Ok((name.clone(), at(pointer)?)))
            .collect::<Result<_, String>>()?;
        let parts = self.keys.iter().map(|pointer| at(pointer)).collect::<Result<Vec<_>, _>>()?;
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let key = match (parts.is_empty(), offset.get("key")) {
            (false, _) => parts.join("+"),
            (true, Some(key)) => key.clone(),
            (true, None) => name_uuid(&value)?,
        };
        let time = match &self.timestamp {
            Some(pointer) => Some(at(pointer)?),
            None => offset.get("timestamp").cloned(),
        };
        let timestamp_ms = match time {
            Some(text) => Some(timestamp::parse(&text).ok_or_else(|| {
                format!("an item has the time {text}, expected epoch milliseconds or ISO 8601 with a zone")
            })?),
            None => None,
        };
        offset.insert("key".to_owned(), key.clone());
        if let Some(millis) = timestamp_ms {
            offset.insert("timestamp".to_owned(), timestamp::print(millis));
        }
        Ok(Item { key, value, timestamp_ms, offset })
    }
}

fn shown(pointer: &str) -> &str {
    if pointer.is_empty() { "/" } else { pointer }
}

/// Text as it is, everything else as JSON.
fn text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Null => "null".to_owned(),
        other => other.to_string(),
    }
}

/// Java's `UUID.nameUUIDFromBytes`.
fn name_uuid(text: &str) -> Result<String, String> {
    let mut bytes = hash(MessageDigest::md5(), text.as_bytes()).map_err(|error| error.to_string())?.to_vec();
    bytes[6] = bytes[6] & 0x0f | 0x30;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers() -> Pointers {
        Pointers {
            list: "/issues".into(),
            offset: vec![("key".into(), "/key".into()), ("timestamp".into(), "/fields/updated".into())],
            ..Pointers::default()
        }
    }

    #[test]
    fn items_have_key_value_time_and_offset() {
        let answer = json!({"issues": [{"key": "A-1", "fields": {"updated": "2020-01-01T01:00:00+01:00"}}]});
        let items = pointers().items(&answer).unwrap();
        assert_eq!(items[0].value, r#"{"key":"A-1","fields":{"updated":"2020-01-01T01:00:00+01:00"}}"#);
        assert_eq!((items[0].key.as_str(), items[0].timestamp_ms), ("A-1", Some(1_577_836_800_000)));
        assert_eq!(items[0].offset["timestamp"], "2020-01-01T00:00:00Z");
        let plain = Pointers::default().items(&json!(["x"])).unwrap();
        assert_eq!(plain[0].key, "9dd4e461-268c-3034-b5c8-564e155c67a6");
    }

    #[test]
    fn what_is_missing_is_named() {
        let message = |answer: Json| pointers().items(&answer).unwrap_err();
        assert_eq!(message(json!({"x": 1})), "it has nothing at /issues");
        assert_eq!(message(json!({"issues": [{"key": "A"}]})), "an item has nothing at /fields/updated");
        let answer = json!({"issues": [{"key": "A", "fields": {"updated": "yesterday"}}]});
        assert!(message(answer).contains("the time yesterday"));
        assert!(pointer("items").is_err());
    }
}
