//! What the config topic brings: every change of this worker's state begins here (Invariant 4).

use sluice_storage::{ConfigUpdate, ConnectorTaskId, TargetState};
use tracing::{debug, info};

use super::service::{AfterStop, Service};

impl Service {
    pub(super) fn apply_update(&mut self, update: ConfigUpdate) {
        debug!(?update, "config topic");
        match update {
            ConfigUpdate::ConnectorConfig(connector) => self.connector_config_changed(&connector),
            ConfigUpdate::ConnectorRemoved(connector) => self.connector_removed(&connector),
            ConfigUpdate::TaskConfigs(connector, _) => self.task_configs_committed(&connector),
            ConfigUpdate::TargetState(connector) => self.target_state_changed(&connector),
            ConfigUpdate::Restart(request) => self.apply_restart(&request),
            ConfigUpdate::LoggerLevel { namespace, level } => {
                self.options.loggers.set(&namespace, &level);
            }
            ConfigUpdate::SessionKey(key) => self.session_key_read(&key),
        }
    }

    /// A connector that runs here is restarted, also with the config that it has, as Kafka Connect does; a new one is for the
    /// next assignment.
    fn connector_config_changed(&mut self, connector: &str) {
        let snapshot = self.snapshot();
        match self.instances.get_mut(connector) {
            None => self.wants_rejoin |= !self.assigned.contains(connector),
            Some(instance)
                if instance.starting && snapshot.connector_configs.get(connector) == Some(&instance.config) =>
            {
                debug!(connector, "the config is the one that is being started");
                instance.again = true;
            }
            Some(_) => {
                info!(connector, "the connector's config changed");
                self.restart_connector(connector, false, None);
            }
        }
    }

    /// Its tasks stop before the rebalance that takes the instance away.
    fn connector_removed(&mut self, connector: &str) {
        let tasks = self.tasks_here(connector);
        // Its owner does that, the leader for one that nobody owns.
        if self.held.connectors.contains(connector) || self.require_leader().is_ok() {
            for status in self.options.statuses.topics(connector) {
                self.options.statuses.delete_topic(connector, &status.topic);
            }
        }
        self.stop_tasks(tasks, AfterStop::Rejoin);
    }

    /// All tasks of the connector stop at once; those that are assigned start again after the rebalance.
    fn task_configs_committed(&mut self, connector: &str) {
        let tasks = self.tasks_here(connector);
        self.stop_tasks(tasks, AfterStop::Rejoin);
    }

    fn target_state_changed(&mut self, connector: &str) {
        let Some(target) = self.snapshot().target_state(connector) else { return };
        match target {
            // Its tasks were taken away by the record before; they end and do not show PAUSED.
            TargetState::Stopped => self.stop_tasks(self.tasks_here(connector), AfterStop::Nothing),
            _ => self.options.worker.set_task_target_state(connector, target),
        }
        self.change_target_state(connector, target);
    }

    /// The connector's tasks that run on this worker.
    pub(super) fn tasks_here(&self, connector: &str) -> Vec<ConnectorTaskId> {
        self.tasks.iter().filter(|id| id.connector == connector).cloned().collect()
    }
}
