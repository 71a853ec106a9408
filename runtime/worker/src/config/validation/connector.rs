//! The steps of a validation.

use sluice_api::config::{ConfigDef, ConfigType, ConfigValue};
use sluice_api::data::java_hash_order;
use sluice_api::{ConnectError, ConnectorKind, ConnectorPlugin, ErrorKind, Properties, Value};
use sluice_plugins::{PluginType, Registry};

use super::result::connector_result;
use super::{ConfigInfos, converters, exactly_once, overrides, sink_topics};
use crate::config::connector::{
    Enrichment, add_alias_keys, class_not_found, framework_config_def, resolve, shared_config_def,
};
use crate::config::problem::is_secret;
use crate::config::worker::WorkerConfig;

/// Validates the properties of a connector, variables already replaced.
///
/// # Errors
/// `BadRequest` when there is no `connector.class` or nobody knows it; `Config` when a client override cannot be parsed.
/// Anything else that is wrong is in the answer.
pub fn validate_connector_config(
    registry: &Registry,
    worker: &WorkerConfig,
    properties: &Properties,
) -> Result<ConfigInfos, ConnectError> {
    validate_connector_config_with_nulls(registry, worker, properties, &[])
}

/// As [`validate_connector_config`], for properties in which the keys `nulls` were JSON nulls.
///
/// # Errors
/// As for [`validate_connector_config`].
pub fn validate_connector_config_with_nulls(
    registry: &Registry,
    worker: &WorkerConfig,
    properties: &Properties,
    nulls: &[String],
) -> Result<ConfigInfos, ConnectError> {
    let class = properties.get("connector.class").ok_or_else(|| no_connector_type(properties, nulls))?;
    let plugin = registry.connector(class).map_err(|error| bad_request(error.to_string()))?;
    if let Some(message) = version_mismatch(plugin.as_ref(), properties) {
        return Ok(missing_version(plugin.as_ref(), class, properties, nulls, &message));
    }
    let request = Request { registry, worker, properties, nulls };
    let (def, mut values) = request.framework_values(plugin.as_ref());
    request.add_null_errors(&mut values);
    let converters = converters::validate(registry, properties, &values);
    let overrides = overrides::validate(worker, plugin.kind(), properties)?;
    values.extend(request.own_values(plugin.as_ref()));
    let def = def.extend(&plugin.config_def());
    let mut infos = connector_result(class, &def, values);
    infos.merge(overrides);
    infos.merge(converters);
    Ok(infos)
}

struct Request<'a> {
    registry: &'a Registry,
    worker: &'a WorkerConfig,
    properties: &'a Properties,
    nulls: &'a [String],
}

impl Request<'_> {
    /// The framework's keys, those of the connector's aliases included, with the rules over several keys.
    fn framework_values(&self, plugin: &dyn ConnectorPlugin) -> (ConfigDef, Vec<ConfigValue>) {
        let enrichment = Enrichment::of_connector(self.registry, self.worker, self.properties, plugin.version());
        let mut def = framework_config_def(plugin.kind(), &enrichment);
        add_alias_keys(&mut def, self.registry, self.properties);
        let mut values = def.validate_with_nulls(self.properties, self.nulls);
        self.resolve_classes(&def, &mut values);
        match plugin.kind() {
            ConnectorKind::Sink => sink_topics::validate(self.worker, self.properties, &mut values),
            ConnectorKind::Source => exactly_once::validate(self.worker, plugin, self.properties, &mut values),
        }
        (def, values)
    }

    /// Class keys show the Java name of the class that an alias means, and nothing when the class does not exist.
    fn resolve_classes(&self, def: &ConfigDef, values: &mut [ConfigValue]) {
        let is_class = |name: &str| def.get(name).is_some_and(|key| key.config_type == ConfigType::Class);
        for value in values.iter_mut().filter(|value| is_class(&value.name)) {
            let Some(class) = value.value.take() else { continue };
            let unknown = class_not_found(&class);
            if !value.error_messages.iter().any(|message| message.ends_with(&unknown)) {
                let resolved = resolve(self.registry, &class, plugin_type(&value.name));
                let other = || self.registry.find(&class).map(|plugin| plugin.class().to_owned());
                value.value = Some(if resolved == class { other().unwrap_or(resolved) } else { resolved });
            }
        }
    }

    /// The connector's own keys; JSON nulls among them count as given.
    fn own_values(&self, plugin: &dyn ConnectorPlugin) -> Vec<ConfigValue> {
        let mut values = plugin.validate(self.properties);
        if !self.nulls.is_empty() {
            let with_nulls = plugin.config_def().validate_with_nulls(self.properties, self.nulls);
            for null in with_nulls.into_iter().filter(|value| self.nulls.contains(&value.name)) {
                if let Some(value) = values.iter_mut().find(|value| value.name == null.name) {
                    *value = null;
                }
            }
        }
        values
    }

    fn add_null_errors(&self, values: &mut Vec<ConfigValue>) {
        for null in self.nulls {
            let message = "Null value can not be supplied as the configuration value.".to_owned();
            match values.iter_mut().find(|value| value.name == *null) {
                Some(value) => value.error_messages.push(message),
                None if self.is_own(null) => {}
                None => values.push(error_value(null, message)),
            }
        }
    }

    /// Whether the connector itself defines the key; its own judgement of a null counts then.
    fn is_own(&self, key: &str) -> bool {
        let class = self.properties.get("connector.class").map_or("", String::as_str);
        self.registry.connector(class).is_ok_and(|plugin| plugin.config_def().get(key).is_some())
    }
}

