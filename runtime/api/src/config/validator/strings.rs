//! Text.

use super::{Validator, invalid};
use crate::config::ParsedValue;
use crate::java_regex::JavaRegex;

impl Validator {
    /// One of `allowed`, in the same case.
    pub fn one_of(allowed: &[&str]) -> Self {
        let allowed = owned(allowed);
        let listed = allowed.join(", ");
        Self::new(format!("[{listed}]"), move |name, value| match value {
            ParsedValue::String(text) if allowed.contains(text) => Ok(()),
            _ => Err(invalid(name, value, &format!("String must be one of: {listed}"))),
        })
    }

    /// One of `allowed` in any case. The message lists them in the order given, which for Kafka's own keys is the order of
    /// Java's `HashSet`.
    pub fn one_of_ignoring_case(allowed: &[&str]) -> Self {
        let allowed: Vec<String> = allowed.iter().map(|item| item.to_uppercase()).collect();
        let listed = allowed.join(", ");
        Self::new(format!("(case insensitive) [{listed}]"), move |name, value| match value {
            ParsedValue::String(text) if allowed.contains(&text.to_uppercase()) => Ok(()),
            _ => Err(invalid(name, value, &format!("String must be one of (case insensitive): {listed}"))),
        })
    }

    /// Text that is not empty; no value is right.
    pub fn non_empty_string() -> Self {
        Self::new("non-empty string", |name, value| match value {
            ParsedValue::String(text) if text.is_empty() => Err(invalid(name, value, "String must be non-empty")),
            _ => Ok(()),
        })
    }

    /// Text that is not empty and has no ISO control characters; no value is right.
    pub fn non_empty_string_without_control_chars() -> Self {
        Self::new("non-empty string without ISO control characters", |name, value| match value {
            ParsedValue::String(text) if text.is_empty() => Err(invalid(name, value, "String may not be empty")),
            ParsedValue::String(text) => without_control_chars(name, value, text),
            _ => Ok(()),
        })
    }

    /// A regular expression of Java that this worker can run; no value is right.
    pub fn regex() -> Self {
        Self::new("valid regex", |name, value| match value {
            ParsedValue::String(text) => regex(name, value, text),
            _ => Ok(()),
        })
    }

    /// As [`Validator::regex`], and there must be a value.
    pub fn required_regex() -> Self {
        Self::new("valid regex", |name, value| match value {
            ParsedValue::String(text) => regex(name, value, text),
            _ => Err(invalid(name, value, "Invalid regex: null")),
        })
    }
}

fn owned(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn regex(name: &str, value: &ParsedValue, text: &str) -> Result<(), String> {
    JavaRegex::new(text).map(drop).map_err(|error| invalid(name, value, &format!("Invalid regex: {error}")))
}

fn without_control_chars(name: &str, value: &ParsedValue, text: &str) -> Result<(), String> {
    let found: Vec<String> = text.chars().filter(|c| c.is_control()).map(|c| (c as u32).to_string()).collect();
    if found.is_empty() {
        return Ok(());
    }
    let detail =
        format!("String may not contain control sequences but had the following ASCII chars: {}", found.join(", "));
    Err(invalid(name, value, &detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> ParsedValue {
        ParsedValue::String(text.to_owned())
    }

    #[test]
    fn allowed_texts_are_listed() {
        let exact = Validator::one_of(&["none", "all"]);
        assert_eq!(exact.check("k", &text("all")), Ok(()));
        let message = exact.check("k", &text("ALL"));
        assert_eq!(message, Err("Invalid value ALL for configuration k: String must be one of: none, all".into()));
        let any_case = Validator::one_of_ignoring_case(&["POLL", "interval"]);
        assert_eq!(any_case.check("k", &text("poll")), Ok(()));
        assert_eq!(
            any_case.check("k", &ParsedValue::Null),
            Err("Invalid value null for configuration k: String must be one of (case insensitive): POLL, INTERVAL"
                .into())
        );
    }

    #[test]
    fn expressions_are_javas() {
        for right in ["", "(?!_).*", r"(a)\1", r"[a-z&&[^x]]+", "a*+"] {
            assert_eq!(Validator::regex().check("k", &text(right)), Ok(()));
            assert_eq!(Validator::required_regex().check("k", &text(right)), Ok(()));
        }
        assert_eq!(
            Validator::regex().check("k", &text("a)")),
            Err("Invalid value a) for configuration k: Invalid regex: Unmatched closing ')' near index 1".into())
        );
        assert_eq!(Validator::regex().check("k", &ParsedValue::Null), Ok(()));
        assert_eq!(
            Validator::required_regex().check("k", &ParsedValue::Null),
            Err("Invalid value null for configuration k: Invalid regex: null".into())
        );
    }

    #[test]
    fn control_characters_are_named_by_number() {
        let validator = Validator::non_empty_string_without_control_chars();
        assert_eq!(validator.check("name", &ParsedValue::Null), Ok(()));
        assert_eq!(
            validator.check("name", &text("a\u{7}b\u{85}")),
            Err("Invalid value a\u{7}b\u{85} for configuration name: String may not contain control sequences but had the \
                 following ASCII chars: 7, 133"
                .into())
        );
    }
}
