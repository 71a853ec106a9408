//! What an operation on one connector does, under that connector's lock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sluice_api::Properties;
use sluice_plugins::Registry;
use sluice_storage::{
    ClusterConfigState, ConfigBackingStore, ConnectorTaskId, RestartRequest, State, StatusBackingStore, TargetState,
};
use sluice_worker::{StatusReporter, TaskConfigs, Worker};
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use crate::herder::Result;
use crate::restart_plan::RestartPlan;
use crate::{ConnectorStateInfo, HerderError};

/// Until when a connector that is asked now has to have started or given its task configs.
fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(90)
}

/// The pauses between attempts to get a connector's task configs: the first, doubling to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The connectors of a standalone worker. Methods that change a connector take its lock through [`Connectors::lock`].
pub(super) struct Connectors {
    pub(super) registry: Arc<Registry>,
    pub(super) configs: Arc<dyn ConfigBackingStore>,
    pub(super) statuses: Arc<dyn StatusBackingStore>,
    pub(super) reporter: Arc<StatusReporter>,
    pub(super) worker: Arc<Worker>,
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// The number of the last time that a connector's task configs were wanted: older attempts give up.
    reconfigurations: Mutex<HashMap<String, u64>>,
    /// The fingerprint of the resolved config that each connector's tasks run with.
    applied: Mutex<HashMap<String, u64>>,
    stopping: AtomicBool,
}

impl Connectors {
    pub(super) fn new(
        registry: Arc<Registry>,
        configs: Arc<dyn ConfigBackingStore>,
        statuses: Arc<dyn StatusBackingStore>,
        reporter: Arc<StatusReporter>,
        worker: Arc<Worker>,
    ) -> Self {
        Self {
            registry,
            configs,
            statuses,
            reporter,
            worker,
            locks: Mutex::default(),
            reconfigurations: Mutex::default(),
            applied: Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Waits for earlier operations on the connector.
    pub(super) async fn lock(&self, connector: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            locks.entry(connector.to_owned()).or_default().clone()
        };
        lock.lock_owned().await
    }

    /// Stops everything; operations that are under way start nothing any more.
    pub(super) async fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.worker.stop().await;
        // What an operation was starting at that very moment.
        self.worker.stop().await;
    }

    fn check_runs(&self) -> Result<()> {
        if self.stopping.load(Ordering::SeqCst) {
            return Err(HerderError::Internal("Worker is shutting down".to_owned()));
        }
        Ok(())
    }

