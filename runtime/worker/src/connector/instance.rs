//! The thread of a connector instance and its state machine (connect-worker.md 5.1).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sluice_api::{ConnectError, Connector, ConnectorContext, ConnectorPlugin, ErrorKind, Properties};
use sluice_storage::{State, TargetState};
use tokio::sync::{mpsc, watch};

use super::events::Events;
use super::running::{InstanceState, Request, Shared, Target, guarded};
use crate::events::WorkerEvent;
use crate::metrics::Metrics;
use crate::panic_trace::catch_in;
use crate::small_runtime::small_runtime;
use crate::status::StatusReporter;
use crate::worker::lock;

/// A connector instance on its thread.
pub(super) struct Instance {
    pub(super) name: String,
    pub(super) config: Properties,
    pub(super) version: String,
    pub(super) shared: Arc<Shared>,
    pub(super) requests: mpsc::WeakUnboundedSender<Request>,
    pub(super) statuses: Arc<StatusReporter>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) events: mpsc::UnboundedSender<WorkerEvent>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) was_running: bool,
}

impl Instance {
    /// Serves requests until told to stop. A panic of the connector ends the thread as FAILED.
    pub(super) fn run(mut self, plugin: &dyn ConnectorPlugin, mut requests: mpsc::UnboundedReceiver<Request>) {
        let runtime = match small_runtime() {
            Ok(runtime) => runtime,
            Err(error) => {
                return self.failed(&ConnectError::connect("starting the connector's runtime").with_source(error));
            }
        };
        let served = guarded(|| {
            let mut connector = plugin.connector();
            runtime.block_on(Box::pin(self.serve(&mut *connector, &mut requests)));
        });
        if let Err(panicked) = served {
            self.failed(&panicked);
            // The instance is gone; what is asked from now on is answered with why.
            runtime.block_on(self.refuse(&panicked, &mut requests));
        }
        // Connector code that still runs on helper threads of this runtime is left behind.
        runtime.shutdown_background();
        if self.state() != InstanceState::Failed || *self.stop.borrow() {
            self.report(State::Unassigned, None);
        }
    }

    async fn serve(&mut self, connector: &mut dyn Connector, requests: &mut mpsc::UnboundedReceiver<Request>) {
        let mut stop = self.stop.clone();
        while !*stop.borrow_and_update() {
            let request = tokio::select! {
                _ = stop.changed() => continue,
                request = requests.recv() => request,
            };
            let Some(request) = request else { break };
            // A start that hangs in an await is given up when the worker stops the connector.
            tokio::select! {
                _ = stop.changed() => {}
                () = self.answer(connector, request) => {}
            }
        }
        if matches!(self.state(), InstanceState::Started | InstanceState::Failed)
            && let Err(error) = connector.stop().await
        {
            tracing::error!(connector = self.name, %error, "Error while shutting down connector");
        }
    }

    async fn answer(&mut self, connector: &mut dyn Connector, request: Request) {
        match request {
            Request::Transition => {
                let Some(Target { state, answer }) = lock(&self.shared.target).take() else { return };
                // Invariant 8: whoever asked hears of a panic, and the status says so before.
                let reached = catch_in(self.transition(connector, state)).await.unwrap_or_else(|panicked| {
                    self.failed(&panicked);
                    Err(panicked)
                });
                // Whoever asked may have stopped waiting.
                drop(answer.send(reached));
            }
            Request::TaskConfigs { max_tasks, answer } => {
                let configs = catch_in(connector.task_configs(max_tasks)).await.and_then(|configs| configs);
                // Whoever asked may have stopped waiting.
                drop(answer.send(configs));
            }
            Request::Fail(error) => self.failed(&error),
        }
    }

    async fn transition(
        &mut self,
        connector: &mut dyn Connector,
        target: TargetState,
    ) -> Result<TargetState, ConnectError> {
        let state = self.state();
        if state == InstanceState::Failed && target != TargetState::Stopped {
            return Err(ConnectError::connect(format!(
                "{{connector={}}} Cannot transition connector to {target:?} since it has failed",
                self.name
            )));
        }
        match target {
            TargetState::Started if state == InstanceState::Started => {}
            TargetState::Started => self.start(connector).await?,
            TargetState::Paused => self.rest(connector, InstanceState::Paused).await?,
            TargetState::Stopped => self.rest(connector, InstanceState::Stopped).await?,
        }
        Ok(target)
    }

