//! `sluice connect-mirror-maker`: one herder per flow, each on its target cluster, and nothing that users talk to.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use sluice_api::{ConnectorPlugin, Properties};
use sluice_connector_mirror::dedicated::{Flow, MirrorMaker};
use sluice_herder::distributed::DistributedHerder;
use sluice_herder::{Health, Herder, HerderError, Loggers};
use sluice_plugins::Registry;
use sluice_rest::{BoundServer, FlowPeers, RestClient};
use sluice_worker::config::DistributedConfig;
use sluice_worker::config::properties::PropertiesFile;
use sluice_worker::config::providers::ConfigTransformer;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;
use tracing::{info, warn};

use crate::distributed::{Identity, REQUEST_TIMEOUT, assemble};
use crate::{Failure, logging, plugins, rest, runtime, signals};

/// What MirrorMaker calls the address of a node that nobody can talk to.
const NOT_USED: &str = "NOTUSED";
/// Between two looks whether the connectors of a flow are what the file says.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Runs the flows of a file until it is told to stop.
pub(crate) fn run(file: &Path, targets: &[String], further: Vec<Box<dyn ConnectorPlugin>>) -> Result<(), Failure> {
    let loggers = logging::start();
    let registry = plugins::registry(further).map_err(Failure::Startup)?;
    // As in MirrorMaker: what is wrong with the arguments is another code than what is wrong with the start.
    let written = PropertiesFile::read(file).map_err(|error| Failure::Herder(error.into()))?.properties();
    let maker = MirrorMaker::parse(&written, targets)
        .map_err(|error| anyhow!("{}: {}", file.display(), error.message()))
        .map_err(Failure::Herder)?;
    let mut flows = Vec::new();
    for flow in maker.flows {
        let config = worker_config(&flow.worker, &registry)
            .with_context(|| format!("{}: the worker of {}", file.display(), flow.name()))
            .map_err(Failure::Herder)?;
        flows.push((flow, config));
    }
    runtime::run(async move { work(flows, maker.with_internal_rest, registry, loggers).await })
}

/// The worker of a flow, with the variables of its own config providers replaced.
fn worker_config(written: &Properties, registry: &Registry) -> anyhow::Result<DistributedConfig> {
    let resolved = ConfigTransformer::new(written).and_then(|providers| providers.transform(written));
    let resolved = resolved.context("resolving its variables")?.properties;
    let named = |problem: sluice_worker::config::Problem| {
        let problem = problem.unresolved(written, &resolved);
        format!("`{}`: {problem}", problem.key)
    };
    let all = |problems: Vec<_>| anyhow!(problems.into_iter().map(named).collect::<Vec<_>>().join("\n"));
    let config = DistributedConfig::parse(&resolved).map_err(all)?;
    let problems = config.worker.class_problems(registry, &DistributedConfig::config_def());
    if problems.is_empty() { Ok(config) } else { Err(all(problems)) }
}

async fn work(
    flows: Vec<(Flow, DistributedConfig)>,
    with_internal_rest: bool,
    registry: Arc<Registry>,
    loggers: Arc<Loggers>,
) -> Result<(), Failure> {
    let Some((_, first)) = flows.first() else { return Ok(()) };
    let server: Option<BoundServer> = match with_internal_rest {
        true => Some(rest::bind(&first.worker.rest).await?),
        false => None,
    };
    let client = match &server {
        Some(server) => server.client(REQUEST_TIMEOUT),
        None => Arc::new(RestClient::new(None, REQUEST_TIMEOUT)),
    };
    let advertised_url = server.as_ref().map_or_else(|| NOT_USED.to_owned(), BoundServer::advertised_url);
    let (stop, stopped) = watch::channel(false);
    let mut services = JoinSet::new();
    let mut herders = Vec::new();
    for (flow, config) in flows {
        let identity = Identity { worker_id: flow.name(), advertised_url: advertised_url.clone() };
        let peers = Arc::new(FlowPeers::new(Arc::clone(&client), &flow.source, &flow.target));
        let options = assemble(&config, identity, peers, Arc::clone(&registry), Arc::clone(&loggers));
        let options = options.with_context(|| format!("starting {}", flow.name())).map_err(Failure::Startup)?;
        let (herder, service) = DistributedHerder::spawn(options, stopped.clone());
        let herder: Arc<dyn Herder> = herder;
        herders.push(((flow.source.clone(), flow.target.clone()), Arc::clone(&herder)));
        let name = flow.name();
        services.spawn(async move {
            match service.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(unusable)) => Err(Failure::Herder(anyhow!(unusable).context(name))),
                Err(panic) => Err(Failure::Herder(anyhow!("{name}: it ended unexpectedly: {panic}"))),
            }
        });
        tokio::spawn(keep_connectors(flow, herder));
    }
    info!(flows = herders.len(), "mirroring");
    let running = server.map(|server| server.serve_flows(herders));
    let ended = tokio::select! {
        asked = signals::asked_to_stop() => {
            asked.map_err(Failure::Startup)?;
            None
        }
        ended = services.join_next() => ended,
    };
    info!("stopping");
    stop.send_replace(true);
    let mut outcome = judged(ended);
    if let Some(running) = running {
        running.stop().await;
    }
    while let Some(ended) = services.join_next().await {
        outcome = outcome.and(judged(Some(ended)));
    }
    outcome
}

/// One flow that cannot go on ends the process, so that whoever watches it hears of it.
fn judged(ended: Option<Result<Result<(), Failure>, JoinError>>) -> Result<(), Failure> {
    match ended {
        None => Ok(()),
        Some(Ok(outcome)) => outcome,
        Some(Err(panic)) => Err(Failure::Herder(anyhow!("a flow ended unexpectedly: {panic}"))),
    }
}

/// Makes the connectors of a flow what the file says, whenever this node leads its group.
async fn keep_connectors(flow: Flow, herder: Arc<dyn Herder>) {
    while herder.health(REQUEST_TIMEOUT).await != Health::Healthy {
        sleep(LOOK_AGAIN).await;
    }
    let mut refused = None;
    loop {
        for (name, config) in &flow.connectors {
            let is_there = herder.connector_info_now(name).is_some_and(|there| there.config == *config);
            if is_there {
                continue;
            }
            match herder.put_connector_config(name, config.clone().into()).await {
                Ok(_) => info!(flow = flow.name(), connector = name, "configured"),
                // Another node leads, or the group is being balanced.
                Err(HerderError::Forward(_) | HerderError::Conflict(_) | HerderError::Timeout(_)) => {}
                Err(error) => {
                    let error = error.to_string();
                    if refused.as_ref() != Some(&error) {
                        warn!(flow = flow.name(), connector = name, error, "the connector cannot be configured");
                    }
                    refused = Some(error);
                }
            }
        }
        sleep(LOOK_AGAIN).await;
    }
}
