//! Step 3 of the loop: bring what runs here in line with what is held.

use std::time::Duration;

use sluice_api::Properties;
use sluice_storage::{ClusterConfigState, ConnectorTaskId, State, TargetState};
use tokio::time::Instant;
use tracing::{info, warn};

use super::service::{AfterStop, Reply, Report, Service};
use crate::HerderError;

/// When a connector that begins to start now counts as failed.
pub(super) fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(90)
}

/// A connector instance that was commanded to run here.
pub(super) struct Instance {
    /// The config that it was last started with.
    pub(super) config: Properties,
    /// The target state that it was last told.
    pub(super) target: TargetState,
    /// The number of its last start.
    attempt: u64,
    /// That start has not been reported.
    pub(super) starting: bool,
    /// Its config was written again meanwhile: one that fails is started once more.
    pub(super) again: bool,
}

impl Service {
    /// Stops what runs and is not held; once the round is resolved, also what is not configured any more, and what is missing starts.
    pub(super) fn reconcile(&mut self) {
        self.stop_what_is_not_ours();
        if self.resolved {
            self.start_connectors();
            self.start_tasks();
        }
    }

    fn stop_what_is_not_ours(&mut self) {
        let snapshot = self.snapshot();
        let keep = |connector: &str| {
            self.held.connectors.contains(connector) && (!self.resolved || snapshot.contains(connector))
        };
        let gone: Vec<String> = self.instances.keys().filter(|connector| !keep(connector)).cloned().collect();
        let keep =
            |id: &ConnectorTaskId| self.held.tasks.contains(id) && (!self.resolved || is_configured(&snapshot, id));
        let gone_tasks: Vec<ConnectorTaskId> = self.tasks.iter().filter(|id| !keep(id)).cloned().collect();
        self.stop_connectors(gone);
        self.stop_tasks(gone_tasks, AfterStop::Nothing);
    }

    fn start_connectors(&mut self) {
        let snapshot = self.snapshot();
        let missing = |connector: &&String| snapshot.contains(connector) && !self.instances.contains_key(*connector);
        let due: Vec<String> = self.held.connectors.iter().filter(missing).cloned().collect();
        for connector in due {
            self.start_connector(&connector, None);
        }
    }

    fn start_tasks(&mut self) {
        let snapshot = self.snapshot();
        let due: Vec<ConnectorTaskId> =
            self.held.tasks.iter().filter(|id| self.may_start_as_of(&snapshot, id)).cloned().collect();
        for id in due {
            self.start_task(&id);
        }
    }

    /// Whether a task is to be started now. Invariant 5: one that is still stopping is left alone; the confirmation of its stop
    /// brings us back here. One that failed at once is not tried again without a restart.
    pub(super) fn may_start(&self, id: &ConnectorTaskId) -> bool {
        self.held.tasks.contains(id) && self.may_start_as_of(&self.snapshot(), id)
    }

    fn may_start_as_of(&self, snapshot: &ClusterConfigState, id: &ConnectorTaskId) -> bool {
        let settled = self.resolved && !self.tasks.contains(id) && !self.stopping.contains(id);
        settled && is_configured(snapshot, id)
    }

    /// Starts one task with the committed configs; a failure to start shows in its status.
    pub(super) fn start_task(&mut self, id: &ConnectorTaskId) -> bool {
        let snapshot = self.snapshot();
        let Some(connector_config) = snapshot.connector_configs.get(&id.connector) else { return false };
        let Some(task_config) = snapshot.task_configs.get(id) else { return false };
        let target = snapshot.target_state(&id.connector).unwrap_or(TargetState::Started);
        info!(connector = id.connector, task = id.task, "starting task");
        self.tasks.insert(id.clone());
        self.note_generation(id);
        self.options.worker.start_task(id.clone(), connector_config, task_config, target)
    }

    /// Commands the instance to run with the configured state; a [`Report::ConnectorStarted`] follows.
    pub(super) fn start_connector(&mut self, connector: &str, reply: Option<Reply<()>>) {
        let snapshot = self.snapshot();
        let Some(config) = snapshot.connector_configs.get(connector).cloned() else { return };
        let target = snapshot.target_state(connector).unwrap_or(TargetState::Started);
        info!(connector, "starting connector");
        self.attempts += 1;
        let attempt = self.attempts;
        let instance = Instance { config: config.clone(), target, attempt, starting: true, again: false };
        self.instances.insert(connector.to_owned(), instance);
        let (worker, reports) = (self.options.worker.clone(), self.reports.clone());
        let connector = connector.to_owned();
        self.lanes.run(&connector.clone(), async move {
            let started = worker.start_connector(&connector, &config, target, deadline()).await;
            let started = started.map(|_| ()).map_err(|error| error.to_string());
            // Nobody receives when the worker is shutting down.
            drop(reports.send(Report::ConnectorStarted { connector, attempt, started, reply }));
        });
    }

