//! Restarts: of one instance, one task, or both by their state (KIP-745).

use sluice_storage::{ConnectorTaskId, RestartRequest, State};
use tracing::info;

use super::reconcile::answer;
use super::service::{AfterStop, Reply, Service};
use crate::restart_plan::RestartPlan;
use crate::{ConnectorStateInfo, HerderError};

impl Service {
    /// `POST /connectors/C/restart` without flags: answers when the instance has started again.
    pub(super) fn restart_instance(&mut self, connector: &str, reply: Reply<()>) {
        if let Err(error) = self.may_restart(connector, |service| service.require_connector(connector)) {
            return answer(Some(reply), Err(error));
        }
        if !self.instances.contains_key(connector) {
            return answer(Some(reply), Err(HerderError::Forward(None)));
        }
        self.restart_connector(connector, false, Some(reply));
    }

    /// `POST /connectors/C/tasks/N/restart`: answers when the task's thread is started again.
    pub(super) fn restart_task(&mut self, id: &ConnectorTaskId, reply: Reply<()>) {
        let owned = |service: &Self| {
            if !service.snapshot().tasks(&id.connector).contains(id) {
                service.require_leader()?;
                return Err(HerderError::NotFound(format!("Unknown task: {id}")));
            }
            service.require_task(id)
        };
        if let Err(error) = self.may_restart(&id.connector, owned) {
            return answer(Some(reply), Err(error));
        }
        if self.stopping.contains(id) {
            let message = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)";
            return answer(Some(reply), Err(HerderError::Conflict(message.to_owned())));
        }
        self.stop_tasks(vec![id.clone()], AfterStop::Start(Some(reply)));
    }

    /// Whether this worker restarts something of the connector. That there is no such thing is the leader's to say, who has read
    /// what it has written.
    fn may_restart(
        &self,
        connector: &str,
        owned: impl FnOnce(&Self) -> Result<(), HerderError>,
    ) -> Result<(), HerderError> {
        if !self.snapshot().contains(connector) {
            self.require_leader()?;
            return Err(HerderError::NotFound(format!("Unknown connector: {connector}")));
        }
        owned(self)
    }

    /// `POST /connectors/C/restart` with flags: the plan is the answer, the topic brings the work (Invariant 4).
    pub(super) async fn request_restart(
        &mut self,
        request: &RestartRequest,
    ) -> Result<ConnectorStateInfo, HerderError> {
        self.require_leader()?;
        let connector = &request.connector;
        let snapshot = self.snapshot();
        if !snapshot.contains(connector) {
            return Err(HerderError::NotFound(format!("Unknown connector: {connector}")));
        }
        let plan = RestartPlan::new(request, &snapshot, self.options.statuses.as_ref())
            .ok_or_else(|| HerderError::NotFound(format!("Status for connector {connector} not found")))?;
        let _stage =
            self.stages.begin(format!("writing restart request for connector {connector} to the config topic"));
        self.claim_write_privileges().await;
        let configs = self.options.configs.clone();
        let mut written = configs.put_restart_request(request).await;
        if self.may_write_again(&written).await {
            written = configs.put_restart_request(request).await;
        }
        written.map_err(|error| HerderError::Internal(error.to_string()))?;
        Ok(plan.as_state_info(&self.options.registry, &snapshot))
    }

    /// A restart request has come back from the topic.
    pub(super) fn apply_restart(&mut self, request: &RestartRequest) {
        let snapshot = self.snapshot();
        let Some(plan) = RestartPlan::new(request, &snapshot, self.options.statuses.as_ref()) else { return };
        info!(connector = request.connector, tasks = plan.tasks.len(), instance = plan.connector, "restarting");
        if plan.connector && self.instances.contains_key(&request.connector) {
            self.restart_connector(&request.connector, true, None);
        }
        let tasks = plan.tasks.into_iter().filter(|id| self.held.tasks.contains(id)).collect();
        self.stop_tasks(tasks, AfterStop::Start(None));
    }

    /// Tasks of a restart have stopped: start those that are still ours. RESTARTING shows for requests from the topic only.
    pub(super) fn start_again(&mut self, tasks: &[ConnectorTaskId], reply: Option<Reply<()>>) {
        if reply.is_none() {
            tasks.iter().for_each(|id| self.options.reporter.task(id, State::Restarting, None, None));
        }
        if self.round.is_none() {
            return answer(reply, Err(HerderError::Forward(None)));
        }
        // What a rebalance or another stop is in the way of starts after it.
        let due: Vec<&ConnectorTaskId> = tasks.iter().filter(|id| self.may_start(id)).collect();
        let failed =
            due.into_iter().fold(None, |failed, id| if self.start_task(id) { failed } else { failed.or(Some(id)) });
        let result = match failed {
            Some(id) => Err(HerderError::Internal(format!("Failed to start task: {id}"))),
            None => Ok(()),
        };
        answer(reply, result);
    }
}
