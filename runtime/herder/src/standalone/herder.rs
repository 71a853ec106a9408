//! The handle that REST holds.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use indexmap::IndexMap;
use sluice_api::Properties;
use sluice_plugins::Registry;
use sluice_storage::{
    ConfigBackingStore, ConnectorTaskId, OffsetBackingStore, RestartRequest, StatusBackingStore, TargetState,
};
use sluice_worker::config::WorkerConfig;
use sluice_worker::config::validation::{ConfigInfos, ConfigKeyInfo};
use sluice_worker::{StatusReporter, Worker, WorkerEvent};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::connectors::{Connectors, not_found};
use crate::herder::Result;
use crate::loggers::Loggers;
use crate::{
    ConnectorInfo, ConnectorOffsets, ConnectorStateInfo, CreateConnector, Created, Health, Herder, HerderError,
    InternalRequest, LoggerLevel, PluginInfo, SentConfig, ServerInfo, TaskInfo, TaskState, views,
};

/// How long a request waits for its operation (connect-worker.md 1.4).
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// The parts that `cli` wires together.
pub struct StandaloneOptions {
    /// The common worker configuration.
    pub config: Arc<WorkerConfig>,
    /// The plugins.
    pub registry: Arc<Registry>,
    /// The config store, in memory.
    pub configs: Arc<dyn ConfigBackingStore>,
    /// The offset store, a file.
    pub offsets: Arc<dyn OffsetBackingStore>,
    /// The status store, in memory.
    pub statuses: Arc<dyn StatusBackingStore>,
    /// Writes statuses under this worker's id.
    pub reporter: Arc<StatusReporter>,
    /// The data plane.
    pub worker: Arc<Worker>,
    /// Its events.
    pub worker_events: mpsc::UnboundedReceiver<WorkerEvent>,
    /// The loggers.
    pub loggers: Arc<Loggers>,
    /// Resolves to the Kafka cluster's id.
    pub cluster_id: watch::Receiver<Option<String>>,
}

/// One process that runs all its connectors itself.
pub struct StandaloneHerder {
    config: Arc<WorkerConfig>,
    offsets: Arc<dyn OffsetBackingStore>,
    loggers: Arc<Loggers>,
    cluster_id: watch::Receiver<Option<String>>,
    connectors: Arc<Connectors>,
    ready: watch::Sender<bool>,
}

impl StandaloneHerder {
    /// Opens the stores and follows what connectors ask for. Connectors are created by the caller, who then calls
    /// [`StandaloneHerder::ready`].
    ///
    /// # Errors
    /// When the offset file cannot be read.
    pub async fn start(options: StandaloneOptions) -> std::result::Result<Arc<Self>, sluice_storage::Error> {
        options.offsets.start().await?;
        options.statuses.start().await?;
        options.configs.start().await?;
        let StandaloneOptions { registry, configs, statuses, reporter, worker, worker_events, .. } = options;
        let connectors = Arc::new(Connectors::new(registry, configs, statuses, reporter, worker));
        tokio::spawn(follow(connectors.clone(), worker_events));
        Ok(Arc::new(Self {
            config: options.config,
            offsets: options.offsets,
            loggers: options.loggers,
            cluster_id: options.cluster_id,
            connectors,
            ready: watch::Sender::new(false),
        }))
    }

    /// Says that the connectors of the command line exist: `/health` is healthy from now on.
    pub fn ready(&self) {
        self.ready.send_replace(true);
    }

    /// Invariant 7: stops all tasks and connectors within their deadlines, then the stores.
    pub async fn stop(&self) {
        self.connectors.stop().await;
        self.offsets.stop().await;
    }

    async fn put(
        &self,
        connector: &str,
        config: SentConfig,
        state: Option<TargetState>,
        replace: bool,
    ) -> Result<Created> {
        views::validated(&self.connectors.registry, &self.config, &config).await?;
        let name = connector.to_owned();
        let created = self.operate(connector, move |connectors| async move {
            let exists = connectors.snapshot().contains(&name);
            if exists && !replace {
                return Err(HerderError::Conflict(format!("Connector {name} already exists")));
            }
            let ran = connectors.run_with(&name, config.properties, state).await;
            reconfigure_after_failure(&connectors, &name, ran)?;
            Ok(!exists)
        });
        Ok(Created { created: created.await?, info: self.info(connector)? })
    }

