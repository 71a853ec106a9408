//! What the framework's keys of a connector take from the plugins and from the worker: default versions and converters, class
//! checks, and what a form may offer.

use std::sync::Arc;

use sluice_api::Properties;
use sluice_api::config::{ConfigKey, ParsedValue, Recommender, Validator, invalid};
use sluice_plugins::{PluginType, Registry};

use crate::config::worker::WorkerConfig;

/// Defaults, checks and recommendations; the default is none of them.
#[derive(Clone, Default)]
pub(in crate::config) struct Enrichment {
    connector_version: Option<String>,
    connector_recommended: Option<Recommended>,
    pub(super) key: ConverterEnrichment,
    pub(super) value: ConverterEnrichment,
    pub(super) header: ConverterEnrichment,
}

/// The part for one converter.
#[derive(Clone, Default)]
pub(super) struct ConverterEnrichment {
    default_class: Option<String>,
    default_version: Option<String>,
    validator: Option<Validator>,
    classes: Option<Recommended>,
    versions: Option<Recommended>,
}

impl Enrichment {
    /// For `GET /connector-plugins/{class}/config`: the connector's version alone.
    pub(in crate::config) fn of_class(version: &str) -> Self {
        Self { connector_version: Some(version.to_owned()), ..Self::default() }
    }

    /// For a connector with these properties, whose class has `version`, on a worker.
    pub(in crate::config) fn of_connector(
        registry: &Registry,
        worker: &WorkerConfig,
        properties: &Properties,
        version: &str,
    ) -> Self {
        let converter = |key: &str, worker_class: &str, plugin_type| {
            ConverterEnrichment::new(registry, properties.get(key).map(String::as_str), worker_class, plugin_type)
        };
        Self {
            connector_version: Some(version.to_owned()),
            connector_recommended: Some(Recommended::visible(vec![version.to_owned()])),
            key: converter("key.converter", &worker.key_converter, PluginType::Converter),
            value: converter("value.converter", &worker.value_converter, PluginType::Converter),
            header: converter("header.converter", &worker.header_converter, PluginType::HeaderConverter),
        }
    }

    /// For a connector of a known class in a version that does not exist: converters stay out of it.
    pub(in crate::config) fn of_missing_version(version: &str) -> Self {
        let hidden = || ConverterEnrichment { versions: Some(Recommended::hidden()), ..ConverterEnrichment::default() };
        Self {
            connector_version: Some(version.to_owned()),
            connector_recommended: Some(Recommended::visible(vec![version.to_owned()])),
            key: hidden(),
            value: hidden(),
            header: hidden(),
        }
    }

    pub(super) fn connector_version(&self, key: ConfigKey) -> ConfigKey {
        recommending(defaulting(key, self.connector_version.as_deref()), self.connector_recommended.as_ref())
    }
}

impl ConverterEnrichment {
    fn new(registry: &Registry, own: Option<&str>, worker_class: &str, plugin_type: PluginType) -> Self {
        let default_class = resolve(registry, worker_class, plugin_type);
        let used = own.map(|class| resolve(registry, class.trim(), plugin_type));
        let used = used.as_deref().unwrap_or(&default_class);
        let all = registry.plugins(plugin_type);
        let versions: Vec<String> = all.iter().filter(|d| d.class == used).map(|desc| desc.version.clone()).collect();
        Self {
            default_version: versions.first().cloned(),
            validator: Some(class_validator(registry, plugin_type, Some(used))),
            classes: Some(Recommended::visible(all.into_iter().map(|desc| desc.class).collect())),
            versions: Some(Recommended { values: versions, visible: registry.find(used).is_some() }),
            default_class: Some(default_class),
        }
    }

    pub(super) fn class(&self, key: ConfigKey) -> ConfigKey {
        let key = recommending(defaulting(key, self.default_class.as_deref()), self.classes.as_ref());
        match &self.validator {
            Some(validator) => key.validator(validator.clone()),
            None => key,
        }
    }

    pub(super) fn version(&self, key: ConfigKey) -> ConfigKey {
        recommending(defaulting(key, self.default_version.as_deref()), self.versions.as_ref())
    }
}

fn defaulting(key: ConfigKey, default: Option<&str>) -> ConfigKey {
    match default {
        Some(text) => key.default(ParsedValue::String(text.to_owned())),
        None => key,
    }
}

fn recommending(key: ConfigKey, recommended: Option<&Recommended>) -> ConfigKey {
    match recommended {
        Some(recommended) => key.recommender(Arc::new(recommended.clone())),
        None => key,
    }
}

/// Values that were decided when the definition was made.
#[derive(Clone)]
pub(super) struct Recommended {
    values: Vec<String>,
    visible: bool,
}

impl Recommended {
    pub(super) fn visible(values: Vec<String>) -> Self {
        Self { values, visible: true }
    }

    fn hidden() -> Self {
        Self { values: Vec::new(), visible: false }
    }
}

impl Recommender for Recommended {
    fn valid_values(&self, _name: &str, _config: &Properties) -> Vec<String> {
        self.values.clone()
    }

    fn visible(&self, _name: &str, _config: &Properties) -> bool {
        self.visible
    }
}

/// The Java class name of `name`; `name` itself when no plugin of that type has it.
pub(in crate::config) fn resolve(registry: &Registry, name: &str, plugin_type: PluginType) -> String {
    let class = match plugin_type {
        PluginType::Converter => registry.converter(name).map(|plugin| plugin.class()),
        PluginType::HeaderConverter => registry.header_converter(name).map(|plugin| plugin.class()),
        PluginType::Transformation => registry.transformation(name).map(|plugin| plugin.class()),
        PluginType::Predicate => registry.predicate(name).map(|plugin| plugin.class()),
        PluginType::Sink | PluginType::Source => registry.connector(name).ok().map(|plugin| plugin.class()),
    };
    class.unwrap_or(name).to_owned()
}

/// Judges `class`, the value that a key of a class of that type has; no value is right.
pub(super) fn class_validator(registry: &Registry, plugin_type: PluginType, class: Option<&str>) -> Validator {
    let interface = match plugin_type {
        PluginType::Converter => "Converter",
        PluginType::HeaderConverter => "HeaderConverter",
        PluginType::Transformation => "Transformation",
        PluginType::Predicate => "Predicate",
        PluginType::Sink | PluginType::Source => "Connector",
    };
    let resolved = class.map(|class| resolve(registry, class, plugin_type));
    let is_known = resolved.is_none_or(|class| registry.plugins(plugin_type).iter().any(|desc| desc.class == class));
    let other = class.and_then(|class| registry.find(class)).map(|plugin| plugin.class());
    Validator::new(format!("A concrete subclass of {interface}"), move |name, value| match (value, other) {
        (ParsedValue::String(_), _) if is_known => Ok(()),
        (ParsedValue::String(_), Some(other)) => {
            Err(format!("Class class {other} does not implement the {interface} interface"))
        }
        (ParsedValue::String(class), None) => Err(invalid(name, value, &class_not_found(class))),
        _ => Ok(()),
    })
}

/// The detail of the message about a class that nobody knows.
pub(in crate::config) fn class_not_found(class: &str) -> String {
    format!("Class {class} could not be found.")
}
