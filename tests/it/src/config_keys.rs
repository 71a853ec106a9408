//! Invariant 6: the keys of every built-in plugin are those that Kafka Connect 4.3.0 and Debezium 3.6.3 list, in their order.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_api::config::{ConfigDef, ConfigKey, ParsedValue};

/// A key as REST shows it; documentation is prose, which may be our own.
fn listed(key: &ConfigKey) -> Value {
    let default = key.default.as_ref().filter(|value| **value != ParsedValue::Null).map(ToString::to_string);
    json!({
        "name": key.name,
        "type": key.config_type.name(),
        "required": key.is_required(),
        "default_value": default,
        "importance": key.importance.name(),
        "documentation": "<prose>",
        "group": key.group,
        "order_in_group": key.order_in_group,
        "width": key.width.name(),
        "display_name": key.display_name,
        "dependents": key.dependents,
    })
}

fn keys(definition: &ConfigDef) -> Vec<Value> {
    definition.keys().map(listed).collect()
}

/// A golden file below the repository's folder.
fn golden(path: &str) -> Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let text = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

/// The classes (as the request names them) and keys of a golden file of `GET /connector-plugins/CLASS/config`.
fn answered(path: &str) -> Result<Vec<(String, Vec<Value>)>> {
    let golden = golden(path)?;
    let steps = golden["steps"].as_array().context("steps")?;
    steps
        .iter()
        .map(|step| {
            let class = step["request"].as_str().and_then(|request| request.split('/').nth(2)).context("a class")?;
            Ok((class.to_owned(), step["json"].as_array().cloned().unwrap_or_default()))
        })
        .collect()
}

#[test]
fn keys_of_the_file_connectors_come_first() -> Result<()> {
    let mut compared = 0;
    for (class, theirs) in answered("tests/golden/rest/P2.json")? {
        let plugins = sluice_connector_file::plugins();
        let Some(plugin) = plugins.iter().find(|plugin| plugin.class().contains(&class)) else { continue };
        let ours = keys(&plugin.config_def());
        // The keys of every connector follow; they are the worker's.
        assert_eq!(ours, theirs[..ours.len()], "{class}");
        compared += 1;
    }
    ensure!(compared > 0, "nothing was compared");
    Ok(())
}

#[test]
fn keys_of_converters_are_kafka_connects() -> Result<()> {
    let mut compared = 0;
    for (class, theirs) in answered("tests/golden/rest/P3.json")? {
        let plugins = sluice_converters::plugins();
        let Some(plugin) = plugins.iter().find(|plugin| plugin.class().ends_with(&class)) else { continue };
        assert_eq!(keys(&plugin.config_def()), theirs, "{class}");
        compared += 1;
    }
    ensure!(compared > 0, "nothing was compared");
    Ok(())
}

#[test]
fn keys_of_transforms_and_predicates_are_kafka_connects_and_debeziums() -> Result<()> {
    let golden = golden("runtime/transforms/golden/config_keys.json")?;
    let transformations = sluice_transforms::transformations();
    let predicates = sluice_transforms::predicates();
    let ours: Vec<(&'static str, ConfigDef)> = transformations
        .iter()
        .map(|plugin| (plugin.class(), plugin.config_def()))
        .chain(predicates.iter().map(|plugin| (plugin.class(), plugin.config_def())))
        .collect();
    assert_eq!(ours.len(), golden.as_object().context("an object")?.len());
    for (class, definition) in ours {
        assert_eq!(Value::from(keys(&definition)), golden[class], "{class}");
    }
    Ok(())
}