    /// Updates the connector's tasks beside everything else, and tries again until that works, the connector no longer runs or a
    /// later call takes over.
    pub(super) fn reconfigure(self: &Arc<Self>, connector: String) {
        let number = self.next_reconfiguration(&connector);
        let connectors = self.clone();
        tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            while let Err(error) = connectors.update_tasks_in_turn(&connector).await {
                warn!(connector, %error, "the connector's tasks stay as they are; trying again");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                if connectors.last_reconfiguration(&connector) != number
                    || !connectors.worker.is_connector_running(&connector)
                {
                    return;
                }
            }
        });
    }

    async fn update_tasks_in_turn(&self, connector: &str) -> Result<()> {
        let _turn = self.lock(connector).await;
        self.update_tasks(connector).await
    }

    fn next_reconfiguration(&self, connector: &str) -> u64 {
        let mut numbers = self.reconfigurations.lock().unwrap_or_else(PoisonError::into_inner);
        let number = numbers.entry(connector.to_owned()).or_default();
        *number += 1;
        *number
    }

    fn last_reconfiguration(&self, connector: &str) -> u64 {
        let numbers = self.reconfigurations.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.get(connector).copied().unwrap_or(0)
    }

    fn applied(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Restarts an instance whose config's values have lived their time; its tasks follow when their configs have changed.
    pub(super) fn reload(self: &Arc<Self>, connector: String) {
        let connectors = self.clone();
        tokio::spawn(async move {
            let _turn = connectors.lock(&connector).await;
            if !connectors.snapshot().contains(&connector) {
                return;
            }
            info!(connector, "values of the connector's config have lived their time");
            if let Err(error) = connectors.restart_instance(&connector).await {
                error!(connector, %error, "the connector did not start again");
            }
        });
    }

    pub(super) fn snapshot(&self) -> Arc<ClusterConfigState> {
        self.configs.snapshot()
    }

    /// Stores the config and runs it: instance first, then tasks. A start that fails leaves the config stored.
    pub(super) async fn run_with(&self, connector: &str, config: Properties, state: Option<TargetState>) -> Result<()> {
        if self.snapshot().contains(connector) {
            self.stop_instance(connector).await;
        }
        self.configs.put_connector_config(connector, &config, state).await.map_err(internal)?;
        self.start_instance(connector).await?;
        self.update_tasks(connector).await
    }

    /// Starts the instance with the stored config and target state.
    pub(super) async fn start_instance(&self, connector: &str) -> Result<()> {
        self.check_runs()?;
        let snapshot = self.snapshot();
        let config = snapshot.connector_configs.get(connector).ok_or_else(|| not_found(connector))?;
        let target = snapshot.target_state(connector).unwrap_or(TargetState::Started);
        let started = self.worker.start_connector(connector, config, target, deadline()).await;
        started.map(|_| ()).map_err(internal)
    }

    pub(super) async fn stop_instance(&self, connector: &str) {
        self.worker.stop_connectors(&[connector.to_owned()]).await;
    }

    /// Asks the connector for its task configs and, when they are news, replaces its tasks.
    pub(super) async fn update_tasks(&self, connector: &str) -> Result<()> {
        let snapshot = self.snapshot();
        let Some(config) = snapshot.connector_configs.get(connector) else { return Ok(()) };
        if snapshot.target_state(connector) != Some(TargetState::Started) || self.check_runs().is_err() {
            return Ok(());
        }
        let wanted = self.worker.connector_task_configs(connector, config, deadline()).await;
        let wanted =
            wanted.inspect_err(|error| error!(connector, %error, "cannot get the connector's task configs"))?;
        let TaskConfigs { configs: wanted, fingerprint } = wanted;
        let committed = snapshot.tasks(connector);
        let same = self.applied().get(connector).is_none_or(|applied| *applied == fingerprint)
            && committed.len() == wanted.len()
            && committed.iter().zip(&wanted).all(|(id, config)| snapshot.task_configs.get(id) == Some(config))
            && snapshot.applied_configs.get(connector) == Some(config);
        if same {
            self.applied().insert(connector.to_owned(), fingerprint);
            return Ok(());
        }
        self.remove_tasks(connector).await?;
        self.configs.put_task_configs(connector, &wanted).await.map_err(internal)?;
        self.applied().insert(connector.to_owned(), fingerprint);
        self.start_tasks(&self.snapshot().tasks(connector));
        Ok(())
    }

    /// Starts tasks with their stored configs; those that fail show it in their status.
    pub(super) fn start_tasks(&self, tasks: &[ConnectorTaskId]) -> bool {
        if self.check_runs().is_err() {
            return false;
        }
        let snapshot = self.snapshot();
        let start = |id: &ConnectorTaskId| {
            let connector_config = snapshot.connector_configs.get(&id.connector)?;
            let task_config = snapshot.task_configs.get(id)?;
            let target = snapshot.target_state(&id.connector).unwrap_or(TargetState::Started);
            Some(self.worker.start_task(id.clone(), connector_config, task_config, target))
        };
        // One that fails does not keep the others from starting.
        let failed = tasks.iter().filter(|id| !start(id).unwrap_or(false)).count();
        failed == 0
    }

    /// Stops the connector's tasks and forgets their configs and statuses.
    pub(super) async fn remove_tasks(&self, connector: &str) -> Result<()> {
        let tasks = self.snapshot().tasks(connector);
        if tasks.is_empty() {
            return Ok(());
        }
        self.worker.stop_tasks(&tasks).await;
        self.configs.put_task_configs(connector, &[]).await.map_err(internal)?;
        tasks.iter().for_each(|id| self.reporter.task(id, State::Destroyed, None, None));
        Ok(())
    }

    /// Stops and forgets the connector.
    pub(super) async fn delete(&self, connector: &str) -> Result<()> {
        if !self.snapshot().contains(connector) {
            return Err(not_found(connector));
        }
        self.remove_tasks(connector).await?;
        self.stop_instance(connector).await;
        self.configs.remove_connector_config(connector).await.map_err(internal)?;
        for status in self.statuses.topics(connector) {
            self.statuses.delete_topic(connector, &status.topic);
        }
        self.reporter.connector(connector, State::Destroyed, None, None);
        Ok(())
    }

    /// Pauses, resumes or stops.
    pub(super) async fn set_target_state(&self, connector: &str, state: TargetState) -> Result<()> {
        if state == TargetState::Stopped {
            self.remove_tasks(connector).await?;
        }
        self.configs.put_target_state(connector, state).await.map_err(internal)?;
        self.worker.set_task_target_state(connector, state);
        let reached = self.worker.set_connector_target_state(connector, state, deadline()).await;
        if let Err(error) = reached {
            error!(connector, %error, "the connector did not reach its target state");
            return Ok(());
        }
        self.update_tasks(connector).await
    }

    /// Restarts the instance; task configs are asked for again.
    pub(super) async fn restart_instance(&self, connector: &str) -> Result<()> {
        if !self.snapshot().contains(connector) {
            return Err(not_found(connector));
        }
        self.stop_instance(connector).await;
        self.start_instance(connector).await?;
        self.update_tasks(connector).await
    }

    /// Restarts one task.
    pub(super) async fn restart_task(&self, id: &ConnectorTaskId) -> Result<()> {
        let snapshot = self.snapshot();
        if !snapshot.contains(&id.connector) {
            return Err(not_found(&id.connector));
        }
        if !snapshot.tasks(&id.connector).contains(id) {
            return Err(HerderError::NotFound(format!("Task {id} not found")));
        }
        self.worker.stop_tasks(std::slice::from_ref(id)).await;
        match self.start_tasks(std::slice::from_ref(id)) {
            true => Ok(()),
            false => Err(HerderError::Internal(format!("Failed to start task: {id}"))),
        }
    }

    /// Restarts what the plan names, before it answers.
    pub(super) async fn restart(&self, request: &RestartRequest) -> Result<ConnectorStateInfo> {
        let connector = &request.connector;
        let snapshot = self.snapshot();
        if !snapshot.contains(connector) {
            return Err(HerderError::NotFound(format!("Unknown connector: {connector}")));
        }
        let plan = RestartPlan::new(request, &snapshot, self.statuses.as_ref())
            .ok_or_else(|| HerderError::NotFound(format!("Status for connector {connector} not found")))?;
        if plan.connector {
            self.stop_instance(connector).await;
            self.reporter.connector(connector, State::Restarting, None, None);
        }
        self.worker.stop_tasks(&plan.tasks).await;
        plan.tasks.iter().for_each(|id| self.reporter.task(id, State::Restarting, None, None));
        if plan.connector
            && let Err(error) = self.start_instance(connector).await
        {
            error!(connector, %error, "the connector did not start again");
        }
        self.start_tasks(&plan.tasks);
        Ok(plan.as_state_info(&self.registry, &snapshot))
    }
}

pub(super) fn not_found(connector: &str) -> HerderError {
    HerderError::NotFound(format!("Connector {connector} not found"))
}

fn internal(error: impl std::fmt::Display) -> HerderError {
    HerderError::Internal(error.to_string())
}
