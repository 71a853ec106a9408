//! What is wrong with a configuration beyond single values: collected per key, so that validation shows all of it at once.

use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::{ConnectError, Properties, Result};

/// Mistakes by key.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<(String, String)>);

impl Problems {
    pub(crate) fn add(&mut self, key: &str, message: impl Into<String>) {
        self.0.push((key.to_owned(), message.into()));
    }

    /// The value, or its mistake noted and nothing.
    pub(crate) fn take<T>(&mut self, key: &str, value: Result<T, String>) -> Option<T> {
        value.map_err(|message| self.add(key, format!("Invalid value for configuration {key}: {message}"))).ok()
    }

    /// Refuses keys that a configuration of the peer may have and that are not there yet.
    pub(crate) fn refuse(&mut self, properties: &Properties, unsupported: &[(&str, &str)]) {
        for (key, instead) in unsupported {
            if properties.get(*key).is_some_and(|value| !value.trim().is_empty()) {
                self.add(key, format!("`{key}` is not supported yet: {instead}"));
            }
        }
    }

    /// # Errors
    /// `Config` with every mistake.
    pub(crate) fn into_result<T>(self, value: Option<T>) -> Result<T> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => {
                let messages: Vec<String> = self.0.into_iter().map(|(_, message)| message).collect();
                Err(ConnectError::config(messages.join("; ")))
            }
        }
    }

    /// Validates every key, then, when each is right alone, all together.
    pub(crate) fn validate(
        definition: &ConfigDef,
        properties: &Properties,
        together: impl FnOnce(&Properties, &mut Problems),
    ) -> Vec<ConfigValue> {
        let mut values = definition.validate(properties);
        if values.iter().any(|value| !value.error_messages.is_empty()) {
            return values;
        }
        let mut problems = Problems::default();
        together(properties, &mut problems);
        for (key, message) in problems.0 {
            match values.iter_mut().find(|value| value.name == key) {
                Some(value) => value.error_messages.push(message),
                None => {
                    let mut value = ConfigValue::new(key.clone(), properties.get(&key).cloned());
                    value.error_messages.push(message);
                    values.push(value);
                }
            }
        }
        values
    }
}
