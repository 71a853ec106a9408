//! The handle that REST holds.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use indexmap::IndexMap;
use sluice_api::Properties;
use sluice_plugins::Registry;
use sluice_storage::{
    ClusterConfigState, ConfigBackingStore, ConnectorTaskId, RestartRequest, StatusBackingStore, TargetState,
};
use sluice_worker::config::WorkerConfig;
use sluice_worker::config::validation::{ConfigInfos, ConfigKeyInfo};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::warn;

use super::membership::{Membership, MembershipChannels};
use super::options::DistributedOptions;
use super::rebalance_metrics::RebalanceMetrics;
use super::service::{self, Reply, Request, Service, ServiceFuture, Visible};
use crate::group::ProtocolVersion;
use crate::herder::Result;
use crate::loggers::Loggers;
use crate::stages::Stages;
use crate::{
    ConnectorInfo, ConnectorOffsets, ConnectorStateInfo, CreateConnector, Created, DataPlane, Health, Herder,
    HerderError, InternalRequest, LoggerLevel, PluginInfo, SentConfig, ServerInfo, TaskInfo, TaskState, views,
};

/// How the herder ended.
type Ended = std::result::Result<(), sluice_storage::Error>;

/// A worker of a Connect group.
pub struct DistributedHerder {
    config: Arc<WorkerConfig>,
    registry: Arc<Registry>,
    configs: Arc<dyn ConfigBackingStore>,
    statuses: Arc<dyn StatusBackingStore>,
    worker: Arc<dyn DataPlane>,
    loggers: Arc<Loggers>,
    cluster_id: watch::Receiver<Option<String>>,
    request_timeout: Duration,
    verification_algorithms: Vec<String>,
    stages: Stages,
    visible: watch::Receiver<Visible>,
    requests: mpsc::UnboundedSender<Request>,
    rebalances: RebalanceMetrics,
    stop: watch::Receiver<bool>,
}

impl DistributedHerder {
    /// Starts the loop on the current runtime. `stop` ends it; the second value resolves when everything has stopped, or
    /// with the reason why this worker cannot run at all.
    pub fn spawn(options: DistributedOptions, stop: watch::Receiver<bool>) -> (Arc<Self>, JoinHandle<Ended>) {
        Self::spawn_in(options, stop, Membership::spawn)
    }

    /// As [`DistributedHerder::spawn`], in the group that `join` gives.
    pub(super) fn spawn_in(
        options: DistributedOptions,
        stop: watch::Receiver<bool>,
        join: impl FnOnce(&DistributedOptions) -> MembershipChannels + Send + 'static,
    ) -> (Arc<Self>, JoinHandle<Ended>) {
        let (requests, request_rx) = mpsc::unbounded_channel();
        let (visible_tx, visible) = watch::channel(Visible::default());
        let stages = Stages::default();
        let herder = Self {
            config: options.config.clone(),
            registry: options.registry.clone(),
            configs: options.configs.clone(),
            statuses: options.statuses.clone(),
            worker: options.worker.clone(),
            loggers: options.loggers.clone(),
            cluster_id: options.cluster_id.clone(),
            request_timeout: options.request_timeout,
            verification_algorithms: options.inter_worker.verification_algorithms.clone(),
            stages: stages.clone(),
            visible,
            requests,
            rebalances: RebalanceMetrics::default(),
            stop: stop.clone(),
        };
        let service = service::run(options, join, stages, request_rx, visible_tx, herder.rebalances.clone(), stop);
        (Arc::new(herder), tokio::spawn(service))
    }

