//! What a task's loop knows of the worker: commands in, statuses out.

use std::sync::Arc;

use sluice_storage::{ConnectorTaskId, State, TargetState};
use tokio::sync::{mpsc, watch};

use crate::events::WorkerEvent;
use crate::lease::Lease;
use crate::memory::MemoryClaim;
use crate::metrics::{Metrics, TaskMetrics};
use crate::status::StatusReporter;

/// What the worker wants of a task; the latest word counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Control {
    pub(crate) target: TargetState,
    pub(crate) stop: bool,
}

/// A task's place in the worker, on the task's thread.
pub(crate) struct TaskSeat {
    pub(crate) id: ConnectorTaskId,
    pub(crate) lease: Arc<Lease>,
    pub(crate) metrics: Arc<TaskMetrics>,
    pub(crate) memory: MemoryClaim,
    pub(crate) statuses: Arc<StatusReporter>,
    pub(crate) events: mpsc::UnboundedSender<WorkerEvent>,
    pub(crate) registry: Arc<Metrics>,
    pub(crate) version: String,
    pub(crate) control: watch::Receiver<Control>,
    /// `topic.tracking.enable`.
    pub(crate) tracks_topics: bool,
}

impl TaskSeat {
    pub(crate) fn stopping(&self) -> bool {
        self.control.borrow().stop
    }

    pub(crate) fn paused(&self) -> bool {
        self.control.borrow().target != TargetState::Started
    }

    /// Waits for the next command. For ever when the worker is gone. Cancel safe.
    pub(crate) async fn changed(&mut self) {
        if self.control.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the task may start; PAUSED meanwhile. `false` when it is to stop instead.
    pub(crate) async fn may_start(&mut self) -> bool {
        let mut reported = false;
        while !self.stopping() && self.paused() {
            if !reported {
                self.report(State::Paused, None);
                reported = true;
            }
            self.changed().await;
        }
        !self.stopping()
    }

    /// Reports a state, unless the task was cancelled (Invariant 5).
    pub(crate) fn report(&self, state: State, trace: Option<String>) {
        self.metrics.enter(state);
        self.lease.while_held(|| self.statuses.task(&self.id, state, trace, Some(&self.version)));
    }

    /// Reports RUNNING for the first time.
    pub(crate) fn started(&self) {
        self.report(State::Running, None);
        self.registry.task_startups.succeeded();
        self.tell(WorkerEvent::TaskStarted { id: self.id.clone() });
    }

    /// Notes that the task uses a topic.
    pub(crate) fn uses(&self, topic: &str) {
        if self.tracks_topics {
            self.lease.while_held(|| self.statuses.topic(&self.id, topic));
        }
    }

    /// Tells the herder; one that is gone does not want to know.
    pub(crate) fn tell(&self, event: WorkerEvent) {
        drop(self.events.send(event));
    }
}
