//! What a distributed herder is made of.

use std::sync::Arc;
use std::time::Duration;

use sluice_kafka::Tenure;
use sluice_kafka::wire::GroupConfig;
use sluice_plugins::Registry;
use sluice_storage::{ConfigBackingStore, OffsetBackingStore, StatusBackingStore};
use sluice_worker::config::InterWorkerKeys;
use sluice_worker::config::WorkerConfig;
use sluice_worker::{StatusReporter, WorkerEvent};
use tokio::sync::mpsc;

use crate::loggers::Loggers;
use crate::{DataPlane, Peers, WallClock};

/// The parts that `cli` wires together.
pub struct DistributedOptions {
    /// Whether the leader writes in transactions: `exactly.once.source.support` is `preparing` or `enabled`.
    pub transactional_leader: bool,
    /// The common worker configuration.
    pub config: Arc<WorkerConfig>,
    /// `http://host:port/`, as other workers and the group see it.
    pub advertised_url: String,
    /// `connect.protocol`.
    pub connect_protocol: crate::group::ConnectProtocol,
    /// The membership.
    pub group: GroupConfig,
    /// `scheduled.rebalance.max.delay.ms`.
    pub scheduled_rebalance_max_delay: Duration,
    /// `worker.sync.timeout.ms`.
    pub sync_timeout: Duration,
    /// `worker.unsync.backoff.ms`.
    pub unsync_backoff: Duration,
    /// `config.storage.topic`, for messages.
    pub config_topic: String,
    /// How internal requests are signed.
    pub inter_worker: InterWorkerKeys,
    /// How long a request waits for the loop; 90 s.
    pub request_timeout: Duration,
    /// The plugins.
    pub registry: Arc<Registry>,
    /// The config store.
    pub configs: Arc<dyn ConfigBackingStore>,
    /// The worker's offset store.
    pub offsets: Arc<dyn OffsetBackingStore>,
    /// The status store.
    pub statuses: Arc<dyn StatusBackingStore>,
    /// Writes statuses under this worker's id and generation.
    pub reporter: Arc<StatusReporter>,
    /// The data plane.
    pub worker: Arc<dyn DataPlane>,
    /// For how long this worker may act; the data plane and the stores ask the same one.
    pub tenure: Tenure,
    /// The way to other workers.
    pub peers: Arc<dyn Peers>,
    /// The time of day.
    pub clock: Arc<dyn WallClock>,
    /// The data plane's events.
    pub worker_events: mpsc::UnboundedReceiver<WorkerEvent>,
    /// The loggers.
    pub loggers: Arc<Loggers>,
    /// Resolves to the Kafka cluster's id.
    pub cluster_id: tokio::sync::watch::Receiver<Option<String>>,
}