    /// Does `operation` on the connector after earlier ones, in a task of its own: it goes on when whoever asked has gone, so that
    /// no connector is left half-way between a stop and a start.
    async fn operate<T, F>(
        &self,
        connector: &str,
        operation: impl FnOnce(Arc<Connectors>) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (connectors, connector) = (self.connectors.clone(), connector.to_owned());
        let work = tokio::spawn(async move {
            let _turn = connectors.lock(&connector).await;
            operation(connectors.clone()).await
        });
        match timeout(REQUEST_TIMEOUT, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(HerderError::Internal(error.to_string())),
            Err(_) => Err(HerderError::Timeout("Request timed out".to_owned())),
        }
    }

    fn info(&self, connector: &str) -> Result<ConnectorInfo> {
        self.connector_info_now(connector).ok_or_else(|| not_found(connector))
    }
}

fn check_offsets_may_change(connectors: &Connectors, connector: &str) -> Result<Properties> {
    let snapshot = connectors.snapshot();
    let config = snapshot.connector_configs.get(connector).cloned().ok_or_else(|| not_found(connector))?;
    views::check_stopped(&snapshot, connector)?;
    Ok(config)
}

/// A connector that runs without its tasks is asked for them again.
fn reconfigure_after_failure(connectors: &Arc<Connectors>, connector: &str, result: Result<()>) -> Result<()> {
    if result.is_err() && connectors.worker.is_connector_running(connector) {
        connectors.reconfigure(connector.to_owned());
    }
    result
}

/// Does what connectors ask for.
async fn follow(connectors: Arc<Connectors>, mut events: mpsc::UnboundedReceiver<WorkerEvent>) {
    while let Some(event) = events.recv().await {
        if let WorkerEvent::ReloadDue { connector } = event {
            connectors.reload(connector);
        } else if let WorkerEvent::TaskReconfigurationRequested { connector } = event {
            connectors.reconfigure(connector);
        }
    }
}

#[async_trait]
impl Herder for StandaloneHerder {
    fn server_info(&self) -> ServerInfo {
        views::server_info(self.cluster_id.borrow().clone())
    }

    async fn health(&self, timeout: Duration) -> Health {
        let mut ready = self.ready.subscribe();
        let waited = tokio::time::timeout(timeout, ready.wait_for(|ready| *ready)).await;
        if waited.is_ok() { Health::Healthy } else { Health::Starting(None) }
    }

    fn connectors(&self) -> Vec<String> {
        self.connectors.snapshot().connectors().map(str::to_owned).collect()
    }

    async fn connector_info(&self, connector: &str) -> Result<ConnectorInfo> {
        self.info(connector)
    }

    fn connector_info_now(&self, connector: &str) -> Option<ConnectorInfo> {
        views::connector_info(&self.connectors.registry, &self.connectors.snapshot(), connector)
    }

    async fn create_connector(&self, request: CreateConnector) -> Result<Created> {
        self.put(&request.name, request.config, request.initial_state, false).await
    }

    async fn put_connector_config(&self, connector: &str, config: SentConfig) -> Result<Created> {
        self.put(connector, config, None, true).await
    }

    async fn patch_connector_config(
        &self,
        connector: &str,
        patch: IndexMap<String, Option<String>>,
    ) -> Result<ConnectorInfo> {
        let config =
            views::patched(&self.connectors.snapshot(), connector, patch).ok_or_else(|| not_found(connector))?;
        Ok(self.put(connector, config.into(), None, true).await?.info)
    }

    async fn delete_connector(&self, connector: &str) -> Result<()> {
        let name = connector.to_owned();
        self.operate(connector, move |connectors| async move { connectors.delete(&name).await }).await
    }

    fn connector_status(&self, connector: &str) -> Result<ConnectorStateInfo> {
        let Connectors { registry, statuses, .. } = self.connectors.as_ref();
        views::connector_status(registry, &self.connectors.snapshot(), statuses.as_ref(), connector)
    }

    async fn task_infos(&self, connector: &str) -> Result<Vec<TaskInfo>> {
        views::task_infos(&self.connectors.snapshot(), connector).ok_or_else(|| not_found(connector))
    }

    fn task_status(&self, id: &ConnectorTaskId) -> Result<TaskState> {
        views::task_status(self.connectors.statuses.as_ref(), id)
    }