    /// Lets the loop run `operation`, which answers through the reply, and waits for the answer. What was asked is done even
    /// when nobody waits any more, unless it only `reads`.
    async fn ask<T: Send + 'static>(
        &self,
        timeout: Duration,
        reads: bool,
        operation: impl for<'a> FnOnce(&'a mut Service, Reply<T>) -> ServiceFuture<'a> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let shutting_down = || HerderError::Internal("Worker is shutting down".to_owned());
        let lapses = reads.then(|| Instant::now() + timeout);
        let request = Request::new(lapses, move |service| operation(service, reply));
        self.requests.send(request).map_err(|_| shutting_down())?;
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) if *self.stop.borrow() => Err(shutting_down()),
            // Given up, because the worker fell out of the group or another operation made it pointless.
            Ok(Err(_)) => Err(HerderError::Forward(None)),
            Err(_) => Err(self.out_of_time()),
        }
    }

    /// During a rebalance, trying again is what helps.
    fn out_of_time(&self) -> HerderError {
        let visible = self.visible.borrow();
        if visible.member && !visible.resolved {
            let message = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)";
            return HerderError::Conflict(message.to_owned());
        }
        HerderError::Timeout(self.stages.timeout_message())
    }

    /// Waits until this worker belongs to the group: what any worker may write, it may write only then. The group's protocol.
    async fn membership(&self) -> Result<Option<ProtocolVersion>> {
        let mut visible = self.visible.clone();
        match tokio::time::timeout(self.request_timeout, visible.wait_for(|visible| visible.member)).await {
            Ok(Ok(visible)) => Ok(visible.version),
            Ok(Err(_)) => Err(HerderError::Internal("Worker is shutting down".to_owned())),
            Err(_) => Err(self.out_of_time()),
        }
    }

    /// Refuses what no worker of this group has sent, where the group signs.
    async fn verify(&self, request: &InternalRequest) -> Result<()> {
        if self.membership().await? != Some(ProtocolVersion::V2) {
            return Ok(());
        }
        request.verify(&self.verification_algorithms, self.snapshot().session_key.as_ref())
    }

    /// What tasks of an exactly-once source have left must not write offsets any more.
    async fn fence_before_offsets_change(&self, connector: &str, config: &Properties) -> Result<()> {
        let is_source = views::connector_type(&self.registry, Some(config)) == crate::ConnectorType::Source;
        if !self.config.exactly_once_source_enabled || !is_source {
            return Ok(());
        }
        let name = connector.to_owned();
        self.ask(self.request_timeout, false, move |service, reply| Box::pin(service.fence_zombies(name, reply))).await
    }

    fn snapshot(&self) -> Arc<ClusterConfigState> {
        self.configs.snapshot()
    }

    /// Lets what was just written be seen by the next `GET …/status`; a cluster that is away keeps nobody waiting for long.
    async fn show_statuses(&self) {
        if tokio::time::timeout(self.request_timeout, self.statuses.settle()).await.is_err() {
            warn!("the statuses shown may be older than the last operation");
        }
    }

    /// Restarts, and answers when the statuses of the restart are shown.
    async fn restart(&self, operation: impl FnOnce(&mut Service, Reply<()>) + Send + 'static) -> Result<()> {
        let run = move |service: &mut Service, reply| operation(service, reply);
        self.ask(self.request_timeout, false, move |service, reply| Box::pin(async move { run(service, reply) }))
            .await?;
        self.show_statuses().await;
        Ok(())
    }

    fn known(&self, connector: &str) -> Result<Properties> {
        let config = self.snapshot().connector_configs.get(connector).cloned();
        config.ok_or_else(|| super::requests::not_found(connector))
    }
}

/// Sends what `$call` gives as the answer.
macro_rules! ask {
    ($self:ident, |$service:ident| $call:expr) => {
        ask!($self, false, |$service| $call)
    };
    ($self:ident, $reads:expr, |$service:ident| $call:expr) => {
        $self
            .ask($self.request_timeout, $reads, move |$service, reply| {
                Box::pin(async move {
                    // The caller's time may be up; the operation went on without it.
                    drop(reply.send($call));
                })
            })
            .await
    };
}

#[async_trait]
impl Herder for DistributedHerder {
    fn server_info(&self) -> ServerInfo {
        views::server_info(self.cluster_id.borrow().clone())
    }

    async fn health(&self, timeout: Duration) -> Health {
        let answered = self.ask(timeout, true, |_, reply| Box::pin(async move { drop(reply.send(Ok(()))) })).await;
        let visible = self.visible.borrow().clone();
        let stage = || self.stages.describe().map(|stage| format!("{stage}."));
        match (answered, visible) {
            (Ok(()), _) => Health::Healthy,
            (Err(_), Visible { trouble: Some(reason), .. }) => Health::Starting(Some(reason)),
            (Err(_), Visible { ready: false, .. }) => Health::Starting(stage()),
            (Err(_), _) => Health::Unhealthy(stage()),
        }
    }

    fn connectors(&self) -> Vec<String> {
        self.snapshot().connectors().map(str::to_owned).collect()
    }

    async fn connector_info(&self, connector: &str) -> Result<ConnectorInfo> {
        let connector = connector.to_owned();
        ask!(self, true, |service| service.info(&connector))
    }

    fn connector_info_now(&self, connector: &str) -> Option<ConnectorInfo> {
        views::connector_info(&self.registry, &self.snapshot(), connector)
    }

    async fn create_connector(&self, request: CreateConnector) -> Result<Created> {
        views::validated(&self.registry, &self.config, &request.config).await?;
        ask!(self, |service| service.create(request).await)
    }

    async fn put_connector_config(&self, connector: &str, config: SentConfig) -> Result<Created> {
        views::validated(&self.registry, &self.config, &config).await?;
        let connector = connector.to_owned();
        ask!(self, |service| service.replace(&connector, config.properties).await)
    }

    async fn patch_connector_config(
        &self,
        connector: &str,
        patch: IndexMap<String, Option<String>>,
    ) -> Result<ConnectorInfo> {
        if let Some(config) = views::patched(&self.snapshot(), connector, patch.clone()) {
            views::validated(&self.registry, &self.config, &config.into()).await?;
        }
        let connector = connector.to_owned();
        ask!(self, |service| service.patch(&connector, patch).await)
    }

