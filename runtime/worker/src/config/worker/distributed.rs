//! A distributed worker (connect-worker.md 4.3).

mod definition;

use std::sync::Arc;
use std::time::Duration;

use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ParsedConfig};

use super::{WorkerConfig, duration, int_duration, parse_all, with_prefix};
use crate::config::Problem;

/// `connect.protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectProtocol {
    /// Version 0.
    Eager,
    /// Versions 0 and 1.
    Compatible,
    /// Versions 0, 1 and 2.
    Sessioned,
}

/// `exactly.once.source.support`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExactlyOnceSourceSupport {
    /// At least once.
    Disabled,
    /// The leader writes the config topic in transactions.
    Preparing,
    /// Sources too.
    Enabled,
}

/// An internal topic as it would be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageTopic {
    /// The name.
    pub name: String,
    /// The number of partitions, -1 for the broker's choice.
    pub partitions: i32,
    /// The number of replicas, -1 for the broker's choice.
    pub replication_factor: i16,
    /// Further topic settings.
    pub settings: Properties,
}

/// `inter.worker.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterWorkerKeys {
    /// How session keys are made.
    pub key_generation_algorithm: String,
    /// Their size in bits, `None` for the algorithm's own.
    pub key_size: Option<i32>,
    /// How long they are used.
    pub key_ttl: Duration,
    /// How requests are signed.
    pub signature_algorithm: String,
    /// Which signatures are accepted.
    pub verification_algorithms: Vec<String>,
}

/// What a distributed worker runs with.
#[derive(Clone, Debug)]
pub struct DistributedConfig {
    /// What all workers have.
    pub worker: Arc<WorkerConfig>,
    /// `group.id`.
    pub group_id: String,
    /// `client.id`, empty for the default.
    pub client_id: String,
    /// `session.timeout.ms`.
    pub session_timeout: Duration,
    /// `rebalance.timeout.ms`.
    pub rebalance_timeout: Duration,
    /// `heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
    /// `exactly.once.source.support`.
    pub exactly_once_source_support: ExactlyOnceSourceSupport,
    /// `connect.protocol`.
    pub connect_protocol: ConnectProtocol,
    /// `scheduled.rebalance.max.delay.ms`.
    pub scheduled_rebalance_max_delay: Duration,
    /// `worker.sync.timeout.ms`.
    pub worker_sync_timeout: Duration,
    /// `worker.unsync.backoff.ms`.
    pub worker_unsync_backoff: Duration,
    /// `config.storage.*`; always one partition.
    pub config_topic: StorageTopic,
    /// `offset.storage.*`.
    pub offset_topic: StorageTopic,
    /// `status.storage.*`.
    pub status_topic: StorageTopic,
    /// `inter.worker.*`.
    pub inter_worker: InterWorkerKeys,
    /// `request.timeout.ms`.
    pub request_timeout: Duration,
    /// `retry.backoff.ms`.
    pub retry_backoff: Duration,
}

impl DistributedConfig {
    /// Every key of a distributed worker.
    pub fn config_def() -> ConfigDef {
        super::definition::worker_config_def().extend(&definition::config_def())
    }

