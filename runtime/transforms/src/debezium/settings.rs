//! Reading properties as Debezium does (`Configuration`, `Field`): a missing key has its default, a wrong value is a problem, and
//! all problems are told together.

use sluice_api::config::{ConfigKey, ConfigType, Importance, ParsedValue, Width};
use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Properties};

use super::splitting::trim;

/// Properties, and what is wrong with them so far.
pub(super) struct Settings<'a> {
    properties: &'a Properties,
    problems: Vec<Problem>,
}

struct Problem {
    key: &'static str,
    value: Option<String>,
    detail: String,
}

impl<'a> Settings<'a> {
    pub(super) fn new(properties: &'a Properties) -> Self {
        Self { properties, problems: Vec::new() }
    }

    /// The text of a key as it came.
    pub(super) fn opt_text(&self, key: &str) -> Option<&'a str> {
        self.properties.get(key).map(String::as_str)
    }

    pub(super) fn text(&self, key: &str, default: &'a str) -> &'a str {
        self.opt_text(key).unwrap_or(default)
    }

    /// A value that must not be blank.
    pub(super) fn required(&mut self, key: &'static str) -> &'a str {
        let text = self.text(key, "");
        if trim(text).is_empty() {
            self.problem(key, "A value is required");
        }
        text
    }

    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        let Some(text) = self.opt_text(key) else { return default };
        match trim(text) {
            text if text.eq_ignore_ascii_case("true") => true,
            text if text.eq_ignore_ascii_case("false") => false,
            _ => {
                self.problem(key, "Either 'true' or 'false' is expected");
                default
            }
        }
    }

    pub(super) fn number(&mut self, key: &'static str, default: i32) -> i32 {
        match self.opt_text(key).map(str::parse) {
            None => default,
            Some(Ok(number)) => number,
            Some(Err(_)) => {
                self.problem(key, "An integer is expected");
                default
            }
        }
    }

    /// One of `choices`, in any case; the first is the default.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> T {
        let default = choices[0].1;
        let Some(text) = self.opt_text(key) else { return default };
        let found = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(trim(text)));
        if let Some((_, choice)) = found {
            return *choice;
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        self.problem(key, &format!("Value must be one of {}", names.join(", ")));
        default
    }

    /// A regular expression; one that is wrong is a problem, and `None`.
    pub(super) fn regex(&mut self, key: &'static str, text: &str) -> Option<JavaRegex> {
        match JavaRegex::new(text) {
            Ok(regex) => Some(regex),
            Err(error) => {
                self.problem(key, &format!("A valid regular expressions is expected, but {error}"));
                None
            }
        }
    }

    pub(super) fn problem(&mut self, key: &'static str, detail: &str) {
        let value = self.opt_text(key).map(str::to_owned);
        self.problems.push(Problem { key, value, detail: detail.to_owned() });
    }

    /// The error of most of Debezium's transformations, if anything is wrong.
    pub(super) fn connect_error(&self) -> Option<ConnectError> {
        let listed = self.problems.iter().map(|Problem { key, value, detail }| match value {
            Some(value) => format!("The '{key}' value '{value}' is invalid: {detail}"),
            None => format!("The '{key}' value is invalid: {detail}"),
        });
        let listed: Vec<String> = listed.collect();
        (!listed.is_empty()).then(|| ConnectError::connect(format!("Unable to validate config. {}", listed.join("; "))))
    }

    /// The error of the outbox event router, if anything is wrong.
    pub(super) fn config_error(&self) -> Option<ConnectError> {
        let listed = self.problems.iter().map(|Problem { key, value, detail }| {
            format!("Invalid value {} for configuration {key}: {detail}", value.as_deref().unwrap_or("null"))
        });
        let listed: Vec<String> = listed.collect();
        (!listed.is_empty()).then(|| ConnectError::config(listed.join("; ")))
    }
}

/// A key as Debezium defines it for Kafka Connect: never required, since what is missing is told at the start.
pub(super) fn key(
    name: &'static str,
    config_type: ConfigType,
    importance: Importance,
    width: Width,
    display_name: &str,
    doc: &str,
) -> ConfigKey {
    let mut key = ConfigKey::new(name, config_type, importance, doc).optional();
    // Debezium counts in a group that has no name.
    key.order_in_group = 1;
    key.width = width;
    key.display_name = display_name.to_owned();
    key
}

/// The default of a text key.
pub(super) fn text_default(text: &str) -> ParsedValue {
    ParsedValue::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_records::properties;

    #[test]
    fn missing_keys_have_defaults_and_wrong_values_are_told_together() {
        let properties = properties(&[("flag", " TRUE"), ("n", "7"), ("mode", " B "), ("bad", "maybe"), ("no", "x")]);
        let mut settings = Settings::new(&properties);
        assert_eq!(settings.text("missing", "default"), "default");
        assert!(settings.flag("flag", false));
        assert_eq!(settings.number("n", 1), 7);
        assert_eq!(settings.choice("mode", &[("a", 1), ("b", 2)]), 2);
        assert!(settings.connect_error().is_none());
        settings.flag("bad", false);
        settings.number("no", 1);
        settings.required("gone");
        assert_eq!(
            settings.connect_error().unwrap().to_string(),
            "Unable to validate config. The 'bad' value 'maybe' is invalid: Either 'true' or 'false' is expected; The 'no' \
             value 'x' is invalid: An integer is expected; The 'gone' value is invalid: A value is required"
        );
        assert!(
            settings.config_error().unwrap().to_string().starts_with("Invalid value maybe for configuration bad: ")
        );
    }
}
