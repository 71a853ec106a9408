//! Whether the classes that a worker names exist.

use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ParsedValue, invalid};
use sluice_plugins::{PluginType, Registry};

use super::WorkerConfig;
use crate::config::Problem;
use crate::config::connector::class_not_found;

impl WorkerConfig {
    /// What is wrong with the converter classes, given the plugins there are. `cli` asks once the registry is built; parsing
    /// cannot know.
    pub fn class_problems(&self, registry: &Registry, def: &ConfigDef) -> Vec<Problem> {
        let keys = [
            ("key.converter", &self.key_converter, PluginType::Converter),
            ("value.converter", &self.value_converter, PluginType::Converter),
            ("header.converter", &self.header_converter, PluginType::HeaderConverter),
        ];
        let unknown = keys.into_iter().filter(|(_, class, plugin_type)| match plugin_type {
            PluginType::HeaderConverter => registry.header_converter(class).is_none(),
            _ => registry.converter(class).is_none(),
        });
        unknown
            .map(|(key, class, plugin_type)| problem(registry, def, &self.originals, key, class, plugin_type))
            .collect()
    }
}

fn problem(
    registry: &Registry,
    def: &ConfigDef,
    originals: &Properties,
    key: &str,
    class: &str,
    plugin_type: PluginType,
) -> Problem {
    let message = invalid(key, &ParsedValue::String(class.to_owned()), &class_not_found(class));
    let known: Vec<String> = registry.plugins(plugin_type).into_iter().map(|desc| desc.class).collect();
    let mut problem = Problem::new(def, originals, key, message);
    problem.expected = Some(format!("one of {}", known.join(", ")));
    problem
}
