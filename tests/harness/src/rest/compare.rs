//! Are two answers the same? Asked of Apache Kafka Connect's answer and ours.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Answer;

/// What a comparison leaves out.
#[derive(Clone, Debug, Default)]
pub struct Ignore {
    /// Field names whose values do not count, at any depth; whether the field is there does.
    pub values: BTreeSet<String>,
    /// Header names, in lower case, that do not count at all.
    pub headers: BTreeSet<String>,
    /// Arrays whose order does not count: names of the fields that hold them.
    pub unordered: BTreeSet<String>,
}

impl Ignore {
    /// Nothing besides what is always ignored: prose (`documentation`), stack traces (`trace`), and the headers that name the
    /// server or the moment.
    #[must_use]
    pub fn usual() -> Self {
        Ignore {
            values: set(&["documentation", "trace"]),
            headers: set(&["server", "date", "content-length", "connection"]),
            unordered: set(&["topics"]),
        }
    }

    /// Also ignores the values of a field.
    #[must_use]
    pub fn value(mut self, field: &str) -> Self {
        self.values.insert(field.to_owned());
        self
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The first differences between the oracle's answer and ours, empty when they are the same.
///
/// Compared are the status, the header names and values that count (not their order), and the body: as JSON if both are, so
/// that objects are sets of fields, else as text.
#[must_use]
pub fn same_answer(oracle: &Answer, ours: &Answer, ignore: &Ignore) -> Vec<String> {
    let mut found = Vec::new();
    if oracle.status != ours.status {
        found.push(format!("status: expected {}, got {}", oracle.status, ours.status));
    }
    let (expected, got) = (counting(oracle, ignore), counting(ours, ignore));
    if expected != got {
        found.push(format!("headers: expected {expected:?}, got {got:?}"));
    }
    match (oracle.json(), ours.json()) {
        // A bare array is a list of names, and Java's set of them has no order.
        (Ok(expected @ Value::Array(_)), Ok(got @ Value::Array(_))) if expected[0].is_string() => {
            differences("$", &sorted(&expected), &sorted(&got), ignore, &mut found);
        }
        (Ok(expected), Ok(got)) => differences("$", &expected, &got, ignore, &mut found),
        _ if oracle.body == ours.body => {}
        _ => found.push(format!("body: expected `{}`, got `{}`", oracle.body, ours.body)),
    }
    found
}

fn counting(answer: &Answer, ignore: &Ignore) -> BTreeSet<(String, String)> {
    let lower = answer.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
    lower.filter(|(name, _)| !ignore.headers.contains(name)).collect()
}

fn differences(path: &str, expected: &Value, got: &Value, ignore: &Ignore, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(one), Value::Object(two)) => {
            let names: BTreeSet<&String> = one.keys().chain(two.keys()).collect();
            for name in names {
                match (one.get(name), two.get(name)) {
                    (Some(_), Some(_)) if ignore.values.contains(name) => {}
                    (Some(one), Some(two)) if ignore.unordered.contains(name) => {
                        differences(&format!("{path}.{name}"), &sorted(one), &sorted(two), ignore, found);
                    }
                    (Some(one), Some(two)) => differences(&format!("{path}.{name}"), one, two, ignore, found),
                    (Some(one), None) => found.push(format!("{path}.{name}: expected {one}, got no such field")),
                    (None, two) => found.push(format!("{path}.{name}: unexpected {}", two.unwrap_or(&Value::Null))),
                }
            }
        }
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            for (index, (one, two)) in one.iter().zip(two).enumerate() {
                differences(&format!("{path}[{index}]"), one, two, ignore, found);
            }
        }
        _ if expected == got => {}
        _ => found.push(format!("{path}: expected {expected}, got {got}")),
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(elements) => {
            let mut elements = elements.clone();
            elements.sort_by_key(ToString::to_string);
            Value::Array(elements)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: vec![("Content-Type".into(), "application/json".into())], body: body.into() }
    }

    #[test]
    fn objects_are_sets_of_fields() {
        let (one, two) = (answer(200, r#"{"a":1,"b":{"c":2,"d":3}}"#), answer(200, r#"{"b":{"d":3,"c":2},"a":1}"#));
        assert!(same_answer(&one, &two, &Ignore::usual()).is_empty());
    }

    #[test]
    fn a_missing_field_counts_even_when_its_value_does_not() {
        let (one, two) = (answer(200, r#"{"trace":"x"}"#), answer(200, "{}"));
        assert_eq!(same_answer(&one, &answer(200, r#"{"trace":"y"}"#), &Ignore::usual()), Vec::<String>::new());
        assert_eq!(same_answer(&one, &two, &Ignore::usual()).len(), 1);
    }

    #[test]
    fn status_and_text_count() {
        let (one, two) = (answer(404, "<html>"), answer(400, "<body>"));
        assert_eq!(same_answer(&one, &two, &Ignore::usual()).len(), 2);
    }
}
