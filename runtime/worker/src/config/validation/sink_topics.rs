//! Which topics a sink may read, and under which group.

use sluice_api::Properties;
use sluice_api::config::ConfigValue;
use sluice_api::java_regex::JavaRegex;

use crate::config::connector::topics_list;
use crate::config::worker::WorkerConfig;

/// What is wrong with `topics`, `topics.regex` and the dead letter queue together, as (key, message).
pub(in crate::config) fn sink_topic_errors(properties: &Properties) -> Vec<(&'static str, String)> {
    let given = |key: &str| properties.get(key).map(|text| text.trim()).filter(|text| !text.is_empty());
    let (topics, regex) = (given("topics"), given("topics.regex"));
    let mut errors = Vec::new();
    let on_both = match (topics, regex) {
        (Some(_), Some(_)) => Some("topics and topics.regex are mutually exclusive options, but both are set."),
        (None, None) => Some("Must configure one of topics or topics.regex"),
        _ => None,
    };
    if let Some(message) = on_both {
        errors.extend(["topics", "topics.regex"].map(|key| (key, message.to_owned())));
    }
    let Some(dlq) = given("errors.deadletterqueue.topic.name") else { return errors };
    let listed = topics_list(properties);
    if listed.iter().any(|topic| topic == dlq) {
        errors.push(("topics", format!(
            "The DLQ topic '{dlq}' may not be included in the list of topics ('topics=[{}]') consumed by the connector",
            listed.join(", ")
        )));
    }
    let matches = |pattern: &str| JavaRegex::new(pattern).and_then(|regex| regex.matches(dlq)).unwrap_or(false);
    if let Some(pattern) = regex.filter(|pattern| matches(pattern)) {
        errors.push(("topics.regex", format!(
            "The DLQ topic '{dlq}' may not be matched by the regex for the topics ('topics.regex={pattern}') consumed by the \
             connector"
        )));
    }
    errors
}

pub(super) fn validate(worker: &WorkerConfig, properties: &Properties, values: &mut Vec<ConfigValue>) {
    for (key, message) in sink_topic_errors(properties) {
        add_error(values, key, message);
    }
    if let Some(worker_group) = &worker.group_id {
        group_conflict(worker_group, properties, values);
    }
}

/// A sink that joined the workers' own group would break both.
fn group_conflict(worker_group: &str, properties: &Properties, values: &mut Vec<ConfigValue>) {
    if let Some(own) = properties.get("consumer.override.group.id") {
        if own == worker_group {
            let message = format!("Consumer group {own} conflicts with Connect worker group {worker_group}");
            add_error(values, "consumer.override.group.id", message);
        }
        return;
    }
    let Some(name) = properties.get("name") else { return };
    if format!("connect-{name}") == worker_group {
        let message = format!(
            "Consumer group for sink connector named {name} conflicts with Connect worker group {worker_group}"
        );
        add_error(values, "name", message);
    }
}

pub(super) fn add_error(values: &mut Vec<ConfigValue>, key: &str, message: String) {
    match values.iter_mut().find(|value| value.name == key) {
        Some(value) => value.error_messages.push(message),
        None => {
            let mut value = ConfigValue::new(key, None);
            value.error_messages.push(message);
            values.push(value);
        }
    }
}
