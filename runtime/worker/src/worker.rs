//! The worker: what the herder starts, stops and asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sluice_api::{ConnectError, ConnectorPlugin, Properties};
use sluice_kafka::Tenure;
use sluice_plugins::Registry;
use sluice_storage::{ConnectorTaskId, OffsetBackingStore, State, TargetState};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::config::WorkerConfig;
use crate::connector::{RunningConnector, TaskConfigs, task_configs};
use crate::events::WorkerEvent;
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use crate::reload::Reloads;
use crate::status::StatusReporter;
use crate::task::{RunningTask, TaskPlan};

/// How long a batch of connectors may take to stop.
const CONNECTOR_STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// What a worker runs with. Stores are started and stopped by whoever made them.
#[derive(Clone)]
pub struct WorkerOptions {
    /// `host:port` of the advertised REST address.
    pub worker_id: String,
    /// The worker's parsed properties.
    pub config: Arc<WorkerConfig>,
    /// The plugins.
    pub registry: Arc<Registry>,
    /// Source offsets.
    pub offsets: Arc<dyn OffsetBackingStore>,
    /// Statuses.
    pub statuses: Arc<StatusReporter>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// `group.id`, `None` in standalone.
    pub group_id: Option<String>,
    /// For how long this worker may act.
    pub tenure: Tenure,
}

/// Runs connector instances and tasks, each on a thread of its own.
///
/// No method waits for connector code longer than its deadline says (Invariant 8). Configs are given as they are stored; the
/// variables of config providers are replaced here, each time anew, and what goes back to the herder has none of their values
/// (Invariant 9). Must be called within a tokio runtime.
pub struct Worker {
    options: Arc<WorkerOptions>,
    events: mpsc::UnboundedSender<WorkerEvent>,
    connectors: Mutex<BTreeMap<String, Arc<RunningConnector>>>,
    tasks: Mutex<BTreeMap<ConnectorTaskId, Arc<RunningTask>>>,
    /// Tasks that were told to stop and are waited for.
    pub(crate) stopping: Mutex<Vec<Weak<RunningTask>>>,
    /// Connector instances likewise.
    stopping_connectors: Mutex<Vec<Weak<RunningConnector>>>,
    memory: Arc<MemoryBudget>,
    pub(crate) reloads: Reloads,
}

impl Worker {
    /// A worker that runs nothing yet, and the channel of what happens on its threads.
    pub fn new(options: WorkerOptions) -> (Arc<Self>, mpsc::UnboundedReceiver<WorkerEvent>) {
        let (events, receiver) = mpsc::unbounded_channel();
        let memory = Arc::new(MemoryBudget::new(options.config.memory_budget_bytes));
        let reloads = Reloads::new(events.clone());
        let worker = Self {
            options: Arc::new(options),
            events,
            connectors: Mutex::default(),
            tasks: Mutex::default(),
            stopping: Mutex::default(),
            stopping_connectors: Mutex::default(),
            memory,
            reloads,
        };
        (Arc::new(worker), receiver)
    }

    /// Starts a connector instance and brings it to `target`; returns the state that it reached. It is known to the worker from
    /// the first moment, and stays so when it fails, until it is stopped.
    ///
    /// Cancel safety: the start goes on when the future is dropped.
    ///
    /// # Errors
    /// `AlreadyExists` when it runs here; `Timeout` after `deadline`, while the start goes on; else why it became FAILED.
    pub async fn start_connector(
        &self,
        name: &str,
        config: &Properties,
        target: TargetState,
        deadline: Instant,
    ) -> Result<TargetState, ConnectError> {
        // Reads files: not while others wait for the lock.
        let resolved = self.resolved(name, config);
        let connector = {
            let mut connectors = lock(&self.connectors);
            self.require_tenure()?;
            if connectors.contains_key(name) {
                return Err(ConnectError::new(
                    sluice_api::ErrorKind::AlreadyExists,
                    format!("Connector with name {name} already exists"),
                ));
            }
            let config = resolved.inspect_err(|error| self.connector_unstartable(name, error))?.properties;
            let plugin = self.plugin(&config).inspect_err(|error| self.connector_unstartable(name, error))?;
            let connector = RunningConnector::spawn(name, config, plugin, &self.options, &self.events)
                .inspect_err(|error| self.connector_unstartable(name, error))?;
            let connector = Arc::new(connector);
            connectors.insert(name.to_owned(), connector.clone());
            connector
        };
        connector.transition(target, deadline).await
    }