    /// Stops the instance, if it runs, and starts it with the config as of now; `marked` shows RESTARTING in between.
    pub(super) fn restart_connector(&mut self, connector: &str, marked: bool, reply: Option<Reply<()>>) {
        let (worker, reporter) = (self.options.worker.clone(), self.options.reporter.clone());
        let name = connector.to_owned();
        self.lanes.stop(connector, async move {
            worker.stop_connectors(std::slice::from_ref(&name)).await;
            if marked {
                reporter.connector(&name, State::Restarting, None, None);
            }
        });
        self.start_connector(connector, reply);
    }

    /// Brings the instance, if it runs here, to another target state.
    pub(super) fn change_target_state(&mut self, connector: &str, target: TargetState) {
        let Some(instance) = self.instances.get_mut(connector) else { return };
        instance.target = target;
        let attempt = instance.attempt;
        let (worker, reports, connector) = (self.options.worker.clone(), self.reports.clone(), connector.to_owned());
        self.lanes.run(&connector.clone(), async move {
            let reached = worker.set_connector_target_state(&connector, target, deadline()).await;
            let started = reached.map(|_| ()).map_err(|error| error.to_string());
            if target == TargetState::Started || started.is_err() {
                drop(reports.send(Report::ConnectorStarted { connector, attempt, started, reply: None }));
            }
        });
    }

    /// What a start leads to: new task configs, or the answer that it failed. A start that a later one overtook leads to nothing.
    pub(super) fn connector_started(
        &mut self,
        connector: &str,
        attempt: u64,
        started: Result<(), String>,
        reply: Option<Reply<()>>,
    ) {
        let current = self.instances.get_mut(connector).filter(|instance| instance.attempt == attempt);
        let (wants_tasks, again) = current.map_or((false, false), |instance| {
            instance.starting = false;
            (instance.target == TargetState::Started, std::mem::take(&mut instance.again))
        });
        match started {
            Ok(()) if wants_tasks => self.request_task_configs(connector, reply),
            Ok(()) => answer(reply, Ok(())),
            Err(error) => {
                warn!(connector, error, "the connector did not reach its target state");
                answer(reply, Err(HerderError::Internal(format!("Failed to start connector: {connector}"))));
                if again {
                    self.restart_connector(connector, false, None);
                }
            }
        }
    }

    /// Commands instances to stop for good.
    fn stop_connectors(&mut self, connectors: Vec<String>) {
        for connector in connectors {
            info!(connector, "stopping connector");
            self.instances.remove(&connector);
            self.stopping_instances.insert(connector.clone());
            self.retries.forget(&connector);
            self.applied.remove(&connector);
            let (worker, reports) = (self.options.worker.clone(), self.reports.clone());
            self.lanes.stop(&connector.clone(), async move {
                worker.stop_connectors(std::slice::from_ref(&connector)).await;
                drop(reports.send(Report::ConnectorsStopped(vec![connector])));
            });
        }
    }

    /// Commands tasks to stop; a [`Report::TasksStopped`] follows when all have stopped or were fenced.
    pub(super) fn stop_tasks(&mut self, tasks: Vec<ConnectorTaskId>, then: AfterStop) {
        let tasks: Vec<ConnectorTaskId> = tasks.into_iter().filter(|id| self.stopping.insert(id.clone())).collect();
        for id in &tasks {
            self.tasks.remove(id);
        }
        if tasks.is_empty() && matches!(then, AfterStop::Nothing) {
            return;
        }
        let (worker, reports) = (self.options.worker.clone(), self.reports.clone());
        self.beside(async move {
            worker.stop_tasks(&tasks).await;
            drop(reports.send(Report::TasksStopped { tasks, then }));
        });
    }

    /// The confirmation of a stop, and what was to follow it.
    pub(super) fn tasks_stopped(&mut self, tasks: &[ConnectorTaskId], then: AfterStop) {
        for id in tasks {
            self.stopping.remove(id);
        }
        self.look_for_stale_statuses();
        match then {
            AfterStop::Nothing => {}
            AfterStop::Rejoin => self.wants_rejoin = true,
            AfterStop::Start(reply) => self.start_again(tasks, reply),
        }
    }
}

/// Whether the task is in the committed set of its connector.
fn is_configured(snapshot: &ClusterConfigState, id: &ConnectorTaskId) -> bool {
    let count = snapshot.task_counts.get(&id.connector).copied().unwrap_or(0);
    id.task < count && snapshot.contains(&id.connector) && !snapshot.inconsistent.contains(&id.connector)
}

/// Answers a caller that may have gone.
pub(super) fn answer<T>(reply: Option<Reply<T>>, result: Result<T, HerderError>) {
    if let Some(reply) = reply {
        // The caller's time may be up; the operation went on without it.
        drop(reply.send(result));
    }
}
