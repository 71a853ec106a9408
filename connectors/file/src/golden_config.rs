//! Invariant 6: the keys of both connectors are those that Kafka Connect 4.3.0 lists first (`tests/golden/rest/P2.json`).

use std::path::Path;

use serde_json::{Value, json};
use sluice_api::config::{ConfigKey, ParsedValue};

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

#[test]
fn keys_are_those_of_kafka_connect() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/rest/P2.json");
    let golden: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut compared = 0;
    for step in golden["steps"].as_array().unwrap() {
        let request = step["request"].as_str().unwrap();
        let class = request.split('/').nth(2).unwrap();
        let plugins = super::plugins();
        let Some(plugin) = plugins.iter().find(|plugin| plugin.class().contains(class)) else { continue };
        let ours: Vec<_> = plugin.config_def().keys().map(listed).collect();
        // The keys of every connector follow; they are the worker's.
        let theirs = &step["json"].as_array().unwrap()[..ours.len()];
        assert_eq!(ours, theirs, "{class}");
        compared += 1;
    }
    assert!(compared > 0);
}
