//! `sluice connect-distributed`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use sluice_api::{ConnectorPlugin, Properties};
use sluice_herder::distributed::{DistributedHerder, DistributedOptions};
use sluice_herder::group::ConnectProtocol;
use sluice_herder::{Health, Herder, Loggers, Peers, SystemClock};
use sluice_kafka::wire::GroupConfig;
use sluice_kafka::{Admin, Tenure};
use sluice_plugins::Registry;
use sluice_storage::config::KafkaConfigBackingStore;
use sluice_storage::offset::KafkaOffsetBackingStore;
use sluice_storage::status::KafkaStatusBackingStore;
use sluice_storage::{InternalTopic, OffsetBackingStore, StatusBackingStore};
use sluice_worker::config::{
    ConnectProtocol as ConfiguredProtocol, DistributedConfig, ExactlyOnceSourceSupport, StorageTopic,
};
use sluice_worker::{Metrics, StatusReporter, Worker, WorkerOptions};
use tokio::sync::watch;
use tracing::info;

use crate::{Failure, cluster_id, logging, plugins, properties, rest, runtime, signals};

/// How long a REST request waits for the herder (connect-worker.md 1.4).
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// Runs a worker of a Connect group until it is told to stop.
pub(crate) fn run(worker_file: &Path, further: Vec<Box<dyn ConnectorPlugin>>) -> Result<(), Failure> {
    let loggers = logging::start();
    let registry = plugins::registry(further).map_err(Failure::Startup)?;
    let config = properties::distributed(worker_file, &registry).map_err(Failure::Startup)?;
    runtime::run(async move { work(config, registry, loggers, |_| {}).await })
}

/// Runs a worker with a parsed configuration. `ready` is called with the REST port once requests are answered.
pub(crate) async fn work(
    config: DistributedConfig,
    registry: Arc<Registry>,
    loggers: Arc<Loggers>,
    ready: impl FnOnce(u16) + Send + 'static,
) -> Result<(), Failure> {
    let server = rest::bind(&config.worker.rest).await?;
    let port = server.port();
    let (stop, stopped) = watch::channel(false);
    let client = server.client(REQUEST_TIMEOUT);
    let identity = Identity { worker_id: server.worker_id(), advertised_url: server.advertised_url() };
    let options = assemble(&config, identity, client.clone(), registry, loggers).map_err(Failure::Startup)?;
    let (herder, mut service) = DistributedHerder::spawn(options, stopped);
    info!(worker = server.worker_id(), "REST listens at {}", server.advertised_url());
    let watched = herder.clone();
    tokio::spawn(async move {
        while watched.health(REQUEST_TIMEOUT).await != Health::Healthy {}
        ready(port);
    });
    let running = rest::serve(server, herder as Arc<dyn Herder>, Some(&client));
    let ended = tokio::select! {
        asked = signals::asked_to_stop() => {
            asked.map_err(Failure::Startup)?;
            None
        }
        ended = &mut service => Some(ended),
    };
    info!("stopping");
    stop.send_replace(true);
    let (ended, ()) = match ended {
        Some(ended) => (ended, running.stop().await),
        None => tokio::join!(service, running.stop()),
    };
    match ended {
        Ok(Ok(())) => Ok(()),
        // Kafka Connect's herder finds out beside the start, and ends with its code.
        Ok(Err(unusable)) => Err(Failure::Herder(unusable.into())),
        Err(panic) => Err(Failure::Herder(anyhow!("the herder ended unexpectedly: {panic}"))),
    }
}

/// What a worker is called, and where others find it.
pub(crate) struct Identity {
    pub(crate) worker_id: String,
    pub(crate) advertised_url: String,
}

pub(crate) fn assemble(
    config: &DistributedConfig,
    Identity { worker_id, advertised_url }: Identity,
    peers: Arc<dyn Peers>,
    registry: Arc<Registry>,
    loggers: Arc<Loggers>,
) -> anyhow::Result<DistributedOptions> {
    let properties = config.worker.unprefixed_originals();
    let client_id_base = match config.client_id.as_str() {
        "" => format!("{}-", config.group_id),
        id => format!("{}-{id}-", config.group_id),
    };
    let mut admin_properties = properties.clone();
    admin_properties.insert("client.id".to_owned(), format!("{client_id_base}shared-admin"));
    let admin = Admin::new(&admin_properties)?;
    let support = config.exactly_once_source_support;
    let transactional_leader = support != ExactlyOnceSourceSupport::Disabled;
    let mut committed = properties.clone();
    if support == ExactlyOnceSourceSupport::Enabled {
        // What a leader or a task has not committed is not read.
        committed.insert("isolation.level".to_owned(), "read_committed".to_owned());
    }
    let tenure = Tenure::none();
    let topic = |topic: &StorageTopic, properties: &Properties| InternalTopic {
        name: topic.name.clone(),
        partitions: topic.partitions,
        replication_factor: topic.replication_factor.into(),
        settings: topic.settings.clone(),
        properties: properties.clone(),
        client_id_base: client_id_base.clone(),
        tenure: tenure.clone(),
    };
    let configs = KafkaConfigBackingStore::new(topic(&config.config_topic, &committed), admin.clone());
    let configs = Arc::new(match transactional_leader {
        true => configs.with_transactional_leader(format!("connect-cluster-{}", config.group_id)),
        false => configs,
    });
    let offsets: Arc<dyn OffsetBackingStore> =
        Arc::new(KafkaOffsetBackingStore::new(topic(&config.offset_topic, &committed), admin.clone()));
    // Leases of tasks and instances gate statuses; what a worker says of its stop may come after it has left.
    let statuses = InternalTopic { tenure: Tenure::forever(), ..topic(&config.status_topic, &properties) };
    let statuses: Arc<dyn StatusBackingStore> = Arc::new(KafkaStatusBackingStore::new(statuses, admin));
    let reporter = Arc::new(StatusReporter::new(statuses.clone(), worker_id.clone()));
    let (worker, worker_events) = Worker::new(WorkerOptions {
        worker_id: worker_id.clone(),
        config: config.worker.clone(),
        registry: registry.clone(),
        offsets: offsets.clone(),
        statuses: reporter.clone(),
        metrics: Arc::new(Metrics::new()),
        group_id: Some(config.group_id.clone()),
        tenure: tenure.clone(),
    });
    let mut group_properties = properties;
    if config.client_id.is_empty() {
        group_properties.insert("client.id".to_owned(), format!("connect-{worker_id}"));
    }
    let group = group_properties.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    Ok(DistributedOptions {
        transactional_leader,
        config: config.worker.clone(),
        advertised_url,
        connect_protocol: match config.connect_protocol {
            ConfiguredProtocol::Eager => ConnectProtocol::Eager,
            ConfiguredProtocol::Compatible => ConnectProtocol::Compatible,
            ConfiguredProtocol::Sessioned => ConnectProtocol::Sessioned,
        },
        group: GroupConfig::parse(group).context("group membership")?,
        scheduled_rebalance_max_delay: config.scheduled_rebalance_max_delay,
        sync_timeout: config.worker_sync_timeout,
        unsync_backoff: config.worker_unsync_backoff,
        config_topic: config.config_topic.name.clone(),
        inter_worker: config.inter_worker.clone(),
        request_timeout: REQUEST_TIMEOUT,
        registry,
        configs,
        offsets,
        statuses,
        reporter,
        worker,
        tenure,
        peers,
        clock: Arc::new(SystemClock),
        worker_events,
        loggers,
        cluster_id: cluster_id::follow(&admin_properties)?,
    })
}
