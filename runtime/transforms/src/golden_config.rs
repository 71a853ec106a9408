//! Invariant 6: every class's keys are those that Kafka Connect 4.3.0 and Debezium 3.6.3 list (`golden/config_keys.json`).

use serde_json::{Value, json};
use sluice_api::config::{ConfigDef, ConfigKey, ParsedValue};

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
fn keys_are_those_of_kafka_connect_and_debezium() {
    let golden: Value = serde_json::from_str(include_str!("../golden/config_keys.json")).unwrap();
    let golden = golden.as_object().unwrap();
    let ours: Vec<(&'static str, ConfigDef)> = super::transformations()
        .iter()
        .map(|plugin| (plugin.class(), plugin.config_def()))
        .chain(super::predicates().iter().map(|plugin| (plugin.class(), plugin.config_def())))
        .collect();
    assert_eq!(ours.len(), golden.len());
    for (class, definition) in ours {
        let keys: Vec<_> = definition.keys().map(listed).collect();
        assert_eq!(Value::from(keys), golden[class], "{class}");
    }
}
