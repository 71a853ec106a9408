//! Operations that need the loop: they read or change what the cluster is configured to do.

use indexmap::IndexMap;
use sluice_api::Properties;
use sluice_storage::{ClusterConfigState, TargetState};

use super::fencing::write_failed;
use super::service::Service;
use crate::{ConnectorInfo, CreateConnector, Created, HerderError, SentConfig, TaskInfo, views};

const WRITE_FAILED: &str = "Error writing connector configuration to Kafka";

impl Service {
    pub(super) fn info(&self, connector: &str) -> Result<ConnectorInfo, HerderError> {
        views::connector_info(&self.options.registry, &self.snapshot(), connector).ok_or_else(|| not_found(connector))
    }

    pub(super) fn task_infos(&self, connector: &str) -> Result<Vec<TaskInfo>, HerderError> {
        views::task_infos(&self.snapshot(), connector).ok_or_else(|| not_found(connector))
    }

    pub(super) async fn create(&mut self, request: CreateConnector) -> Result<Created, HerderError> {
        self.require_leader()?;
        if self.snapshot().contains(&request.name) {
            return Err(HerderError::Conflict(format!("Connector {} already exists", request.name)));
        }
        self.write_config(&request.name, request.config.properties, request.initial_state).await
    }

    pub(super) async fn replace(&mut self, connector: &str, config: Properties) -> Result<Created, HerderError> {
        self.require_leader()?;
        self.write_config(connector, config, None).await
    }

    pub(super) async fn patch(
        &mut self,
        connector: &str,
        patch: IndexMap<String, Option<String>>,
    ) -> Result<ConnectorInfo, HerderError> {
        self.require_leader()?;
        let config = views::patched(&self.snapshot(), connector, patch).ok_or_else(|| not_found(connector))?;
        let config = SentConfig::from(config);
        views::validated_inside(&self.options.registry, &self.options.config, &config)?;
        Ok(self.write_config(connector, config.properties, None).await?.info)
    }

    pub(super) async fn delete(&mut self, connector: &str) -> Result<(), HerderError> {
        self.require_leader()?;
        known(&self.snapshot(), connector)?;
        let stage = format!("removing the config for connector {connector} from the config topic");
        let _stage = self.stages.begin(stage);
        self.claim_write_privileges().await;
        let configs = self.options.configs.clone();
        let mut removed = configs.remove_connector_config(connector).await;
        if self.may_write_again(&removed).await {
            removed = configs.remove_connector_config(connector).await;
        }
        removed.map_err(|error| write_failed(&error, "Error removing connector configuration from Kafka"))
    }

    /// `PUT /connectors/C/stop`: first no tasks, then the state, so that no reader sees a stopped connector with tasks.
    pub(super) async fn stop_connector(&mut self, connector: &str) -> Result<(), HerderError> {
        self.require_leader()?;
        if !self.snapshot().contains(connector) {
            return Err(HerderError::NotFound(format!("Unknown connector {connector}")));
        }
        let stage = format!("writing the STOPPED target stage for connector {connector} to the config topic");
        let _stage = self.stages.begin(stage);
        self.claim_write_privileges().await;
        let configs = self.options.configs.clone();
        let sync_timeout = self.options.sync_timeout;
        let write = async || {
            configs.put_task_configs(connector, &[]).await?;
            configs.put_target_state(connector, TargetState::Stopped).await?;
            configs.refresh(sync_timeout).await
        };
        let mut written = write().await;
        if self.may_write_again(&written).await {
            written = write().await;
        }
        written.map_err(|error| write_failed(&error, "Error writing target state to Kafka"))
    }

    /// `POST /connectors/C/tasks` of another worker: written also when nothing is new, as Kafka Connect does.
    pub(super) async fn put_task_configs(
        &mut self,
        connector: &str,
        configs: &[Properties],
    ) -> Result<(), HerderError> {
        self.require_leader()?;
        let snapshot = self.snapshot();
        known(&snapshot, connector)?;
        if !configs.is_empty() && snapshot.target_state(connector) == Some(TargetState::Stopped) {
            let message = format!("Cannot submit non-empty set of task configs for stopped connector {connector}");
            return Err(HerderError::BadRequest(message));
        }
        self.write_task_configs(connector, configs).await
    }

    async fn write_config(
        &mut self,
        connector: &str,
        config: Properties,
        initial_state: Option<TargetState>,
    ) -> Result<Created, HerderError> {
        let before = self.snapshot();
        let stage = format!("writing a config for connector {connector} to the config topic");
        let _stage = self.stages.begin(stage);
        self.claim_write_privileges().await;
        let configs = self.options.configs.clone();
        let mut written = configs.put_connector_config(connector, &config, initial_state).await;
        if self.may_write_again(&written).await {
            written = configs.put_connector_config(connector, &config, initial_state).await;
        }
        written.map_err(|error| write_failed(&error, WRITE_FAILED))?;
        let connector_type = views::connector_type(&self.options.registry, Some(&config));
        let tasks = before.tasks(connector);
        let info = ConnectorInfo { name: connector.to_owned(), config, tasks, connector_type };
        Ok(Created { created: !before.contains(connector), info })
    }
}

fn known(snapshot: &ClusterConfigState, connector: &str) -> Result<(), HerderError> {
    if snapshot.contains(connector) { Ok(()) } else { Err(not_found(connector)) }
}

pub(super) fn not_found(connector: &str) -> HerderError {
    HerderError::NotFound(format!("Connector {connector} not found"))
}
