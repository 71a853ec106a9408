//! `sluice connect-standalone`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use sluice_api::ConnectorPlugin;
use sluice_herder::standalone::{StandaloneHerder, StandaloneOptions};
use sluice_herder::{Herder, Loggers};
use sluice_plugins::Registry;
use sluice_storage::config::MemoryConfigBackingStore;
use sluice_storage::offset::FileOffsetBackingStore;
use sluice_storage::status::MemoryStatusBackingStore;
use sluice_storage::{OffsetBackingStore, StatusBackingStore};
use sluice_worker::config::StandaloneConfig;
use sluice_worker::{Metrics, StatusReporter, Worker, WorkerOptions};
use tracing::info;

use crate::{Failure, cluster_id, logging, plugins, properties, rest, runtime, signals};

/// Runs one worker with the connectors of the given files until it is told to stop.
pub(crate) fn run(
    worker_file: &Path,
    connector_files: &[PathBuf],
    further: Vec<Box<dyn ConnectorPlugin>>,
) -> Result<(), Failure> {
    let loggers = logging::start();
    let registry = plugins::registry(further).map_err(Failure::Startup)?;
    let config = properties::standalone(worker_file, &registry).map_err(Failure::Startup)?;
    runtime::run(async move { work(config, connector_files, registry, loggers).await })
}

async fn work(
    config: StandaloneConfig,
    connector_files: &[PathBuf],
    registry: Arc<Registry>,
    loggers: Arc<Loggers>,
) -> Result<(), Failure> {
    let server = rest::bind(&config.worker.rest).await?;
    let options = assemble(&config, server.worker_id(), registry, loggers).map_err(Failure::Startup)?;
    let herder = StandaloneHerder::start(options).await.context("starting the stores").map_err(Failure::Startup)?;
    info!(worker = server.worker_id(), "REST listens at {}", server.advertised_url());
    let running = rest::serve(server, herder.clone() as Arc<dyn Herder>, None);
    let ended = tokio::select! {
        created = create_all(&herder, connector_files) => match created {
            Ok(()) => {
                herder.ready();
                signals::asked_to_stop().await.map_err(Failure::Startup)
            }
            Err(error) => Err(Failure::Connectors(error)),
        },
        asked = signals::asked_to_stop() => asked.map_err(Failure::Startup),
    };
    info!("stopping");
    tokio::join!(running.stop(), herder.stop());
    ended
}

async fn create_all(herder: &StandaloneHerder, files: &[PathBuf]) -> anyhow::Result<()> {
    for file in files {
        let request = properties::connector(file)?;
        let name = request.name.clone();
        let created = herder.create_connector(request).await;
        created.map_err(|error| anyhow!("creating connector {name} of {}: {error}", file.display()))?;
        info!(connector = name, "created");
    }
    Ok(())
}

fn assemble(
    config: &StandaloneConfig,
    worker_id: String,
    registry: Arc<Registry>,
    loggers: Arc<Loggers>,
) -> anyhow::Result<StandaloneOptions> {
    let offsets: Arc<dyn OffsetBackingStore> = Arc::new(FileOffsetBackingStore::new(config.offset_file.clone()));
    let statuses: Arc<dyn StatusBackingStore> = Arc::new(MemoryStatusBackingStore::new());
    let reporter = Arc::new(StatusReporter::new(statuses.clone(), worker_id.clone()));
    let (worker, worker_events) = Worker::new(WorkerOptions {
        worker_id,
        config: config.worker.clone(),
        registry: registry.clone(),
        offsets: offsets.clone(),
        statuses: reporter.clone(),
        metrics: Arc::new(Metrics::new()),
        group_id: None,
        tenure: sluice_kafka::Tenure::forever(),
    });
    let mut admin_properties = config.worker.unprefixed_originals();
    admin_properties.insert("client.id".to_owned(), "connect-shared-admin".to_owned());
    Ok(StandaloneOptions {
        config: config.worker.clone(),
        registry,
        configs: Arc::new(MemoryConfigBackingStore::new()),
        offsets,
        statuses,
        reporter,
        worker,
        worker_events,
        loggers,
        cluster_id: cluster_id::follow(&admin_properties)?,
    })
}
