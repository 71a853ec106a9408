//! The configuration of a worker (connect-worker.md 4.1 to 4.3).

mod classes;
mod definition;
mod distributed;
mod rest;
mod standalone;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ParsedConfig};

pub use definition::DEFAULT_MEMORY_BUDGET_BYTES;
pub use distributed::{ConnectProtocol, DistributedConfig, ExactlyOnceSourceSupport, InterWorkerKeys, StorageTopic};
pub use rest::{Listener, ResponseHeaderRule, RestConfig, RestTls, Scheme};
pub use standalone::StandaloneConfig;

use crate::config::Problem;
use crate::config::client::OverridePolicy;
use crate::config::providers::ConfigTransformer;

/// What standalone and distributed workers have in common, parsed once at the start.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// Every property as it was given, variables replaced; clients get the unknown ones as well.
    pub originals: Properties,
    /// `bootstrap.servers`.
    pub bootstrap_servers: Vec<String>,
    /// `key.converter`.
    pub key_converter: String,
    /// `value.converter`.
    pub value_converter: String,
    /// `header.converter`.
    pub header_converter: String,
    /// `task.shutdown.graceful.timeout.ms`, for all tasks that are stopped together.
    pub task_shutdown_graceful_timeout: Duration,
    /// `offset.flush.interval.ms`.
    pub offset_flush_interval: Duration,
    /// `offset.flush.timeout.ms`.
    pub offset_flush_timeout: Duration,
    /// `plugin.path`.
    pub plugin_path: Vec<String>,
    /// `connector.client.config.override.policy`.
    pub override_policy: OverridePolicy,
    /// `topic.creation.enable`.
    pub topic_creation_enable: bool,
    /// `topic.tracking.enable`.
    pub topic_tracking_enable: bool,
    /// `topic.tracking.allow.reset`.
    pub topic_tracking_allow_reset: bool,
    /// Listeners and what else the REST server needs.
    pub rest: RestConfig,
    /// `sluice.memory.budget`.
    pub memory_budget_bytes: u64,
    /// `sluice.producer.idle.ms`; `None` keeps producers for ever.
    pub producer_idle: Option<Duration>,
    /// `group.id` of a distributed worker.
    pub group_id: Option<String>,
    /// Whether `exactly.once.source.support` is `enabled`.
    pub exactly_once_source_enabled: bool,
    /// `offset.storage.*` of a distributed worker.
    pub offsets_topic: Option<StorageTopic>,
    /// `config.providers`, which resolve the variables in connector configs.
    pub providers: Arc<ConfigTransformer>,
}

impl WorkerConfig {
    /// The common part of `config`, which was parsed from `originals`. `problems` gets what is wrong beyond single keys;
    /// the result counts only when it stays empty.
    fn from_parsed(config: &ParsedConfig, originals: &Properties, mut problems: Vec<Problem>) -> (Self, Vec<Problem>) {
        let def = definition::worker_config_def();
        let policy = config.string("connector.client.config.override.policy");
        let override_policy = OverridePolicy::parse(policy, config.list("connector.client.config.override.allowlist"))
            .unwrap_or_else(|message| {
                problems.push(Problem::new(&def, originals, "connector.client.config.override.policy", message));
                OverridePolicy::All
            });
        let providers = ConfigTransformer::new(originals).unwrap_or_else(|error| {
            problems.push(Problem::new(&def, originals, "config.providers", error.message()));
            ConfigTransformer::default()
        });
        let worker = Self {
            originals: originals.clone(),
            bootstrap_servers: config.list("bootstrap.servers").to_vec(),
            key_converter: config.string("key.converter").to_owned(),
            value_converter: config.string("value.converter").to_owned(),
            header_converter: config.string("header.converter").to_owned(),
            task_shutdown_graceful_timeout: duration(config, "task.shutdown.graceful.timeout.ms"),
            offset_flush_interval: duration(config, "offset.flush.interval.ms"),
            offset_flush_timeout: duration(config, "offset.flush.timeout.ms"),
            plugin_path: config.list("plugin.path").to_vec(),
            override_policy,
            topic_creation_enable: config.boolean("topic.creation.enable"),
            topic_tracking_enable: config.boolean("topic.tracking.enable"),
            topic_tracking_allow_reset: config.boolean("topic.tracking.allow.reset"),
            rest: RestConfig::from_parsed(config, originals, &def, &mut problems),
            memory_budget_bytes: config.long("sluice.memory.budget").unsigned_abs(),
            producer_idle: Some(duration(config, "sluice.producer.idle.ms")).filter(|idle| !idle.is_zero()),
            group_id: None,
            exactly_once_source_enabled: false,
            offsets_topic: None,
            providers: Arc::new(providers),
        };
        (worker, problems)
    }

    /// Properties with `prefix`, the prefix cut off.
    pub fn originals_with_prefix(&self, prefix: &str) -> Properties {
        with_prefix(&self.originals, prefix)
    }

    /// Whether connectors may name an offsets topic of their own: distributed workers only.
    pub fn connector_offsets_topics_permitted(&self) -> bool {
        self.group_id.is_some()
    }
}

/// Properties with `prefix`, the prefix cut off.
pub fn with_prefix(properties: &Properties, prefix: &str) -> Properties {
    let own = |(name, value): (&String, &String)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone()));
    properties.iter().filter_map(own).filter(|(name, _)| !name.is_empty()).collect()
}

/// A time-out; negative ones are taken as none at all.
fn duration(config: &ParsedConfig, name: &str) -> Duration {
    Duration::from_millis(config.long(name).try_into().unwrap_or(0))
}

/// As [`duration`], for keys of type INT.
fn int_duration(config: &ParsedConfig, name: &str) -> Duration {
    Duration::from_millis(config.int(name).try_into().unwrap_or(0))
}

/// Parses every key and says what is wrong with each, listeners included.
fn parse_all(def: &ConfigDef, properties: &Properties) -> (Option<ParsedConfig>, Vec<Problem>) {
    if let Ok(config) = def.parse(properties) {
        return (Some(config), Vec::new());
    }
    let problems = def.validate(properties).into_iter().flat_map(|value| {
        // A parse failure has a second message about `null`, which says nothing more.
        value.error_messages.into_iter().take(1).map(move |message| (value.name.clone(), message))
    });
    let mut problems: Vec<Problem> =
        problems.map(|(key, message)| Problem::new(def, properties, &key, message)).collect();
    let mut listeners = rest::listener_problems(def, properties);
    listeners.retain(|problem| problems.iter().all(|known| known.key != problem.key));
    problems.append(&mut listeners);
    (None, problems)
}

#[cfg(test)]
mod tests;
