//! Parsing and validating a property map against a definition, in Kafka's words (connect-worker.md 1.8).

use indexmap::{IndexMap, IndexSet};

use super::validator::invalid;
use super::{ConfigDef, ConfigKey, ConfigType, ConfigValue, ParsedValue, Password, Validator};
use crate::Properties;
use crate::error::{ConnectError, Result};

/// Every key of a definition with its value or its default.
///
/// The getters panic when the definition has no such key or has it with another type: that is a mistake in the code which
/// owns the definition, never in the user's configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedConfig {
    values: IndexMap<String, ParsedValue>,
}

impl ParsedConfig {
    /// The value of a key of any type.
    ///
    /// # Panics
    /// When the key is not defined.
    pub fn get(&self, name: &str) -> &ParsedValue {
        self.values.get(name).unwrap_or_else(|| panic!("key `{name}` is not defined"))
    }

    /// The values in the order of the definition.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ParsedValue)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Text, or a class name, that is there.
    pub fn string(&self, name: &str) -> &str {
        self.opt_string(name).unwrap_or_else(|| mistaken(name, "a value"))
    }

    /// Text, or a class name.
    pub fn opt_string(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            ParsedValue::String(text) => Some(text),
            ParsedValue::Null => None,
            _ => mistaken(name, "STRING or CLASS"),
        }
    }

    /// A 32 bit number.
    pub fn int(&self, name: &str) -> i32 {
        self.opt_int(name).unwrap_or_else(|| mistaken(name, "a value"))
    }

    /// A 32 bit number that may be missing.
    pub fn opt_int(&self, name: &str) -> Option<i32> {
        match self.get(name) {
            ParsedValue::Int(number) => Some(*number),
            ParsedValue::Null => None,
            _ => mistaken(name, "INT"),
        }
    }

    /// A 64 bit number.
    pub fn long(&self, name: &str) -> i64 {
        self.opt_long(name).unwrap_or_else(|| mistaken(name, "a value"))
    }

    /// A 64 bit number that may be missing.
    pub fn opt_long(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            ParsedValue::Long(number) => Some(*number),
            ParsedValue::Null => None,
            _ => mistaken(name, "LONG"),
        }
    }

    /// A 16 bit number.
    pub fn short(&self, name: &str) -> i16 {
        match self.get(name) {
            ParsedValue::Short(number) => *number,
            _ => mistaken(name, "SHORT"),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self, name: &str) -> bool {
        match self.get(name) {
            ParsedValue::Boolean(value) => *value,
            _ => mistaken(name, "BOOLEAN"),
        }
    }

    /// A floating point number.
    pub fn double(&self, name: &str) -> f64 {
        match self.get(name) {
            ParsedValue::Double(number) => *number,
            _ => mistaken(name, "DOUBLE"),
        }
    }

    /// The items of a list; a missing list has none.
    pub fn list(&self, name: &str) -> &[String] {
        match self.get(name) {
            ParsedValue::List(items) => items,
            ParsedValue::Null => &[],
            _ => mistaken(name, "LIST"),
        }
    }

    /// A secret that may be missing.
    pub fn password(&self, name: &str) -> Option<&Password> {
        match self.get(name) {
            ParsedValue::Password(secret) => Some(secret),
            ParsedValue::Null => None,
            _ => mistaken(name, "PASSWORD"),
        }
    }
}

fn mistaken(name: &str, expected: &str) -> ! {
    panic!("key `{name}` is not defined with {expected}")
}

impl ConfigDef {
    /// Parses `properties`; keys that are not defined are passed over. Items that a list must not have twice are taken once:
    /// only [`ConfigDef::validate`] objects to them.
    ///
    /// # Errors
    /// `Config` with one message for every key that is wrong, in the order of the definition, joined by `; `.
    pub fn parse(&self, properties: &Properties) -> Result<ParsedConfig> {
        let mut values = IndexMap::with_capacity(self.keys().count());
        let mut errors = Vec::new();
        for key in self.keys() {
            let (value, messages) = evaluate(key, properties, once);
            // A value that is missing or malformed is judged as `null` as well, which says nothing more.
            errors.extend(messages.into_iter().next());
            values.insert(key.name.clone(), value);
        }
        if errors.is_empty() { Ok(ParsedConfig { values }) } else { Err(ConnectError::config(errors.join("; "))) }
    }

    /// Says of every key what its value is and what is wrong with it, in the order of the definition. A value that cannot
    /// be parsed is also given to the validator, as `null`, so it may have two messages, as in Kafka.
    pub fn validate(&self, properties: &Properties) -> Vec<ConfigValue> {
        self.validate_with_nulls(properties, &[])
    }

