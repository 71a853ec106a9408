//! The data plane of a simulated worker: connector instances that do little, and source tasks that read, send, are acknowledged
//! and commit. It asks the real tenure at every act, and keeps its books with the real `SubmittedRecords`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::connector::AlteredOffsets;
use sluice_api::{ConnectError, ErrorKind, OffsetMap, Properties};
use sluice_kafka::Tenure;
use sluice_storage::{ConnectorTaskId, State, TargetState};
use sluice_worker::{Metrics, StatusReporter, TaskConfigs};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::ledger::{Item, RunLease};
use super::task::{SimTask, TaskOrder};
use super::world::{Clock, ProcessId, World};
use crate::DataPlane;

/// `task.shutdown.graceful.timeout.ms`.
pub(super) const GRACEFUL_TIMEOUT: Duration = Duration::from_secs(5);

/// What a process runs.
pub(super) struct SimPlane {
    world: World,
    process: ProcessId,
    clock: Clock,
    tenure: Tenure,
    reporter: Arc<StatusReporter>,
    metrics: Metrics,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    runs: u64,
    connectors: BTreeMap<String, (RunLease, TargetState)>,
    tasks: BTreeMap<ConnectorTaskId, Task>,
    /// Runs whose stop is not confirmed.
    stopping: Vec<(Item, RunLease)>,
}

struct Task {
    lease: RunLease,
    orders: watch::Sender<TaskOrder>,
    ended: tokio::task::JoinHandle<()>,
}

impl SimPlane {
    pub(super) fn new(
        world: World,
        process: ProcessId,
        clock: Clock,
        tenure: Tenure,
        reporter: Arc<StatusReporter>,
    ) -> Arc<Self> {
        let (metrics, running) = (Metrics::new(), Mutex::default());
        Arc::new(Self { world, process, clock, tenure, reporter, metrics, running })
    }

    /// Runs whose stop is not confirmed.
    pub(super) fn is_stopping(&self) -> bool {
        !self.running().stopping.is_empty()
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Invariant 5: a run begins, and nobody else may be able to act for the item.
    fn begin(&self, running: &mut Running, item: &Item) -> RunLease {
        running.runs += 1;
        let lease = RunLease::new(self.process, running.runs, self.clock.clone(), self.tenure.clone());
        let now = self.clock.now();
        let mut state = self.world.state();
        state.note(|| format!("w{} starts {item}", self.process.worker));
        if running.stopping.iter().any(|(stopping, lease)| stopping == item && !lease.is_cancelled()) {
            state.violated(|| format!("{item} starts on w{} before its stop was confirmed there", self.process.worker));
        }
        if !lease.is_held() && state.planted == super::planted::Planted::None {
            state.note(|| format!("{item} starts without a tenure and can do nothing"));
        }
        if let Err(what) = state.ledger.start(now, item, &lease) {
            state.violated_unless_forgotten(what);
        }
        lease
    }

    fn end(&self, item: &Item, lease: &RunLease) {
        self.running().stopping.retain(|(stopping, other)| stopping != item || other.run != lease.run);
        let mut state = self.world.state();
        state.note(|| format!("w{} has stopped {item}", self.process.worker));
        state.ledger.stop(item, lease);
    }

    /// Writes a status as the real threads do: under their lease.
    fn report(&self, lease: &RunLease, report: impl FnOnce(&StatusReporter)) {
        if lease.is_held() {
            report(&self.reporter);
        }
    }
}

#[async_trait]
impl DataPlane for SimPlane {
    async fn start_connector(
        &self,
        name: &str,
        _: &Properties,
        target: TargetState,
        _: Instant,
    ) -> Result<TargetState, ConnectError> {
        let item = Item::Connector(name.to_owned());
        let lease = {
            let mut running = self.running();
            if running.connectors.contains_key(name) {
                return Err(ConnectError::new(ErrorKind::AlreadyExists, "it exists"));
            }
            let lease = self.begin(&mut running, &item);
            running.connectors.insert(name.to_owned(), (lease.clone(), target));
            lease
        };
        let pause = self.world.state().random.millis(0, 30);
        sleep(pause).await;
        self.report(&lease, |reporter| reporter.connector(name, state_of(target), None, None));
        Ok(target)
    }

    async fn set_connector_target_state(
        &self,
        name: &str,
        target: TargetState,
        _: Instant,
    ) -> Result<TargetState, ConnectError> {
        let mut running = self.running();
        let missing = || ConnectError::new(ErrorKind::NotFound, "it is not here");
        let (lease, current) = running.connectors.get_mut(name).ok_or_else(missing)?;
        *current = target;
        let lease = lease.clone();
        drop(running);
        self.report(&lease, |reporter| reporter.connector(name, state_of(target), None, None));
        Ok(target)
    }

    async fn stop_connectors(&self, names: &[String]) {
        let stopping: Vec<(Item, RunLease)> = {
            let mut running = self.running();
            let gone = names.iter().filter_map(|name| running.connectors.remove_entry(name));
            let gone: Vec<_> = gone.map(|(name, (lease, _))| (Item::Connector(name), lease)).collect();
            running.stopping.extend(gone.iter().cloned());
            gone
        };
        let pause = self.world.state().random.millis(0, 50);
        sleep(pause).await;
        for (item, lease) in stopping {
            if let Item::Connector(name) = &item {
                self.report(&lease, |reporter| reporter.connector(name, State::Unassigned, None, None));
            }
            lease.cancel();
            self.end(&item, &lease);
        }
    }