    async fn delete_connector(&self, connector: &str) -> Result<()> {
        let connector = connector.to_owned();
        ask!(self, |service| service.delete(&connector).await)
    }

    fn connector_status(&self, connector: &str) -> Result<ConnectorStateInfo> {
        views::connector_status(&self.registry, &self.snapshot(), self.statuses.as_ref(), connector)
    }

    async fn task_infos(&self, connector: &str) -> Result<Vec<TaskInfo>> {
        let connector = connector.to_owned();
        ask!(self, true, |service| service.task_infos(&connector))
    }

    fn task_status(&self, id: &ConnectorTaskId) -> Result<TaskState> {
        views::task_status(self.statuses.as_ref(), id)
    }

    async fn restart_connector(&self, connector: &str) -> Result<()> {
        let connector = connector.to_owned();
        self.restart(move |service, reply| service.restart_instance(&connector, reply)).await
    }

    async fn restart_connector_and_tasks(&self, request: RestartRequest) -> Result<ConnectorStateInfo> {
        // What is to be restarted follows from the statuses: not from ones that are on their way.
        self.show_statuses().await;
        ask!(self, |service| service.request_restart(&request).await)
    }

    async fn restart_task(&self, id: &ConnectorTaskId) -> Result<()> {
        let id = id.clone();
        self.restart(move |service, reply| service.restart_task(&id, reply)).await
    }

    async fn set_target_state(&self, connector: &str, state: TargetState) -> Result<()> {
        if state == TargetState::Stopped {
            let connector = connector.to_owned();
            return ask!(self, |service| service.stop_connector(&connector).await);
        }
        if !self.snapshot().contains(connector) {
            return Err(HerderError::NotFound(format!("Unknown connector {connector}")));
        }
        self.membership().await?;
        let written = self.configs.put_target_state(connector, state).await;
        written.map_err(|_| HerderError::Internal("Error writing target state to Kafka".to_owned()))
    }

    fn active_topics(&self, connector: &str) -> Result<Vec<String>> {
        views::active_topics(&self.config, self.statuses.as_ref(), connector)
    }

    fn reset_active_topics(&self, connector: &str) -> Result<()> {
        views::reset_active_topics(&self.config, self.statuses.as_ref(), connector)
    }

    async fn connector_offsets(&self, connector: &str) -> Result<ConnectorOffsets> {
        let config = self.known(connector)?;
        crate::offset_json::shown(self.worker.connector_offsets(connector, &config).await?)
    }

    async fn alter_connector_offsets(&self, connector: &str, offsets: ConnectorOffsets) -> Result<String> {
        let name = connector.to_owned();
        let config = ask!(self, |service| service.check_offsets_may_change(&name).await)?;
        self.fence_before_offsets_change(connector, &config).await?;
        let offsets = crate::offset_json::altered(offsets)?;
        Ok(self.worker.alter_connector_offsets(connector, &config, &offsets).await?)
    }

    async fn reset_connector_offsets(&self, connector: &str) -> Result<String> {
        let name = connector.to_owned();
        let config = ask!(self, |service| service.check_offsets_may_change(&name).await)?;
        self.fence_before_offsets_change(connector, &config).await?;
        Ok(self.worker.reset_connector_offsets(connector, &config).await?)
    }

    fn connector_plugins(&self, connectors_only: bool) -> Vec<PluginInfo> {
        views::connector_plugins(&self.registry, connectors_only)
    }

    fn connector_plugin_config(&self, plugin: &str) -> Result<Vec<ConfigKeyInfo>> {
        views::connector_plugin_config(&self.registry, plugin)
    }

    async fn validate_connector_config(&self, config: SentConfig) -> Result<ConfigInfos> {
        views::validate(&self.registry, &self.config, &config).await
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
        self.membership().await?;
        let written = self.configs.put_logger_level(namespace, level).await;
        written.map_err(|_| HerderError::Internal("Error writing logger level to Kafka".to_owned()))
    }

    async fn put_task_configs(
        &self,
        connector: &str,
        configs: Vec<Properties>,
        request: InternalRequest,
    ) -> Result<()> {
        self.verify(&request).await?;
        let connector = connector.to_owned();
        ask!(self, |service| service.put_task_configs(&connector, &configs).await)
    }

    async fn fence_zombie_tasks(&self, connector: &str, request: InternalRequest) -> Result<()> {
        self.verify(&request).await?;
        let connector = connector.to_owned();
        self.ask(self.request_timeout, false, move |service, reply| Box::pin(service.fence_zombies(connector, reply)))
            .await
    }

    fn metrics(&self) -> String {
        self.rebalances.export(self.worker.metrics());
        self.worker.metrics().render()
    }
}
