//! What a connector may ask of the worker.

use std::sync::Arc;

use sluice_api::ConnectError;
use sluice_api::connector::ConnectorEvents;
use tokio::sync::mpsc;

use super::running::{Request, Shared};
use crate::events::WorkerEvent;

/// The worker's side of a connector's context. An abandoned connector is not heard any more.
pub(super) struct Events {
    pub(super) connector: String,
    pub(super) shared: Arc<Shared>,
    pub(super) requests: mpsc::WeakUnboundedSender<Request>,
    pub(super) events: mpsc::UnboundedSender<WorkerEvent>,
}

impl ConnectorEvents for Events {
    fn request_task_reconfiguration(&self) {
        let event = WorkerEvent::TaskReconfigurationRequested { connector: self.connector.clone() };
        // A herder that is gone needs no task configs.
        self.shared.lease.while_held(|| drop(self.events.send(event)));
    }

    fn raise_error(&self, error: ConnectError) {
        if let Some(requests) = self.requests.upgrade() {
            // A thread that is gone has nothing left to fail.
            drop(requests.send(Request::Fail(error)));
        }
    }
}