    /// Brings a connector instance to `target`: pause and stop call `Connector::stop`, resume calls `Connector::start` on the same
    /// instance. Returns the state that it reached.
    ///
    /// # Errors
    /// `NotFound` when it does not run here; `Conflict` when a later request came before this one was begun; `Timeout` after
    /// `deadline`, while the change goes on; else why it failed.
    pub async fn set_connector_target_state(
        &self,
        name: &str,
        target: TargetState,
        deadline: Instant,
    ) -> Result<TargetState, ConnectError> {
        self.connector(name)?.transition(target, deadline).await
    }

    /// Stops connector instances, all within five seconds; late ones are abandoned. Their status is UNASSIGNED in either case.
    /// Unknown names are ignored. A stopped connector can be started again at once.
    pub async fn stop_connectors(&self, names: &[String]) {
        self.reloads.forget(names);
        let stopping: Vec<_> = {
            let mut connectors = lock(&self.connectors);
            let stopping: Vec<_> = names.iter().filter_map(|name| connectors.remove(name)).collect();
            remember(&self.stopping_connectors, &stopping);
            stopping
        };
        let deadline = Instant::now() + CONNECTOR_STOP_TIMEOUT;
        for connector in &stopping {
            connector.begin_stop();
        }
        for connector in stopping {
            connector.end_stop(deadline).await;
        }
    }

    /// Asks a connector instance for task configs; each gets `task.class`, `topics` and `topics.regex` as Kafka Connect adds them.
    /// They come as they are to be stored, with the variables of `config` in place of values.
    ///
    /// # Errors
    /// `NotFound` when it does not run here; `Timeout` after `deadline`; too many tasks while `tasks.max.enforce` is on (the
    /// connector becomes FAILED); what the connector says.
    pub async fn connector_task_configs(
        &self,
        name: &str,
        config: &Properties,
        deadline: Instant,
    ) -> Result<TaskConfigs, ConnectError> {
        let connector = self.connector(name)?;
        let resolved = self.resolved(name, config)?;
        let registry = &self.options.registry;
        let mut configs = task_configs::generate(&connector, registry, name, &resolved.properties, deadline).await?;
        configs.iter_mut().for_each(|task_config| resolved.unresolve(config, task_config));
        Ok(TaskConfigs { configs, fingerprint: resolved.fingerprint() })
    }

    /// Starts a task; `false` when that failed at once, which its status then says.
    ///
    /// A task that runs here already is left alone.
    pub fn start_task(
        &self,
        id: ConnectorTaskId,
        connector_config: &Properties,
        task_config: &Properties,
        target: TargetState,
    ) -> bool {
        // Reads files: not while others wait for the lock.
        let resolved = self.resolved_task(&id.connector, connector_config, task_config);
        let mut tasks = lock(&self.tasks);
        if tasks.contains_key(&id) {
            tracing::warn!(connector = id.connector, task = id.task, "the task runs here already");
            return false;
        }
        let class = resolved.as_ref().map_or(connector_config, |(connector_config, _)| connector_config);
        let version = self.plugin(class).map(|plugin| plugin.version().to_owned()).ok();
        let plan = resolved.and_then(|(connector_config, task_config)| {
            TaskPlan::new(id.clone(), connector_config, task_config, &self.options)
        });
        let started = plan.and_then(|plan| RunningTask::spawn(plan, target, &self.options, &self.memory, &self.events));
        match started {
            Ok(task) => {
                tasks.insert(id, Arc::new(task));
                true
            }
            Err(error) => {
                tracing::error!(connector = id.connector, task = id.task, %error, "Failed to start task");
                self.options.metrics.task_startups.failed();
                self.options.statuses.task(&id, State::Failed, Some(error.trace()), version.as_deref());
                drop(self.events.send(WorkerEvent::TaskFailed { id }));
                false
            }
        }
    }

    /// Stops tasks: all are told at once and share one deadline (`task.shutdown.graceful.timeout.ms`); late ones are cancelled.
    /// Unknown ids are ignored. When this returns, nothing that the tasks still do is seen by others, so a successor may start
    /// (Invariant 5).
    pub async fn stop_tasks(&self, ids: &[ConnectorTaskId]) {
        let stopping: Vec<_> = {
            let mut tasks = lock(&self.tasks);
            let stopping: Vec<_> = ids.iter().filter_map(|id| tasks.remove(id)).collect();
            remember(&self.stopping, &stopping);
            stopping
        };
        let deadline = Instant::now() + self.options.config.task_shutdown_graceful_timeout;
        for task in &stopping {
            task.begin_stop();
        }
        for task in stopping {
            task.end_stop(deadline).await;
        }
        self.memory.divide();
    }