    async fn restart_connector(&self, connector: &str) -> Result<()> {
        let name = connector.to_owned();
        let restart = move |connectors: Arc<Connectors>| async move {
            let restarted = connectors.restart_instance(&name).await;
            reconfigure_after_failure(&connectors, &name, restarted)
        };
        self.operate(connector, restart).await
    }

    async fn restart_connector_and_tasks(&self, request: RestartRequest) -> Result<ConnectorStateInfo> {
        let connector = request.connector.clone();
        self.operate(&connector, move |connectors| async move { connectors.restart(&request).await }).await
    }

    async fn restart_task(&self, id: &ConnectorTaskId) -> Result<()> {
        let task = id.clone();
        self.operate(&id.connector, move |connectors| async move { connectors.restart_task(&task).await }).await
    }

    async fn set_target_state(&self, connector: &str, state: TargetState) -> Result<()> {
        if !self.connectors.snapshot().contains(connector) {
            return Err(match state {
                TargetState::Stopped => HerderError::Internal(format!("No connector `{connector}` configured")),
                _ => HerderError::NotFound(format!("Unknown connector {connector}")),
            });
        }
        let name = connector.to_owned();
        let change = move |connectors: Arc<Connectors>| async move {
            let changed = connectors.set_target_state(&name, state).await;
            reconfigure_after_failure(&connectors, &name, changed)
        };
        self.operate(connector, change).await
    }

    fn active_topics(&self, connector: &str) -> Result<Vec<String>> {
        views::active_topics(&self.config, self.connectors.statuses.as_ref(), connector)
    }

    fn reset_active_topics(&self, connector: &str) -> Result<()> {
        views::reset_active_topics(&self.config, self.connectors.statuses.as_ref(), connector)
    }

    async fn connector_offsets(&self, connector: &str) -> Result<ConnectorOffsets> {
        let snapshot = self.connectors.snapshot();
        let config = snapshot.connector_configs.get(connector).ok_or_else(|| not_found(connector))?;
        crate::offset_json::shown(self.connectors.worker.connector_offsets(connector, config).await?)
    }

    async fn alter_connector_offsets(&self, connector: &str, offsets: ConnectorOffsets) -> Result<String> {
        let name = connector.to_owned();
        let alter = move |connectors: Arc<Connectors>| async move {
            let config = check_offsets_may_change(&connectors, &name)?;
            let offsets = crate::offset_json::altered(offsets)?;
            Ok(connectors.worker.alter_connector_offsets(&name, &config, &offsets).await?)
        };
        self.operate(connector, alter).await
    }

    async fn reset_connector_offsets(&self, connector: &str) -> Result<String> {
        let name = connector.to_owned();
        let reset = move |connectors: Arc<Connectors>| async move {
            let config = check_offsets_may_change(&connectors, &name)?;
            Ok(connectors.worker.reset_connector_offsets(&name, &config).await?)
        };
        self.operate(connector, reset).await
    }

    fn connector_plugins(&self, connectors_only: bool) -> Vec<PluginInfo> {
        views::connector_plugins(&self.connectors.registry, connectors_only)
    }

    fn connector_plugin_config(&self, plugin: &str) -> Result<Vec<ConfigKeyInfo>> {
        views::connector_plugin_config(&self.connectors.registry, plugin)
    }

    async fn validate_connector_config(&self, config: SentConfig) -> Result<ConfigInfos> {
        views::validate(&self.connectors.registry, &self.config, &config).await
    }

    fn loggers(&self) -> Vec<(String, LoggerLevel)> {
        self.loggers.all()
    }

    fn logger(&self, name: &str) -> Option<LoggerLevel> {
        self.loggers.get(name)
    }

    fn set_logger_level(&self, namespace: &str, level: &str) -> Vec<String> {
        self.loggers.set(namespace, level)
    }

    async fn set_cluster_logger_level(&self, namespace: &str, level: &str) -> Result<()> {
        self.loggers.set(namespace, level);
        Ok(())
    }

    async fn put_task_configs(&self, _: &str, _: Vec<Properties>, _: InternalRequest) -> Result<()> {
        let message = "Kafka Connect in standalone mode does not support externally setting task configurations.";
        Err(HerderError::Internal(message.to_owned()))
    }

    async fn fence_zombie_tasks(&self, _: &str, _: InternalRequest) -> Result<()> {
        let message = "Kafka Connect in standalone mode does not support exactly-once source connectors.";
        Err(HerderError::Internal(message.to_owned()))
    }

    fn metrics(&self) -> String {
        self.connectors.worker.metrics().render()
    }
}
