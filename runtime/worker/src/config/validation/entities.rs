//! The answer of a validation, field by field as REST shows it.

use sluice_api::Properties;
use sluice_api::config::{ConfigKey, ConfigType, ConfigValue, ParsedValue};

use crate::config::providers::{hidden, redacted};

/// The whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigInfos {
    /// The connector class as it was given.
    pub name: String,
    /// The number of errors; of the entries with errors, for client overrides and converters.
    pub error_count: usize,
    /// The groups of a form.
    pub groups: Vec<String>,
    /// The keys.
    pub configs: Vec<ConfigInfo>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigInfo {
    /// What the key is; `None` for a key without definition.
    pub definition: Option<ConfigKeyInfo>,
    /// What its value is.
    pub value: Option<ConfigValueInfo>,
}

/// What a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigKeyInfo {
    /// The name.
    pub name: String,
    /// `STRING`, `INT`, …
    pub config_type: &'static str,
    /// Whether there is no default.
    pub required: bool,
    /// The default in string form.
    pub default_value: Option<String>,
    /// `HIGH`, `MEDIUM`, `LOW`.
    pub importance: &'static str,
    /// For people.
    pub documentation: String,
    /// The group of a form.
    pub group: Option<String>,
    /// The place in the group, -1 without group (`order_in_group`).
    pub order: i32,
    /// `NONE`, `SHORT`, `MEDIUM`, `LONG`.
    pub width: &'static str,
    /// The name in a form.
    pub display_name: String,
    /// Keys that depend on this one.
    pub dependents: Vec<String>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigValueInfo {
    /// The key.
    pub name: String,
    /// The parsed value in string form.
    pub value: Option<String>,
    /// What a form may offer.
    pub recommended_values: Vec<String>,
    /// What is wrong.
    pub errors: Vec<String>,
    /// Whether a form should show the key.
    pub visible: bool,
}

impl ConfigInfos {
    /// The message with which a configuration that has errors is refused; `None` when it has none.
    pub fn error_message(&self) -> Option<String> {
        if self.error_count == 0 {
            return None;
        }
        let mut message =
            format!("Connector configuration is invalid and contains the following {} error(s):", self.error_count);
        for error in self.configs.iter().filter_map(|info| info.value.as_ref()).flat_map(|value| &value.errors) {
            message.push('\n');
            message.push_str(error);
        }
        message.push_str(
            "\nYou can also find the above list of errors at the endpoint \
             `/connector-plugins/{connectorType}/config/validate`",
        );
        Some(message)
    }

    /// Adds an error to the key; to the first entry when there is no such key.
    pub fn add_error(&mut self, key: &str, message: String) {
        let place = self.configs.iter().position(|info| info.value.as_ref().is_some_and(|value| value.name == key));
        let info = self.configs.get_mut(place.unwrap_or(0));
        if let Some(value) = info.and_then(|info| info.value.as_mut()) {
            value.errors.push(message);
            self.error_count += 1;
        }
    }

    /// The answer in terms of what the user wrote, when it was found about what that stands for: no value that a config provider
    /// gave is shown (Invariant 9).
    pub fn unresolve(&mut self, written: &Properties, resolved: &Properties) {
        for value in self.configs.iter_mut().filter_map(|info| info.value.as_mut()) {
            let (Some(written), Some(resolved)) = (written.get(&value.name), resolved.get(&value.name)) else {
                value.hide(|text| redacted(text).into_owned());
                continue;
            };
            value.hide(|text| hidden(text, written, resolved));
            if written != resolved {
                value.value = value.value.take().map(|_| written.clone());
            }
        }
    }

    /// Adds the entries, errors and groups of `more`.
    pub(super) fn merge(&mut self, more: ConfigInfos) {
        self.error_count += more.error_count;
        for group in more.groups {
            if !self.groups.contains(&group) {
                self.groups.push(group);
            }
        }
        self.configs.extend(more.configs);
    }
}

impl ConfigValueInfo {
    fn hide(&mut self, hide: impl Fn(&str) -> String) {
        self.errors.iter_mut().for_each(|error| *error = hide(error));
    }
}

impl ConfigKeyInfo {
    /// The key named with `prefix`.
    pub(super) fn prefixed(prefix: &str, key: &ConfigKey) -> Self {
        let default_value = match &key.default {
            None | Some(ParsedValue::Null) => None,
            Some(_) if key.config_type == ConfigType::Password => Some("[hidden]".to_owned()),
            Some(value) => Some(value.to_string()),
        };
        Self {
            name: format!("{prefix}{}", key.name),
            config_type: key.config_type.name(),
            required: key.is_required(),
            default_value,
            importance: key.importance.name(),
            documentation: key.documentation.clone(),
            group: key.group.clone(),
            order: key.order_in_group,
            width: key.width.name(),
            display_name: key.display_name.clone(),
            dependents: key.dependents.clone(),
        }
    }
}

impl From<&ConfigKey> for ConfigKeyInfo {
    fn from(key: &ConfigKey) -> Self {
        Self::prefixed("", key)
    }
}

impl From<ConfigValue> for ConfigValueInfo {
    fn from(value: ConfigValue) -> Self {
        Self {
            name: value.name,
            value: value.value,
            recommended_values: value.recommended_values,
            errors: value.error_messages,
            visible: value.visible,
        }
    }
}
