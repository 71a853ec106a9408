//! The keys of the converters that a connector names.

use sluice_api::config::ConfigValue;
use sluice_api::data::java_hash_order;
use sluice_api::{ConverterPlugin, Properties, Value};
use sluice_plugins::Registry;

use super::ConfigInfos;
use super::result::prefixed_result;
use crate::config::worker::with_prefix;

/// Header, key, then value converter; the worker's own are not looked at.
pub(super) fn validate(registry: &Registry, properties: &Properties, values: &[ConfigValue]) -> ConfigInfos {
    let mut infos = ConfigInfos::default();
    for used_for in ["header", "key", "value"] {
        let key = format!("{used_for}.converter");
        let Some(class) = properties.get(&key).map(|class| class.trim()) else { continue };
        let plugin = match used_for {
            "header" => registry.header_converter(class),
            _ => registry.converter(class),
        };
        if let Some(plugin) = plugin.filter(|_| is_right(&key, values)) {
            infos.merge(converter_keys(plugin.as_ref(), &key, used_for, properties));
        }
    }
    infos
}

fn is_right(key: &str, values: &[ConfigValue]) -> bool {
    let version = format!("{key}.plugin.version");
    let mut own = values.iter().filter(|value| value.name == key || value.name == version);
    own.all(|value| value.error_messages.is_empty())
}

fn converter_keys(plugin: &dyn ConverterPlugin, key: &str, used_for: &str, properties: &Properties) -> ConfigInfos {
    let prefix = format!("{key}.");
    let mut own = with_prefix(properties, &prefix);
    own.entry("converter.type".to_owned()).or_insert_with(|| used_for.to_owned());
    let def = plugin.config_def();
    let mut values: Vec<(Value, ConfigValue)> =
        def.validate(&own).into_iter().map(|value| (Value::from(value.name.as_str()), value)).collect();
    // Kafka keeps these in a `HashMap`.
    java_hash_order(&mut values, |(name, _)| name);
    prefixed_result(&prefix, &def, values.into_iter().map(|(_, value)| value).collect())
}