fn error_value(name: &str, message: String) -> ConfigValue {
    let mut value = ConfigValue::new(name, None);
    value.error_messages.push(message);
    value
}

fn plugin_type(key: &str) -> PluginType {
    if key.starts_with("transforms.") {
        PluginType::Transformation
    } else if key.starts_with("predicates.") {
        PluginType::Predicate
    } else if key == "header.converter" {
        PluginType::HeaderConverter
    } else {
        PluginType::Converter
    }
}

/// `connector.plugin.version` asks for one version; ranges that include ours are not told apart from others.
fn version_mismatch(plugin: &dyn ConnectorPlugin, properties: &Properties) -> Option<String> {
    let wanted = properties.get("connector.plugin.version").map(|version| version.trim()).filter(|v| !v.is_empty())?;
    let is_range = wanted.contains(['[', '(', ',']);
    if is_range || wanted == plugin.version() || wanted == "latest" {
        return None;
    }
    Some(format!(
        "Plugin {} not found that matches the version range [{wanted},{wanted}], available versions: [{}]",
        plugin.class(),
        plugin.version()
    ))
}

fn missing_version(
    plugin: &dyn ConnectorPlugin,
    class: &str,
    properties: &Properties,
    nulls: &[String],
    message: &str,
) -> ConfigInfos {
    let def = shared_config_def(&Enrichment::of_missing_version(plugin.version()));
    let mut values = def.validate_with_nulls(properties, nulls);
    for value in
        values.iter_mut().filter(|value| matches!(&*value.name, "connector.class" | "connector.plugin.version"))
    {
        value.error_messages.push(message.to_owned());
    }
    connector_result(class, &def, values)
}

/// As Kafka's text, which shows the map in the order of a `HashMap`; secrets are masked (Invariant 9).
fn no_connector_type(properties: &Properties, nulls: &[String]) -> ConnectError {
    let nothing = ConfigDef::new();
    let shown = properties.iter().map(|(key, value)| {
        let value = if is_secret(&nothing, key) { "[hidden]" } else { value.as_str() };
        (Value::from(key.as_str()), format!("{key}={value}"))
    });
    let nulls = nulls.iter().map(|key| (Value::from(key.as_str()), format!("{key}=null")));
    let mut entries: Vec<(Value, String)> = shown.chain(nulls).collect();
    java_hash_order(&mut entries, |(key, _)| key);
    let entries: Vec<String> = entries.into_iter().map(|(_, entry)| entry).collect();
    bad_request(format!("Connector config {{{}}} contains no connector type", entries.join(", ")))
}

fn bad_request(message: String) -> ConnectError {
    ConnectError::new(ErrorKind::BadRequest, message)
}