    /// Pauses or resumes the connector's tasks. They report it when they have done it.
    pub fn set_task_target_state(&self, connector: &str, target: TargetState) {
        for (_, task) in lock(&self.tasks).iter().filter(|(id, _)| id.connector == connector) {
            task.set_target(target);
        }
    }

    /// The connector instances that this worker knows, failed ones included, sorted.
    pub fn connectors(&self) -> Vec<String> {
        lock(&self.connectors).keys().cloned().collect()
    }

    /// The tasks that this worker knows, failed ones included, sorted.
    pub fn tasks(&self) -> Vec<ConnectorTaskId> {
        lock(&self.tasks).keys().cloned().collect()
    }

    /// Whether the connector instance is here and STARTED.
    pub fn is_connector_running(&self, name: &str) -> bool {
        lock(&self.connectors).get(name).is_some_and(|connector| connector.is_running())
    }

    /// Stops everything that runs here: connectors, then tasks.
    pub async fn stop(&self) {
        self.stop_connectors(&self.connectors()).await;
        self.stop_tasks(&self.tasks()).await;
    }

    /// The tenure is over: every task and instance is cancelled and forgotten, those included that are about to stop, and what their
    /// producers have queued is purged; no status is written. Returns at once (Invariant 5).
    pub fn abandon(&self) {
        let connectors = std::mem::take(&mut *lock(&self.connectors));
        let tasks = std::mem::take(&mut *lock(&self.tasks));
        self.reloads.forget(&connectors.keys().cloned().collect::<Vec<_>>());
        for task in tasks.into_values().chain(remembered(&self.stopping)) {
            task.begin_stop();
            task.cancel();
        }
        for connector in connectors.into_values().chain(remembered(&self.stopping_connectors)) {
            connector.abandon();
        }
        self.memory.divide();
    }

    /// The counters of this worker.
    pub fn metrics(&self) -> &Metrics {
        &self.options.metrics
    }

    pub(crate) fn options(&self) -> &WorkerOptions {
        &self.options
    }

    pub(crate) fn plugin(&self, config: &Properties) -> Result<Arc<dyn ConnectorPlugin>, ConnectError> {
        let missing =
            || ConnectError::config("Missing required configuration \"connector.class\" which has no default value.");
        let class = config.get("connector.class").ok_or_else(missing)?;
        Ok(self.options.registry.connector(class.trim())?.clone())
    }

    fn connector(&self, name: &str) -> Result<Arc<RunningConnector>, ConnectError> {
        let missing = || {
            ConnectError::new(sluice_api::ErrorKind::NotFound, format!("Connector {name} not found in this worker."))
        };
        lock(&self.connectors).get(name).cloned().ok_or_else(missing)
    }

    /// What was commanded in a tenure that is over is not begun: [`Worker::abandon`] has been here.
    fn require_tenure(&self) -> Result<(), ConnectError> {
        if self.options.tenure.is_held() {
            return Ok(());
        }
        Err(ConnectError::new(sluice_api::ErrorKind::Conflict, "This worker is out of its group"))
    }

    fn connector_unstartable(&self, name: &str, error: &ConnectError) {
        tracing::error!(connector = name, %error, "Failed to start connector");
        self.options.metrics.connector_startups.failed();
        self.options.statuses.connector(name, State::Failed, Some(error.trace()), None);
        drop(self.events.send(WorkerEvent::ConnectorFailed { connector: name.to_owned() }));
    }
}

impl Drop for Worker {
    /// Threads that were not stopped are cancelled, so that none goes on writing for a worker that is gone.
    fn drop(&mut self) {
        for task in lock(&self.tasks).values() {
            task.begin_stop();
            task.cancel();
        }
        for connector in lock(&self.connectors).values() {
            connector.begin_stop();
        }
    }
}

/// Adds what is being stopped, in the place of what has stopped.
fn remember<T>(list: &Mutex<Vec<Weak<T>>>, stopping: &[Arc<T>]) {
    let mut list = lock(list);
    list.retain(|stopped| stopped.strong_count() > 0);
    list.extend(stopping.iter().map(Arc::downgrade));
}

fn remembered<T>(list: &Mutex<Vec<Weak<T>>>) -> Vec<Arc<T>> {
    std::mem::take(&mut *lock(list)).iter().filter_map(Weak::upgrade).collect()
}

/// Waits until `deadline` at most.
pub(crate) async fn until<T>(deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        value = future => Some(value),
        () = sleep_until(deadline) => None,
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
