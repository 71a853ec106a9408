//! Putting definitions and values together.

use std::collections::HashMap;

use sluice_api::config::{ConfigDef, ConfigValue};

use super::{ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo};

/// The entries of `values`: first those without definition, then one per key of `def` in its order. Of several values with one
/// name the last counts.
pub(super) fn connector_result(name: &str, def: &ConfigDef, values: Vec<ConfigValue>) -> ConfigInfos {
    let mut by_name = HashMap::new();
    let mut configs = Vec::new();
    let mut error_count = 0;
    for value in values {
        if def.get(&value.name).is_some() {
            by_name.insert(value.name.clone(), value);
            continue;
        }
        error_count += value.error_messages.len();
        configs.push(ConfigInfo { definition: None, value: Some(value.into()) });
    }
    for key in def.keys() {
        let value = by_name.remove(&key.name);
        error_count += value.as_ref().map_or(0, |value| value.error_messages.len());
        configs.push(ConfigInfo { definition: Some(key.into()), value: value.map(ConfigValueInfo::from) });
    }
    ConfigInfos { name: name.to_owned(), error_count, groups: def.groups().to_vec(), configs }
}

/// The entries of `values`, named with `prefix`. Here the count is of entries with errors.
pub(super) fn prefixed_result(prefix: &str, def: &ConfigDef, values: Vec<ConfigValue>) -> ConfigInfos {
    let mut infos = ConfigInfos::default();
    for mut value in values {
        let key = def.get(&value.name);
        let group = key.and_then(|key| key.group.clone()).filter(|group| !infos.groups.contains(group));
        infos.groups.extend(group);
        infos.error_count += usize::from(!value.error_messages.is_empty());
        let definition = key.map(|key| ConfigKeyInfo::prefixed(prefix, key));
        value.name = format!("{prefix}{}", value.name);
        value.visible = true;
        infos.configs.push(ConfigInfo { definition, value: Some(value.into()) });
    }
    infos
}