    /// Parses a worker's properties, variables already replaced.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(properties: &Properties) -> Result<Self, Vec<Problem>> {
        let def = Self::config_def();
        let (config, problems) = parse_all(&def, properties);
        let Some(config) = config else { return Err(problems) };
        let (mut worker, mut problems) = WorkerConfig::from_parsed(&config, properties, problems);
        let inter_worker = InterWorkerKeys::from_parsed(&config);
        if !inter_worker.verification_algorithms.contains(&inter_worker.signature_algorithm) {
            let key = "inter.worker.signature.algorithm";
            let message = format!(
                "Invalid value {} for configuration {key}: Signature algorithm must be present in \
                 inter.worker.verification.algorithms list",
                inter_worker.signature_algorithm
            );
            problems.push(Problem::new(&def, properties, key, message));
        }
        // As the JDK's key generators have it; a shorter key would sign nothing worth signing.
        if let Some(bits) = inter_worker.key_size.filter(|bits| *bits < 40) {
            let key = "inter.worker.key.size";
            let message = format!("Invalid value {bits} for configuration {key}: Key length must be at least 40 bits");
            problems.push(Problem::new(&def, properties, key, message));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let exactly_once_source_support = exactly_once(config.string("exactly.once.source.support"));
        worker.group_id = Some(config.string("group.id").to_owned());
        worker.exactly_once_source_enabled = exactly_once_source_support == ExactlyOnceSourceSupport::Enabled;
        let offset_topic = StorageTopic::from_parsed(&config, properties, "offset", None);
        worker.offsets_topic = Some(offset_topic.clone());
        Ok(Self {
            worker: Arc::new(worker),
            group_id: config.string("group.id").to_owned(),
            client_id: config.string("client.id").to_owned(),
            session_timeout: int_duration(&config, "session.timeout.ms"),
            rebalance_timeout: int_duration(&config, "rebalance.timeout.ms"),
            heartbeat_interval: int_duration(&config, "heartbeat.interval.ms"),
            exactly_once_source_support,
            connect_protocol: protocol(config.string("connect.protocol")),
            scheduled_rebalance_max_delay: int_duration(&config, "scheduled.rebalance.max.delay.ms"),
            worker_sync_timeout: int_duration(&config, "worker.sync.timeout.ms"),
            worker_unsync_backoff: int_duration(&config, "worker.unsync.backoff.ms"),
            config_topic: StorageTopic::from_parsed(&config, properties, "config", Some(1)),
            offset_topic,
            status_topic: StorageTopic::from_parsed(&config, properties, "status", None),
            inter_worker,
            request_timeout: int_duration(&config, "request.timeout.ms"),
            retry_backoff: duration(&config, "retry.backoff.ms"),
        })
    }
}

impl StorageTopic {
    fn from_parsed(config: &ParsedConfig, properties: &Properties, kind: &str, partitions: Option<i32>) -> Self {
        let prefix = format!("{kind}.storage.");
        let mut settings = with_prefix(properties, &prefix);
        // `cleanup.policy` is not the user's to set: the topics are read as compacted.
        settings.retain(|name, _| {
            !matches!(name.as_str(), "topic" | "partitions" | "replication.factor" | "cleanup.policy")
        });
        Self {
            name: config.string(&format!("{prefix}topic")).to_owned(),
            partitions: partitions.unwrap_or_else(|| config.int(&format!("{prefix}partitions"))),
            replication_factor: config.short(&format!("{prefix}replication.factor")),
            settings,
        }
    }
}

impl InterWorkerKeys {
    fn from_parsed(config: &ParsedConfig) -> Self {
        Self {
            key_generation_algorithm: config.string("inter.worker.key.generation.algorithm").to_owned(),
            key_size: config.opt_int("inter.worker.key.size"),
            key_ttl: int_duration(config, "inter.worker.key.ttl.ms"),
            signature_algorithm: config.string("inter.worker.signature.algorithm").to_owned(),
            verification_algorithms: config.list("inter.worker.verification.algorithms").to_vec(),
        }
    }
}

fn protocol(text: &str) -> ConnectProtocol {
    match text.to_ascii_lowercase().as_str() {
        "eager" => ConnectProtocol::Eager,
        "compatible" => ConnectProtocol::Compatible,
        _ => ConnectProtocol::Sessioned,
    }
}

fn exactly_once(text: &str) -> ExactlyOnceSourceSupport {
    match text.to_ascii_lowercase().as_str() {
        "enabled" => ExactlyOnceSourceSupport::Enabled,
        "preparing" => ExactlyOnceSourceSupport::Preparing,
        _ => ExactlyOnceSourceSupport::Disabled,
    }
}