    /// As [`ConfigDef::validate`], for properties in which the keys `nulls` are there without a value, as JSON allows: such a
    /// key gets neither its default nor the message about a missing one.
    pub fn validate_with_nulls(&self, properties: &Properties, nulls: &[String]) -> Vec<ConfigValue> {
        self.keys()
            .map(|key| {
                let (value, messages) = match nulls.contains(&key.name) {
                    true => (ParsedValue::Null, judge(key, &ParsedValue::Null).err().into_iter().collect()),
                    false => evaluate(key, properties, |_, value| value),
                };
                let shown = (value != ParsedValue::Null).then(|| value.to_string());
                let mut answer = ConfigValue::new(&key.name, shown);
                answer.error_messages = messages;
                if let Some(recommender) = &key.recommender {
                    answer.recommended_values = recommender.valid_values(&key.name, properties);
                    answer.visible = recommender.visible(&key.name, properties);
                }
                answer
            })
            .collect()
    }
}

/// `prepare` has the value before it is judged.
fn evaluate(
    key: &ConfigKey,
    properties: &Properties,
    prepare: fn(&ConfigKey, ParsedValue) -> ParsedValue,
) -> (ParsedValue, Vec<String>) {
    let mut messages = Vec::new();
    let value = match (properties.get(&key.name), &key.default) {
        (Some(text), _) => parse_value(&key.name, text, key.config_type).unwrap_or_else(|message| {
            messages.push(message);
            ParsedValue::Null
        }),
        (None, Some(default)) => default.clone(),
        (None, None) => {
            messages.push(format!("Missing required configuration \"{}\" which has no default value.", key.name));
            ParsedValue::Null
        }
    };
    let value = prepare(key, value);
    messages.extend(judge(key, &value).err());
    (value, messages)
}

/// The first of equal items, for validators that allow no second one.
fn once(key: &ConfigKey, value: ParsedValue) -> ParsedValue {
    match value {
        ParsedValue::List(items) if key.validator.as_ref().is_some_and(Validator::is_distinct) => {
            ParsedValue::List(items.into_iter().collect::<IndexSet<_>>().into_iter().collect())
        }
        other => other,
    }
}

fn judge(key: &ConfigKey, value: &ParsedValue) -> Result<(), String> {
    key.validator.as_ref().map_or(Ok(()), |validator| validator.check(&key.name, value))
}

/// Parses the text of one key as `config_type`. Text is trimmed; the message of an error shows it as it was given. A
/// [`ConfigType::Password`] is never wrong, so no message shows one (Invariant 9).
///
/// # Errors
/// The whole message.
pub fn parse_value(name: &str, text: &str, config_type: ConfigType) -> Result<ParsedValue, String> {
    let trimmed = java_trim(text);
    let wrong = |detail: &str| invalid(name, &ParsedValue::String(text.to_owned()), detail);
    let not_a_number = || wrong(&format!("Not a number of type {}", config_type.name()));
    match config_type {
        ConfigType::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok(ParsedValue::Boolean(true)),
        ConfigType::Boolean if trimmed.eq_ignore_ascii_case("false") => Ok(ParsedValue::Boolean(false)),
        ConfigType::Boolean => Err(wrong("Expected value to be either true or false")),
        ConfigType::String | ConfigType::Class => Ok(ParsedValue::String(trimmed.to_owned())),
        ConfigType::Password => Ok(ParsedValue::Password(Password::new(trimmed))),
        ConfigType::Int => trimmed.parse().map(ParsedValue::Int).map_err(|_| not_a_number()),
        ConfigType::Short => trimmed.parse().map(ParsedValue::Short).map_err(|_| not_a_number()),
        ConfigType::Long => trimmed.parse().map(ParsedValue::Long).map_err(|_| not_a_number()),
        ConfigType::Double => java_double(trimmed).map(ParsedValue::Double).ok_or_else(not_a_number),
        ConfigType::List => Ok(ParsedValue::List(split_list(trimmed))),
    }
}

/// Java's `trim`: everything up to the space goes, on both ends.
fn java_trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// Java's decimal grammar: a type suffix is allowed, `inf` and `nan` in other spellings are not.
fn java_double(text: &str) -> Option<f64> {
    let unsigned = text.trim_start_matches(['+', '-']);
    if matches!(unsigned, "NaN" | "Infinity") {
        return text.parse().ok();
    }
    let digits = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if plain { digits.parse().ok() } else { None }
}