    async fn connector_task_configs(
        &self,
        name: &str,
        config: &Properties,
        _: Instant,
    ) -> Result<TaskConfigs, ConnectError> {
        if !self.running().connectors.contains_key(name) {
            return Err(ConnectError::new(ErrorKind::NotFound, "it is not here"));
        }
        let configs = task_configs(config);
        Ok(TaskConfigs { configs, fingerprint: 0 })
    }

    fn start_task(&self, id: ConnectorTaskId, _: &Properties, task_config: &Properties, target: TargetState) -> bool {
        let mut running = self.running();
        if running.tasks.contains_key(&id) {
            return false;
        }
        let lease = self.begin(&mut running, &Item::Task(id.clone()));
        self.report(&lease, |reporter| reporter.task(&id, state_of(target), None, None));
        let (orders, orders_rx) = watch::channel(TaskOrder::of(target));
        let slow_stop = task_config.get("slow.stop.ms").and_then(|millis| millis.parse().ok()).unwrap_or(0);
        let task = SimTask {
            world: self.world.clone(),
            clock: self.clock.clone(),
            id: id.clone(),
            lease: lease.clone(),
            slow_stop: Duration::from_millis(slow_stop),
        };
        let ended = tokio::spawn(task.run(orders_rx));
        running.tasks.insert(id, Task { lease, orders, ended });
        true
    }

    async fn stop_tasks(&self, ids: &[ConnectorTaskId]) {
        let stopping: Vec<(ConnectorTaskId, Task)> = {
            let mut running = self.running();
            let gone: Vec<_> = ids.iter().filter_map(|id| running.tasks.remove_entry(id)).collect();
            running.stopping.extend(gone.iter().map(|(id, task)| (Item::Task(id.clone()), task.lease.clone())));
            gone
        };
        let deadline = Instant::now() + GRACEFUL_TIMEOUT;
        for (_, task) in &stopping {
            task.orders.send_replace(TaskOrder::Stop);
        }
        for (id, Task { lease, ended, .. }) in stopping {
            if timeout(deadline.saturating_duration_since(Instant::now()), ended).await.is_ok() {
                self.report(&lease, |reporter| reporter.task(&id, State::Unassigned, None, None));
            }
            lease.cancel();
            self.end(&Item::Task(id), &lease);
        }
    }

    fn set_task_target_state(&self, connector: &str, target: TargetState) {
        for (id, task) in self.running().tasks.iter().filter(|(id, _)| id.connector == connector) {
            task.orders.send_replace(TaskOrder::of(target));
            self.report(&task.lease, |reporter| reporter.task(id, state_of(target), None, None));
        }
    }

    fn abandon(&self) {
        let mut running = self.running();
        let connectors = std::mem::take(&mut running.connectors);
        let tasks = std::mem::take(&mut running.tasks);
        let stopping = std::mem::take(&mut running.stopping);
        drop(running);
        let connectors = connectors.into_iter().map(|(name, (lease, _))| (Item::Connector(name), lease));
        let tasks = tasks.into_iter().map(|(id, task)| {
            task.orders.send_replace(TaskOrder::Stop);
            (Item::Task(id), task.lease)
        });
        for (item, lease) in connectors.chain(tasks).chain(stopping) {
            lease.cancel();
            let mut state = self.world.state();
            state.note(|| format!("w{} abandons {item}", self.process.worker));
            state.ledger.stop(&item, &lease);
        }
    }

    fn connectors(&self) -> Vec<String> {
        self.running().connectors.keys().cloned().collect()
    }

    fn tasks(&self) -> Vec<ConnectorTaskId> {
        self.running().tasks.keys().cloned().collect()
    }

    fn is_connector_running(&self, name: &str) -> bool {
        self.running().connectors.get(name).is_some_and(|(_, target)| *target == TargetState::Started)
    }

    async fn fence_zombies(&self, _: &str, _: u32, _: &Properties) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn connector_offsets(
        &self,
        _: &str,
        _: &Properties,
    ) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, ConnectError> {
        Ok(Vec::new())
    }

    async fn alter_connector_offsets(
        &self,
        _: &str,
        _: &Properties,
        _: &AlteredOffsets,
    ) -> Result<String, ConnectError> {
        Ok(String::new())
    }

    async fn reset_connector_offsets(&self, _: &str, _: &Properties) -> Result<String, ConnectError> {
        Ok(String::new())
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

/// As many tasks as `tasks.max` says, each with the connector's config.
pub(super) fn task_configs(config: &Properties) -> Vec<Properties> {
    let count = config.get("tasks.max").and_then(|max| max.parse().ok()).unwrap_or(1);
    vec![config.clone(); count]
}

fn state_of(target: TargetState) -> State {
    match target {
        TargetState::Started => State::Running,
        TargetState::Paused => State::Paused,
        TargetState::Stopped => State::Stopped,
    }
}