    async fn start(&mut self, connector: &mut dyn Connector) -> Result<(), ConnectError> {
        let events = Events {
            connector: self.name.clone(),
            shared: self.shared.clone(),
            requests: self.requests.clone(),
            events: self.events.clone(),
        };
        let config = self.config.clone();
        match connector.start(ConnectorContext::new(Arc::new(events)), &config).await {
            Ok(()) => {
                self.enter(InstanceState::Started);
                self.report(State::Running, None);
                if !std::mem::replace(&mut self.was_running, true) {
                    self.metrics.connector_startups.succeeded();
                }
                self.tell(WorkerEvent::ConnectorStarted { connector: self.name.clone() });
                Ok(())
            }
            Err(error) => {
                self.failed(&error);
                Err(error)
            }
        }
    }

    /// Pauses or stops. Errors on the way to STOPPED still end there.
    async fn rest(&mut self, connector: &mut dyn Connector, state: InstanceState) -> Result<(), ConnectError> {
        if self.state() == state {
            return Ok(());
        }
        if self.state() == InstanceState::Started
            && let Err(error) = connector.stop().await
        {
            if state == InstanceState::Paused {
                self.failed(&error);
                return Err(error);
            }
            tracing::warn!(connector = self.name, %error, "Error while stopping connector");
        }
        self.enter(state);
        self.report(if state == InstanceState::Paused { State::Paused } else { State::Stopped }, None);
        Ok(())
    }

    /// The first failure wins.
    fn failed(&mut self, error: &ConnectError) {
        if self.state() == InstanceState::Failed {
            return;
        }
        tracing::error!(connector = self.name, error = error.trace().trim_end(), "the connector failed");
        if !self.was_running {
            self.metrics.connector_startups.failed();
        }
        self.enter(InstanceState::Failed);
        self.report(State::Failed, Some(error.trace()));
        self.tell(WorkerEvent::ConnectorFailed { connector: self.name.clone() });
    }

    async fn refuse(&mut self, panicked: &ConnectError, requests: &mut mpsc::UnboundedReceiver<Request>) {
        let gone = || ConnectError::new(ErrorKind::Connect, panicked.message());
        let mut stop = self.stop.clone();
        while !*stop.borrow_and_update() {
            let request = tokio::select! {
                _ = stop.changed() => continue,
                request = requests.recv() => request,
            };
            match request {
                Some(Request::Transition) => {
                    let Some(Target { state, answer }) = lock(&self.shared.target).take() else { continue };
                    if state == TargetState::Stopped {
                        self.enter(InstanceState::Stopped);
                        self.report(State::Stopped, None);
                    }
                    let answered = if state == TargetState::Stopped { Ok(state) } else { Err(gone()) };
                    // Whoever asked may have stopped waiting.
                    drop(answer.send(answered));
                }
                Some(Request::TaskConfigs { answer, .. }) => drop(answer.send(Err(gone()))),
                Some(Request::Fail(_)) => {}
                None => return,
            }
        }
    }

    fn state(&self) -> InstanceState {
        match self.shared.state.load(Ordering::Acquire) {
            0 => InstanceState::Init,
            1 => InstanceState::Started,
            2 => InstanceState::Paused,
            3 => InstanceState::Stopped,
            _ => InstanceState::Failed,
        }
    }

    fn enter(&self, state: InstanceState) {
        self.shared.state.store(state as u8, Ordering::Release);
    }

    fn report(&self, state: State, trace: Option<String>) {
        self.shared.lease.while_held(|| {
            self.metrics.set_connector_state(&self.name, state);
            self.statuses.connector(&self.name, state, trace, Some(&self.version));
        });
    }

    fn tell(&self, event: WorkerEvent) {
        // A herder that is gone does not want to know.
        self.shared.lease.while_held(|| drop(self.events.send(event)));
    }
}
