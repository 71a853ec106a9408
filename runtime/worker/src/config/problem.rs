//! What is wrong with one key of a worker's or connector's properties.

use std::fmt;

use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ConfigType};

use super::providers::{hidden, redacted};

/// One thing that is wrong. `Display` prints the message alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key.
    pub key: String,
    /// Its value as it was given, masked when the key holds a secret (Invariant 9); `None` when the key is missing.
    pub value: Option<String>,
    /// What is wrong, in Kafka's words where Kafka has some.
    pub message: String,
    /// What would be right, when the definition says.
    pub expected: Option<String>,
}

impl Problem {
    /// A problem of `key` in `properties`; the definition says whether the value may be shown and what is expected.
    pub fn new(def: &ConfigDef, properties: &Properties, key: &str, message: impl Into<String>) -> Self {
        let hidden = is_secret(def, key);
        let value = properties.get(key).map(|value| if hidden { "[hidden]".to_owned() } else { value.clone() });
        Self { key: key.to_owned(), value, message: message.into(), expected: def.get(key).map(expected) }
    }
}

impl Problem {
    /// The problem as it is about what the user wrote, when it was found in what that stands for (Invariant 9).
    #[must_use]
    pub fn unresolved(self, written: &Properties, resolved: &Properties) -> Self {
        let (Some(written), Some(resolved)) = (written.get(&self.key), resolved.get(&self.key)) else { return self };
        if written == resolved {
            return Self { message: redacted(&self.message).into_owned(), ..self };
        }
        Self { message: hidden(&self.message, written, resolved), value: Some(written.clone()), ..self }
    }
}

/// Whether a value of `key` must not be shown: the definition says so, or the name does and there is no definition.
pub(super) fn is_secret(def: &ConfigDef, key: &str) -> bool {
    match def.get(key) {
        Some(known) => known.config_type == ConfigType::Password,
        None => ["password", "secret", "jaas", "token", "credential", "passphrase", "ssl.keystore.key"]
            .iter()
            .any(|word| key.to_ascii_lowercase().contains(word)),
    }
}

fn expected(key: &sluice_api::config::ConfigKey) -> String {
    let kind = match key.config_type {
        ConfigType::Boolean => "true or false",
        ConfigType::String => "text",
        ConfigType::Int => "an integer (32 bit)",
        ConfigType::Short => "an integer (16 bit)",
        ConfigType::Long => "an integer (64 bit)",
        ConfigType::Double => "a number",
        ConfigType::List => "a list separated by commas",
        ConfigType::Class => "a class name",
        ConfigType::Password => "a secret",
    };
    match key.validator.as_ref().map(|validator| validator.description()).filter(|text| !text.is_empty()) {
        Some(more) => format!("{kind}, {more}"),
        None => kind.to_owned(),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
