//! The configuration of a sink (connect-worker.md 4.5).

use sluice_api::config::{ConfigType, ParsedValue, parse_value};
use sluice_api::{ConnectError, ConnectorKind, Properties};
use sluice_plugins::Registry;

use super::ConnectorConfig;
use super::parsed::full_config_def;
use crate::config::validation::sink_topic_errors;

/// Which topics a sink reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicSelection {
    /// `topics`.
    List(Vec<String>),
    /// `topics.regex`, which must match a topic's whole name.
    Regex(String),
}

/// `errors.deadletterqueue.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterQueueConfig {
    /// The topic.
    pub topic: String,
    /// Its replicas when it is created.
    pub replication_factor: i16,
    /// Whether headers say what was wrong.
    pub context_headers: bool,
}

/// A sink's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkConnectorConfig {
    /// What all connectors have.
    pub connector: ConnectorConfig,
    /// What it reads.
    pub topics: TopicSelection,
    /// Where bad records go.
    pub dead_letter_queue: Option<DeadLetterQueueConfig>,
}

impl SinkConnectorConfig {
    /// Parses a sink's properties, variables already replaced.
    ///
    /// # Errors
    /// `Config` with everything that is wrong.
    pub fn parse(registry: &Registry, properties: &Properties) -> Result<Self, ConnectError> {
        let config = full_config_def(ConnectorKind::Sink, registry, properties).parse(properties)?;
        if let Some((key, message)) = sink_topic_errors(properties).into_iter().next() {
            let value = properties.get(key).cloned().map_or(ParsedValue::Null, ParsedValue::String);
            return Err(ConnectError::config(sluice_api::config::invalid(key, &value, &message)));
        }
        let listed = topics_list(properties);
        let topics = if listed.is_empty() {
            TopicSelection::Regex(config.string("topics.regex").to_owned())
        } else {
            TopicSelection::List(listed)
        };
        let topic = config.string("errors.deadletterqueue.topic.name");
        let dead_letter_queue = (!topic.is_empty()).then(|| DeadLetterQueueConfig {
            topic: topic.to_owned(),
            replication_factor: config.short("errors.deadletterqueue.topic.replication.factor"),
            context_headers: config.boolean("errors.deadletterqueue.context.headers.enable"),
        });
        Ok(Self { connector: ConnectorConfig::from_parsed(&config, properties)?, topics, dead_letter_queue })
    }
}

/// The topics under `topics`: empty items dropped, each once, in order.
pub fn topics_list(properties: &Properties) -> Vec<String> {
    let text = properties.get("topics").map_or("", String::as_str);
    let Ok(ParsedValue::List(items)) = parse_value("topics", text, ConfigType::List) else { return Vec::new() };
    let mut topics: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        if !item.is_empty() && !topics.contains(&item) {
            topics.push(item);
        }
    }
    topics
}
