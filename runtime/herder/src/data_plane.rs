//! The data plane as the herder's loop sees it.

use async_trait::async_trait;
use sluice_api::connector::AlteredOffsets;
use sluice_api::{ConnectError, OffsetMap, Properties};
use sluice_storage::{ConnectorTaskId, TargetState};
use sluice_worker::{Metrics, TaskConfigs, Worker};
use tokio::time::Instant;

/// Runs connector instances and tasks. Implemented by [`Worker`], whose methods of the same names say what each one promises, and
/// by the cluster simulator.
#[async_trait]
pub trait DataPlane: Send + Sync {
    /// See [`Worker::start_connector`].
    async fn start_connector(
        &self,
        name: &str,
        config: &Properties,
        target: TargetState,
        deadline: Instant,
    ) -> Result<TargetState, ConnectError>;

    /// See [`Worker::set_connector_target_state`].
    async fn set_connector_target_state(
        &self,
        name: &str,
        target: TargetState,
        deadline: Instant,
    ) -> Result<TargetState, ConnectError>;

    /// See [`Worker::stop_connectors`].
    async fn stop_connectors(&self, names: &[String]);

    /// See [`Worker::connector_task_configs`].
    async fn connector_task_configs(
        &self,
        name: &str,
        config: &Properties,
        deadline: Instant,
    ) -> Result<TaskConfigs, ConnectError>;

    /// See [`Worker::start_task`].
    fn start_task(
        &self,
        id: ConnectorTaskId,
        connector_config: &Properties,
        task_config: &Properties,
        target: TargetState,
    ) -> bool;

    /// See [`Worker::stop_tasks`].
    async fn stop_tasks(&self, ids: &[ConnectorTaskId]);

    /// See [`Worker::set_task_target_state`].
    fn set_task_target_state(&self, connector: &str, target: TargetState);

    /// See [`Worker::abandon`].
    fn abandon(&self);

    /// See [`Worker::connectors`].
    fn connectors(&self) -> Vec<String>;

    /// See [`Worker::tasks`].
    fn tasks(&self) -> Vec<ConnectorTaskId>;

    /// See [`Worker::is_connector_running`].
    fn is_connector_running(&self, name: &str) -> bool;

    /// See [`Worker::fence_zombies`].
    async fn fence_zombies(&self, name: &str, tasks: u32, config: &Properties) -> Result<(), ConnectError>;

    /// See [`Worker::connector_offsets`].
    async fn connector_offsets(
        &self,
        name: &str,
        config: &Properties,
    ) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, ConnectError>;

    /// See [`Worker::alter_connector_offsets`].
    async fn alter_connector_offsets(
        &self,
        name: &str,
        config: &Properties,
        offsets: &AlteredOffsets,
    ) -> Result<String, ConnectError>;

    /// See [`Worker::reset_connector_offsets`].
    async fn reset_connector_offsets(&self, name: &str, config: &Properties) -> Result<String, ConnectError>;

    /// See [`Worker::metrics`].
    fn metrics(&self) -> &Metrics;
}

#[async_trait]
impl DataPlane for Worker {
    async fn start_connector(
        &self,
        name: &str,
        config: &Properties,
        target: TargetState,
        deadline: Instant,
    ) -> Result<TargetState, ConnectError> {
        Self::start_connector(self, name, config, target, deadline).await
    }

    async fn set_connector_target_state(
        &self,
        name: &str,
        target: TargetState,
        deadline: Instant,
    ) -> Result<TargetState, ConnectError> {
        Self::set_connector_target_state(self, name, target, deadline).await
    }

    async fn stop_connectors(&self, names: &[String]) {
        Self::stop_connectors(self, names).await;
    }

    async fn connector_task_configs(
        &self,
        name: &str,
        config: &Properties,
        deadline: Instant,
    ) -> Result<TaskConfigs, ConnectError> {
        Self::connector_task_configs(self, name, config, deadline).await
    }

    fn start_task(
        &self,
        id: ConnectorTaskId,
        connector_config: &Properties,
        task_config: &Properties,
        target: TargetState,
    ) -> bool {
        Self::start_task(self, id, connector_config, task_config, target)
    }

    async fn stop_tasks(&self, ids: &[ConnectorTaskId]) {
        Self::stop_tasks(self, ids).await;
    }

    fn set_task_target_state(&self, connector: &str, target: TargetState) {
        Self::set_task_target_state(self, connector, target);
    }

    fn abandon(&self) {
        Self::abandon(self);
    }

    fn connectors(&self) -> Vec<String> {
        Self::connectors(self)
    }

    fn tasks(&self) -> Vec<ConnectorTaskId> {
        Self::tasks(self)
    }

    fn is_connector_running(&self, name: &str) -> bool {
        Self::is_connector_running(self, name)
    }

    async fn fence_zombies(&self, name: &str, tasks: u32, config: &Properties) -> Result<(), ConnectError> {
        Self::fence_zombies(self, name, tasks, config).await
    }

    async fn connector_offsets(
        &self,
        name: &str,
        config: &Properties,
    ) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, ConnectError> {
        Self::connector_offsets(self, name, config).await
    }

    async fn alter_connector_offsets(
        &self,
        name: &str,
        config: &Properties,
        offsets: &AlteredOffsets,
    ) -> Result<String, ConnectError> {
        Self::alter_connector_offsets(self, name, config, offsets).await
    }

    async fn reset_connector_offsets(&self, name: &str, config: &Properties) -> Result<String, ConnectError> {
        Self::reset_connector_offsets(self, name, config).await
    }

    fn metrics(&self) -> &Metrics {
        Self::metrics(self)
    }
}
