//! What a task's loop knows of the worker: commands in, statuses out.

use std::sync::Arc;

use sluice_api::ConnectError;
use sluice_storage::{ConnectorTaskId, State, TargetState};
use tokio::sync::{mpsc, watch};

use crate::events::{TaskAnswer, TaskCheck, WorkerEvent};
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

    /// Waits for `future`; `None` when the task is told to stop first.
    pub(crate) async fn unless_stopped<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        loop {
            if self.stopping() {
                return None;
            }
            tokio::select! {
                done = &mut future => return Some(done),
                () = self.changed() => {}
            }
        }
    }

    /// Asks the herder and waits for its answer; `false` when the task is told to stop first.
    ///
    /// # Errors
    /// The answer is that the task must not go on.
    pub(crate) async fn check(&mut self, check: TaskCheck) -> Result<bool, ConnectError> {
        let (answer, answered) = TaskAnswer::channel();
        self.tell(WorkerEvent::TaskCheckRequested { id: self.id.clone(), check, answer });
        match self.unless_stopped(answered).await {
            Some(Ok(answer)) => answer.map(|()| true),
            // A herder that gives up what it was asked is about to stop the task.
            Some(Err(_)) => {
                self.unless_stopped(std::future::pending::<()>()).await;
                Ok(false)
            }
            None => Ok(false),
        }
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
