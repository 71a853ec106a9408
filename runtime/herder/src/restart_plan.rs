//! What a restart request with flags touches (KIP-745).

use sluice_plugins::Registry;
use sluice_storage::{ClusterConfigState, ConnectorTaskId, RestartRequest, State, StatusBackingStore, StatusEntry};

use crate::views::{connector_type, state_of};
use crate::{ConnectorStateInfo, TaskState};

/// The instance and tasks to restart, with the statuses that the decision was made on.
pub(crate) struct RestartPlan {
    name: String,
    /// Whether the instance is restarted.
    pub(crate) connector: bool,
    /// The tasks that are restarted.
    pub(crate) tasks: Vec<ConnectorTaskId>,
    connector_status: StatusEntry,
    task_statuses: Vec<(ConnectorTaskId, StatusEntry)>,
}

impl RestartPlan {
    /// The plan for `request`; `None` when the connector has no status yet.
    pub(crate) fn new(
        request: &RestartRequest,
        snapshot: &ClusterConfigState,
        statuses: &dyn StatusBackingStore,
    ) -> Option<Self> {
        let connector_status = statuses.connector(&request.connector)?;
        let wanted = |status: &StatusEntry| !request.only_failed || status.state == State::Failed;
        let configured = snapshot.tasks(&request.connector);
        let task_statuses: Vec<(ConnectorTaskId, StatusEntry)> = statuses
            .tasks(&request.connector)
            .into_iter()
            .filter(|task| configured.contains(&task.id))
            .map(|task| (task.id, task.status))
            .collect();
        let included = task_statuses.iter().filter(|(_, status)| request.include_tasks && wanted(status));
        Some(Self {
            name: request.connector.clone(),
            connector: wanted(&connector_status),
            tasks: included.map(|(id, _)| id.clone()).collect(),
            connector_status,
            task_statuses,
        })
    }

    /// The connector's state as it will be once the restart has begun.
    pub(crate) fn as_state_info(&self, registry: &Registry, snapshot: &ClusterConfigState) -> ConnectorStateInfo {
        let restarting = |status: &StatusEntry, planned: bool| {
            let mut state = state_of(status);
            if planned {
                state.state = State::Restarting;
            }
            state
        };
        let task = |(id, status): &(ConnectorTaskId, StatusEntry)| TaskState {
            id: id.task,
            status: restarting(status, self.tasks.contains(id)),
        };
        ConnectorStateInfo {
            name: self.name.clone(),
            connector: restarting(&self.connector_status, self.connector),
            tasks: self.task_statuses.iter().map(task).collect(),
            connector_type: connector_type(registry, snapshot.connector_configs.get(&self.name)),
        }
    }
}
