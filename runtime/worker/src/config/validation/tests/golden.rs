//! Reading `tests/golden/rest`.

use std::path::Path;

use serde_json::{Value, json};
use sluice_api::Properties;

use crate::config::validation::{ConfigInfos, ConfigKeyInfo};
use crate::config::worker::{DistributedConfig, WorkerConfig};

/// One recorded call.
pub(super) struct Step {
    pub(super) id: String,
    pub(super) request: String,
    pub(super) status: u64,
    body: Option<Value>,
    json: Value,
}

/// The calls of a probe.
pub(super) fn steps(probe: &str) -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/golden/rest/{probe}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).expect("golden files are JSON");
    let text_of = |step: &Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
    let step = |step: &Value| Step {
        id: text_of(step, "step"),
        request: text_of(step, "request"),
        status: step["status"].as_u64().unwrap_or_default(),
        body: serde_json::from_str(&text_of(step, "request_body")).ok(),
        json: step["json"].clone(),
    };
    file["steps"].as_array().expect("steps").iter().map(step).collect()
}

impl Step {
    pub(super) fn json(&self) -> &Value {
        &self.json
    }

    pub(super) fn message(&self) -> Option<&str> {
        self.json["message"].as_str()
    }

    pub(super) fn invalid_message(&self) -> Option<&str> {
        self.message().filter(|text| text.starts_with("Connector configuration is invalid"))
    }

    /// Whether the body is a whole configuration, not a patch.
    pub(super) fn is_create(&self) -> bool {
        self.request.starts_with("POST") || self.request.starts_with("PUT")
    }

    /// The configuration in the body as REST would hand it over: `name` added, scalars as text, nulls apart.
    pub(super) fn connector_properties(&self) -> (Properties, Vec<String>) {
        let body = self.body.as_ref().expect("a body");
        let config = if body["config"].is_object() { &body["config"] } else { body };
        let (mut properties, nulls) = flat(config);
        let name = body["name"].as_str().map(str::to_owned).or_else(|| {
            let path = self.request.strip_prefix("PUT /connectors/")?;
            path.strip_suffix("/config").map(str::to_owned)
        });
        if let Some(name) = name {
            properties.entry("name".to_owned()).or_insert(name);
        }
        (properties, nulls)
    }

    /// As [`Step::connector_properties`], where there is a body without a class and it alone is what was validated.
    pub(super) fn properties_without_class(&self) -> Option<(Properties, Vec<String>)> {
        self.body.as_ref().filter(|body| body.is_object() && self.is_create())?;
        let (properties, nulls) = self.connector_properties();
        (!properties.contains_key("connector.class")).then_some((properties, nulls))
    }
}

fn flat(config: &Value) -> (Properties, Vec<String>) {
    let (mut properties, mut nulls) = (Properties::new(), Vec::new());
    for (key, value) in config.as_object().expect("an object") {
        match value {
            Value::Null => nulls.push(key.clone()),
            Value::String(text) => drop(properties.insert(key.clone(), text.clone())),
            other => drop(properties.insert(key.clone(), other.to_string())),
        }
    }
    (properties, nulls)
}

/// The worker that the golden files come from.
pub(super) fn worker() -> WorkerConfig {
    worker_with(&[])
}

pub(super) fn worker_with(more: &[(&str, &str)]) -> WorkerConfig {
    let mut properties: Properties = [
        ("bootstrap.servers", "localhost:9092"),
        ("group.id", "connect-cluster"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    properties.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let config = DistributedConfig::parse(&properties).expect("no problem");
    config.worker.as_ref().clone()
}

/// The answer as REST writes it.
pub(super) fn infos_json(infos: &ConfigInfos) -> Value {
    let entries = infos.configs.iter().map(|info| {
        let value = info.value.as_ref().map(|value| {
            json!({
                "name": value.name, "value": value.value, "recommended_values": value.recommended_values,
                "errors": value.errors, "visible": value.visible,
            })
        });
        json!({"definition": info.definition.as_ref().map(key_json), "value": value})
    });
    json!({
        "name": infos.name, "error_count": infos.error_count, "groups": infos.groups,
        "configs": entries.collect::<Vec<_>>(),
    })
}

pub(super) fn keys_json(keys: &[ConfigKeyInfo]) -> Value {
    keys.iter().map(key_json).collect()
}

fn key_json(key: &ConfigKeyInfo) -> Value {
    json!({
        "name": key.name, "type": key.config_type, "required": key.required, "default_value": key.default_value,
        "importance": key.importance, "documentation": "<prose>", "group": key.group, "order_in_group": key.order,
        "width": key.width, "display_name": key.display_name, "dependents": key.dependents,
    })
}

/// Compares entry by entry, so that a failure names the key.
pub(super) fn assert_same(step: &str, ours: &Value, golden: &Value) {
    let entries = |value: &Value| value.get("configs").unwrap_or(value).as_array().cloned().unwrap_or_default();
    for (ours, golden) in entries(ours).iter().zip(&entries(golden)) {
        assert_eq!(ours, golden, "{step}");
    }
    assert_eq!(ours, golden, "{step}");
}
