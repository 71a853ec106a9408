//! What the worker tells the herder.

use std::sync::{Arc, Mutex, PoisonError};

use sluice_api::ConnectError;
use sluice_storage::ConnectorTaskId;
use tokio::sync::oneshot;

/// What an exactly-once task has to know before it goes on with its start (KIP-618).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskCheck {
    /// Before its producer is initialised: are the tasks of all earlier sets fenced? If not, fence them.
    FenceZombies,
    /// After: is the task still assigned to this worker, and of the newest set of task configs?
    VerifyOwnership,
}

/// Where a task waits.
type Waiting = oneshot::Sender<Result<(), ConnectError>>;

/// The answer to a task that waits.
#[derive(Clone, Debug)]
pub struct TaskAnswer(Arc<Mutex<Option<Waiting>>>);

impl TaskAnswer {
    pub(crate) fn channel() -> (Self, oneshot::Receiver<Result<(), ConnectError>>) {
        let (answer_tx, answer) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Some(answer_tx)))), answer)
    }

    /// Lets the task go on, or fails it. Only the first answer counts; a task that gets none waits until it is stopped.
    pub fn give(&self, answer: Result<(), ConnectError>) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            // The task may have been stopped meanwhile.
            drop(waiting.send(answer));
        }
    }
}

impl PartialEq for TaskAnswer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TaskAnswer {}

/// Something that happened on a connector or task thread. Sent in the order in which it happened on that thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerEvent {
    /// A connector asks for new task configs.
    TaskReconfigurationRequested {
        /// The connector.
        connector: String,
    },
    /// A value that the connector's config takes from a provider may be another one by now: it is to be restarted.
    ReloadDue {
        /// The connector.
        connector: String,
    },
    /// A connector instance reached STARTED, also after a pause.
    ConnectorStarted {
        /// The connector.
        connector: String,
    },
    /// A connector instance became FAILED; its status is written.
    ConnectorFailed {
        /// The connector.
        connector: String,
    },
    /// A task reached RUNNING for the first time.
    TaskStarted {
        /// The task.
        id: ConnectorTaskId,
    },
    /// A task became FAILED; its status is written. It stays known to the worker until it is stopped.
    TaskFailed {
        /// The task.
        id: ConnectorTaskId,
    },
    /// A task that starts waits for an answer.
    TaskCheckRequested {
        /// The task.
        id: ConnectorTaskId,
        /// What it has to know.
        check: TaskCheck,
        /// How to tell it.
        answer: TaskAnswer,
    },
}
