//! The keys of each transformation and predicate that a connector names (`transforms.<alias>.*`, `predicates.<alias>.*`).

use std::sync::Arc;

use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Validator, Width, parse_value};
use sluice_plugins::{PluginType, Registry};

use super::enrichment::{Recommended, class_validator, resolve};
use crate::config::key::{boolean, optional, required};

/// What is the same for all aliases of a kind.
struct Kind {
    list: &'static str,
    group: &'static str,
    interface: &'static str,
    noun: &'static str,
    plugin_type: PluginType,
}

const TRANSFORMS: Kind = Kind {
    list: "transforms",
    group: "Transforms",
    interface: "Transformation",
    noun: "transformation",
    plugin_type: PluginType::Transformation,
};

const PREDICATES: Kind = Kind {
    list: "predicates",
    group: "Predicates",
    interface: "Predicate",
    noun: "predicate",
    plugin_type: PluginType::Predicate,
};

/// Adds the keys of every alias in `properties` to `def`. The keys of a class that cannot be found are left out.
pub(in crate::config) fn add_alias_keys(def: &mut ConfigDef, registry: &Registry, properties: &Properties) {
    for kind in [TRANSFORMS, PREDICATES] {
        for alias in aliases(properties, kind.list) {
            add_keys(def, registry, properties, &kind, &alias);
        }
    }
}

/// The aliases under `key`, each once, in order.
pub(in crate::config) fn aliases(properties: &Properties, key: &str) -> Vec<String> {
    let text = properties.get(key).map_or("", String::as_str);
    let Ok(ParsedValue::List(items)) = parse_value(key, text, ConfigType::List) else { return Vec::new() };
    let mut unique: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    unique
}

fn add_keys(def: &mut ConfigDef, registry: &Registry, properties: &Properties, kind: &Kind, alias: &str) {
    let prefix = format!("{}.{alias}.", kind.list);
    let group = format!("{}: {alias}", kind.group);
    let class = properties.get(&format!("{prefix}type")).map(|class| resolve(registry, class.trim(), kind.plugin_type));
    let known = registry.plugins(kind.plugin_type);
    let versions: Vec<String> =
        known.iter().filter(|desc| Some(&desc.class) == class.as_ref()).map(|desc| desc.version.clone()).collect();
    let classes = known.into_iter().map(|desc| desc.class).collect();
    def.insert(
        required(
            &format!("{prefix}type"),
            ConfigType::Class,
            Importance::High,
            &format!("Class of the {} {alias}.", kind.noun),
        )
        .validator(type_validator(registry, properties, kind, &prefix))
        .recommender(Arc::new(Recommended::visible(classes)))
        .group(&group, 0, Width::Long, &format!("{} type for {alias}", kind.interface)),
    );
    let default_version = versions.first().cloned().map_or(ParsedValue::Null, ParsedValue::String);
    def.insert(
        required(&format!("{prefix}plugin.version"), ConfigType::String, Importance::High, "Version of that class.")
            .default(default_version)
            .recommender(Arc::new(Recommended::visible(versions)))
            .group(&group, 1, Width::Long, &format!("{} version for {alias}", kind.interface)),
    );
    if let Some(own) = class.and_then(|class| plugin_keys(registry, kind.plugin_type, &class)) {
        def.embed(&prefix, &group, 2, &own);
    }
}

fn plugin_keys(registry: &Registry, plugin_type: PluginType, class: &str) -> Option<ConfigDef> {
    if plugin_type == PluginType::Predicate {
        return Some(registry.predicate(class)?.config_def());
    }
    let own = registry.transformation(class)?.config_def();
    // The framework's two keys hide keys of the same name.
    let hidden = |key: &&ConfigKey| matches!(key.name.as_str(), "predicate" | "negate");
    let implicit = ConfigDef::new()
        .define(optional(
            "predicate",
            ConfigType::String,
            Importance::Medium,
            "Predicate that decides whether it applies.",
        ))
        .define(boolean("negate", false, Importance::Medium, "Whether it applies when the predicate does not hold."));
    Some(own.keys().filter(|key| !hidden(key)).fold(implicit, |def, key| def.define(key.clone())))
}

fn type_validator(registry: &Registry, properties: &Properties, kind: &Kind, prefix: &str) -> Validator {
    let (negate, predicate) = (format!("{prefix}negate"), format!("{prefix}predicate"));
    let is_dangling = kind.plugin_type == PluginType::Transformation
        && properties.contains_key(&negate)
        && !properties.contains_key(&predicate);
    let given = properties.get(&format!("{prefix}type")).map(|class| class.trim());
    let class = class_validator(registry, kind.plugin_type, given);
    let alias = prefix.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    Validator::new(format!("valid configs for {alias} {}", kind.noun), move |name, value| {
        if is_dangling {
            return Err(format!(
                "Config '{negate}' was provided but there is no config '{predicate}' defining a predicate to be negated."
            ));
        }
        class.check(name, value)
    })
}
