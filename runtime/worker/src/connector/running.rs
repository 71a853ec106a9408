//! The worker's handle of a connector's thread.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use sluice_api::{ConnectError, ConnectorPlugin, ErrorKind, Properties};
use sluice_storage::{State, TargetState};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::instance::Instance;
use crate::events::WorkerEvent;
use crate::lease::Lease;
use crate::metrics::ConnectorMetrics;
use crate::panic_trace;
use crate::worker::{WorkerOptions, lock, until};

/// The state of an instance (connect-worker.md 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum InstanceState {
    Init,
    Started,
    Paused,
    Stopped,
    Failed,
}

/// What the thread is asked for.
pub(super) enum Request {
    /// Take the newest target state from [`Shared::target`].
    Transition,
    TaskConfigs {
        max_tasks: usize,
        answer: oneshot::Sender<Result<Vec<Properties>, ConnectError>>,
    },
    Fail(ConnectError),
}

/// A state that was asked for, and who waits for it.
pub(super) struct Target {
    pub(super) state: TargetState,
    pub(super) answer: oneshot::Sender<Result<TargetState, ConnectError>>,
}

/// What handle and thread share.
pub(super) struct Shared {
    pub(super) state: AtomicU8,
    /// The newest request that was not begun.
    pub(super) target: Mutex<Option<Target>>,
    pub(super) lease: Lease,
}

/// A connector instance with its thread.
pub(crate) struct RunningConnector {
    name: String,
    plugin: Arc<dyn ConnectorPlugin>,
    requests: mpsc::UnboundedSender<Request>,
    stop: watch::Sender<bool>,
    finished: watch::Receiver<bool>,
    shared: Arc<Shared>,
    options: Arc<WorkerOptions>,
}

impl RunningConnector {
    /// Starts the thread `connector-thread-NAME`; the connector itself waits for the first transition.
    pub(crate) fn spawn(
        name: &str,
        config: Properties,
        plugin: Arc<dyn ConnectorPlugin>,
        options: &Arc<WorkerOptions>,
        events: &mpsc::UnboundedSender<WorkerEvent>,
    ) -> Result<Self, ConnectError> {
        let (requests, request_rx) = mpsc::unbounded_channel();
        let (stop, stop_rx) = watch::channel(false);
        let (finished_tx, finished) = watch::channel(false);
        let shared = Shared {
            state: AtomicU8::new(InstanceState::Init as u8),
            target: Mutex::default(),
            lease: Lease::new(&options.tenure),
        };
        let shared = Arc::new(shared);
        options.metrics.set_connector(
            name,
            ConnectorMetrics {
                class: plugin.class().to_owned(),
                kind: plugin.kind(),
                version: plugin.version().to_owned(),
                state: State::Unassigned,
            },
        );
        let instance = Instance {
            name: name.to_owned(),
            config,
            version: plugin.version().to_owned(),
            shared: shared.clone(),
            requests: requests.downgrade(),
            statuses: options.statuses.clone(),
            metrics: options.metrics.clone(),
            events: events.clone(),
            stop: stop_rx,
            was_running: false,
        };
        let made_by = plugin.clone();
        let body = move || {
            instance.run(&*made_by, request_rx);
            finished_tx.send_replace(true);
        };
        std::thread::Builder::new().name(format!("connector-thread-{name}")).spawn(body).map_err(|error| {
            ConnectError::connect(format!("starting the thread of connector {name}")).with_source(error)
        })?;
        Ok(Self { name: name.to_owned(), plugin, requests, stop, finished, shared, options: options.clone() })
    }

    pub(crate) fn plugin(&self) -> &Arc<dyn ConnectorPlugin> {
        &self.plugin
    }

    pub(crate) fn is_running(&self) -> bool {
        self.shared.state.load(Ordering::Acquire) == InstanceState::Started as u8
    }

    /// Asks for a state and waits for it until `deadline`.
    pub(crate) async fn transition(&self, state: TargetState, deadline: Instant) -> Result<TargetState, ConnectError> {
        let (answer, answered) = oneshot::channel();
        let overtaken = lock(&self.shared.target).replace(Target { state, answer });
        if let Some(overtaken) = overtaken {
            let text = format!(
                "Could not begin changing connector state to {} before another request to change state was made; the new request \
                 (which is to change the state to {}) has pre-empted this one",
                name_of(overtaken.state),
                name_of(state)
            );
            // Whoever asked may have stopped waiting.
            drop(overtaken.answer.send(Err(ConnectError::new(ErrorKind::Conflict, text))));
        }
        self.ask(Request::Transition);
        self.answer(answered, deadline, "changing its state").await
    }

    /// Asks for task configs and waits for them until `deadline`.
    pub(crate) async fn task_configs(
        &self,
        max_tasks: usize,
        deadline: Instant,
    ) -> Result<Vec<Properties>, ConnectError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::TaskConfigs { max_tasks, answer });
        self.answer(answered, deadline, "generating task configs").await
    }

    /// Makes the instance FAILED.
    pub(crate) fn fail(&self, error: ConnectError) {
        self.ask(Request::Fail(error));
    }

    /// Tells the thread to stop; what the connector is doing is given up where it can be.
    pub(crate) fn begin_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for the thread until `deadline`, then abandons it: UNASSIGNED is written on its behalf.
    pub(crate) async fn end_stop(&self, deadline: Instant) {
        let mut finished = self.finished.clone();
        let in_time = until(deadline, finished.wait_for(|finished| *finished)).await.is_some();
        if !in_time {
            tracing::error!(connector = self.name, "Connector failed to properly shutdown. Abandoning the thread");
            // Invariant 5: the abandoned thread writes no status after this.
            self.shared.lease.cancel_with(|| {
                self.options.statuses.connector(&self.name, State::Unassigned, None, Some(self.plugin.version()));
            });
        }
        self.options.metrics.remove_connector(&self.name);
    }

    /// Ends everything that others could see of the thread, at once and without a last status; the thread goes when it can.
    pub(crate) fn abandon(&self) {
        self.shared.lease.cancel();
        self.begin_stop();
        self.options.metrics.remove_connector(&self.name);
    }

    fn ask(&self, request: Request) {
        // When the thread is gone, so is the answer's sender, which the caller sees.
        drop(self.requests.send(request));
    }

    async fn answer<T>(
        &self,
        answered: oneshot::Receiver<Result<T, ConnectError>>,
        deadline: Instant,
        what: &str,
    ) -> Result<T, ConnectError> {
        match until(deadline, answered).await {
            Some(Ok(answer)) => answer,
            Some(Err(_)) => Err(ConnectError::connect(format!("Connector {} is shutting down", self.name))),
            None => Err(ConnectError::new(
                ErrorKind::Timeout,
                format!("Connector {} did not finish {what} in time", self.name),
            )),
        }
    }
}

/// Runs connector code that is no future; a panic in it becomes an error.
pub(super) fn guarded<T>(body: impl FnOnce() -> T) -> Result<T, ConnectError> {
    panic_trace::catch(body)
}

fn name_of(state: TargetState) -> &'static str {
    match state {
        TargetState::Started => "STARTED",
        TargetState::Paused => "PAUSED",
        TargetState::Stopped => "STOPPED",
    }
}
