//! The keys of a plugin (`GET /connector-plugins/{name}/config`).

use sluice_plugins::{Plugin, Registry};

use super::ConfigKeyInfo;
use crate::config::connector::{Enrichment, framework_config_def};

/// The plugin's own keys, then, for connectors, the framework's keys that it does not define itself. `None` when nobody knows
/// the plugin.
pub fn plugin_config(registry: &Registry, name: &str) -> Option<Vec<ConfigKeyInfo>> {
    let plugin = registry.find(name)?;
    let own = plugin.config_def();
    let mut keys: Vec<ConfigKeyInfo> = own.keys().map(ConfigKeyInfo::from).collect();
    if let Plugin::Connector(connector) = &plugin {
        let framework = framework_config_def(connector.kind(), &Enrichment::of_class(connector.version()));
        keys.extend(framework.keys().filter(|key| own.get(&key.name).is_none()).map(ConfigKeyInfo::from));
    }
    Some(keys)
}
