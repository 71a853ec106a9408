//! What the worker tells the herder.

use sluice_storage::ConnectorTaskId;

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
}