/// Splits at commas, with the white space around them gone and empty items kept; empty text has no items.
fn split_list(trimmed: &str) -> Vec<String> {
    if trimmed.is_empty() {
        return Vec::new();
    }
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r');
    trimmed.split(',').map(|item| item.trim_matches(is_space).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Importance;

    fn key(name: &str, config_type: ConfigType) -> ConfigKey {
        ConfigKey::new(name, config_type, Importance::Low, "")
    }

    fn properties(pairs: &[(&str, &str)]) -> Properties {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn parsing_takes_once_what_validation_refuses_twice() {
        let distinct = key("fields", ConfigType::List).validator(Validator::list_without_duplicates(false, false));
        let definition = ConfigDef::new().define(distinct);
        let twice = properties(&[("fields", "b,a,b")]);
        assert_eq!(definition.parse(&twice).unwrap().list("fields"), ["b", "a"]);
        let judged = definition.validate(&twice);
        assert_eq!(judged[0].error_messages, ["Configuration 'fields' values must not be duplicated."]);
    }

    #[test]
    fn every_type_is_read_as_java_reads_it() {
        let good = [
            (" TRUE ", ConfigType::Boolean, ParsedValue::Boolean(true)),
            ("\u{1}a b\t", ConfigType::String, ParsedValue::String("a b".into())),
            ("+7", ConfigType::Int, ParsedValue::Int(7)),
            ("-32768", ConfigType::Short, ParsedValue::Short(i16::MIN)),
            (" 9223372036854775807", ConfigType::Long, ParsedValue::Long(i64::MAX)),
            ("1.5f", ConfigType::Double, ParsedValue::Double(1.5)),
            ("-Infinity", ConfigType::Double, ParsedValue::Double(f64::NEG_INFINITY)),
            (" a , b,,c, ", ConfigType::List, list(&["a", "b", "", "c", ""])),
            ("  ", ConfigType::List, list(&[])),
        ];
        for (text, config_type, expected) in good {
            assert_eq!(parse_value("k", text, config_type), Ok(expected), "{text:?}");
        }
        let bad = [
            (
                "yes",
                ConfigType::Boolean,
                "Invalid value yes for configuration k: Expected value to be either true or false",
            ),
            (" 1.0", ConfigType::Int, "Invalid value  1.0 for configuration k: Not a number of type INT"),
            ("40000", ConfigType::Short, "Invalid value 40000 for configuration k: Not a number of type SHORT"),
            ("", ConfigType::Long, "Invalid value  for configuration k: Not a number of type LONG"),
            ("inf", ConfigType::Double, "Invalid value inf for configuration k: Not a number of type DOUBLE"),
        ];
        for (text, config_type, expected) in bad {
            assert_eq!(parse_value("k", text, config_type), Err(expected.to_owned()));
        }
    }

    fn list(items: &[&str]) -> ParsedValue {
        ParsedValue::List(items.iter().map(|item| (*item).to_owned()).collect())
    }

    #[test]
    fn a_parse_failure_has_the_validators_message_too() {
        let def = ConfigDef::new()
            .define(key("tasks.max", ConfigType::Int).default(ParsedValue::Int(1)).validator(Validator::at_least(1)));
        let answer = def.validate(&properties(&[("tasks.max", "many")]));
        assert_eq!(answer[0].value, None);
        assert_eq!(
            answer[0].error_messages,
            [
                "Invalid value many for configuration tasks.max: Not a number of type INT",
                "Invalid value null for configuration tasks.max: Value must be non-null",
            ]
        );
    }

    #[test]
    fn parsing_lists_every_error_at_once() {
        let def = ConfigDef::new()
            .define(key("name", ConfigType::String))
            .define(key("size", ConfigType::Int).default(ParsedValue::Int(3)))
            .define(key("secret", ConfigType::Password).optional());
        let error = def.parse(&properties(&[("size", "x"), ("unknown", "y")])).expect_err("two errors");
        assert_eq!(
            error.message(),
            "Missing required configuration \"name\" which has no default value.; \
             Invalid value x for configuration size: Not a number of type INT"
        );
        let config = def.parse(&properties(&[("name", " n "), ("secret", "s3")])).expect("no error");
        assert_eq!((config.string("name"), config.int("size")), ("n", 3));
        assert_eq!(config.password("secret").map(Password::expose), Some("s3"));
        // Invariant 9.
        assert!(!format!("{config:?}").contains("s3"));
    }
}
