//! Whether two answers say the same, and if not, where they first part.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

type Members = serde_json::Map<String, Json>;

/// What an exception means for policy. A text may differ, this may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// `DataException` and its subclasses.
    Data,
    /// `ConfigException`.
    Config,
    /// `RetriableException`.
    Retriable,
    /// `ConnectException` itself.
    Connect,
    /// Anything that the plugin did not throw on purpose (`NullPointerException`, …): no kind of ours stands for it.
    Accident,
}

impl FailureKind {
    /// The kind of a Java class.
    #[must_use]
    pub fn of_class(class: &str) -> Self {
        match class.rsplit('.').next().unwrap_or(class) {
            "DataException" | "SchemaBuilderException" | "SchemaProjectorException" => Self::Data,
            "ConfigException" => Self::Config,
            "RetriableException" => Self::Retriable,
            "ConnectException" => Self::Connect,
            _ => Self::Accident,
        }
    }
}

/// The first place where two answers differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The path in the answer, for example `results[0].ok.value.struct[2]`.
    pub place: String,
    /// What the oracle has there.
    pub theirs: Json,
    /// What Sluice has there.
    pub ours: Json,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { place, theirs, ours } = self;
        write!(f, "{place}\n    oracle: {}\n    sluice: {}", readable(theirs), readable(ours))
    }
}

/// Base64 is followed by the text in it.
fn readable(json: &Json) -> String {
    let text = json.as_str().filter(|text| text.len() >= 4).and_then(|text| STANDARD.decode(text).ok());
    match text.as_deref().map(str::from_utf8) {
        Some(Ok(text)) => format!("{json} = {text}"),
        _ => json.to_string(),
    }
}

/// The first difference between the oracle's answer and ours.
///
/// Two errors are the same when they come from the same moment and are of the same kind, or the oracle's was an accident; texts
/// are not looked at. Floats are compared as numbers: the JVM's text for them depends on its version.
#[must_use]
pub fn difference(theirs: &Json, ours: &Json) -> Option<Difference> {
    at(String::new(), theirs, ours)
}

fn at(place: String, theirs: &Json, ours: &Json) -> Option<Difference> {
    let same = match (theirs, ours) {
        (Json::Object(left), Json::Object(right)) => {
            if let (Some(left), Some(right)) = (left.get("error"), right.get("error")) {
                return error(&place, left, right);
            }
            if let Some(equal) = floats(theirs, ours) {
                equal
            } else if let Some((left, right)) = unordered(left, right) {
                return at(place, &left, &right);
            } else {
                let ordered = place.ends_with("parameters");
                let keys_differ = ordered && left.keys().ne(right.keys());
                if keys_differ || left.len() != right.len() || left.keys().any(|key| !right.contains_key(key)) {
                    false
                } else {
                    let dot = if place.is_empty() { "" } else { "." };
                    return left.iter().find_map(|(key, value)| at(format!("{place}{dot}{key}"), value, &right[key]));
                }
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            let mut pairs = left.iter().zip(right).enumerate();
            return pairs.find_map(|(index, (left, right))| at(format!("{place}[{index}]"), left, right));
        }
        _ => theirs == ours,
    };
    (!same).then(|| Difference { place, theirs: theirs.clone(), ours: ours.clone() })
}

fn error(place: &str, theirs: &Json, ours: &Json) -> Option<Difference> {
    let kind = |error: &Json| FailureKind::of_class(error["class"].as_str().unwrap_or_default());
    let same_kind = kind(theirs) == FailureKind::Accident || kind(theirs) == kind(ours);
    if same_kind && theirs["at"] == ours["at"] {
        return None;
    }
    Some(Difference { place: format!("{place}.error"), theirs: theirs.clone(), ours: ours.clone() })
}

/// The entries of two maps in an order that both have, when Java's order is another one in every run: the hash of a `byte[]` or a
/// Struct is the object's address.
fn unordered(theirs: &Members, ours: &Members) -> Option<(Json, Json)> {
    let entries = |map: &Members| map.get("map").filter(|_| map.len() == 1).and_then(Json::as_array).cloned();
    let (mut left, mut right) = (entries(theirs)?, entries(ours)?);
    let by_address = |entry: &Json| ["\"bytes\"", "\"struct\""].iter().any(|tag| entry[0].to_string().contains(tag));
    if !left.iter().any(by_address) {
        return None;
    }
    for entries in [&mut left, &mut right] {
        entries.sort_by_cached_key(|entry| entry[0].to_string());
    }
    Some((left.into(), right.into()))
}

/// Whether two floats are the same number; `None` when the two are not floats of one width.
fn floats(theirs: &Json, ours: &Json) -> Option<bool> {
    let text = |json: &'_ Json, tag: &str| json.get(tag).and_then(Json::as_str).map(str::to_owned);
    if let (Some(left), Some(right)) = (text(theirs, "f32"), text(ours, "f32")) {
        let bits = |text: &str| text.parse::<f32>().ok().map(f32::to_bits);
        return Some(bits(&left) == bits(&right));
    }
    let (left, right) = (text(theirs, "f64")?, text(ours, "f64")?);
    let bits = |text: &str| text.parse::<f64>().ok().map(f64::to_bits);
    Some(bits(&left) == bits(&right))
}
