//! What the herder's loop listens to.

use std::collections::VecDeque;

use sluice_storage::ConfigUpdate;
use sluice_worker::WorkerEvent;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::membership::MembershipEvent;
use super::service::{Report, Request};
use crate::stages::Stages;

/// The channels of the loop.
pub(super) struct Inbox {
    pub(super) requests: mpsc::UnboundedReceiver<Request>,
    pub(super) updates: mpsc::UnboundedReceiver<ConfigUpdate>,
    pub(super) membership: mpsc::UnboundedReceiver<MembershipEvent>,
    pub(super) worker: mpsc::UnboundedReceiver<WorkerEvent>,
    pub(super) reports: mpsc::UnboundedReceiver<Report>,
    pub(super) stop: watch::Receiver<bool>,
    /// What came from the membership while a request was served.
    pub(super) ahead: VecDeque<MembershipEvent>,
}

/// One message.
pub(super) enum Event {
    Request(Request),
    Update(ConfigUpdate),
    Membership(MembershipEvent),
    Worker(WorkerEvent),
    Report(Report),
    /// The time that the loop waits for has come.
    Due,
    /// Nothing else is there: serve the next request.
    Serve,
    Stop,
}

impl Inbox {
    /// The next message, what matters most first: [`Event::Due`] at that time. With `serve`, [`Event::Serve`] when there is none.
    /// Cancel safe.
    pub(super) async fn next(&mut self, stages: &Stages, stage: &str, serve: bool, due: Option<Instant>) -> Event {
        let _stage = stages.begin(stage);
        tokio::select! {
            biased;
            _ = self.stop.wait_for(|stop| *stop) => Event::Stop,
            Some(event) = async { self.ahead.pop_front() } => Event::Membership(event),
            Some(event) = self.membership.recv() => Event::Membership(event),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Event::Due,
            Some(update) = self.updates.recv() => Event::Update(update),
            Some(report) = self.reports.recv() => Event::Report(report),
            Some(event) = self.worker.recv() => Event::Worker(event),
            Some(request) = self.requests.recv() => Event::Request(request),
            () = std::future::ready(()), if serve => Event::Serve,
            else => Event::Stop,
        }
    }

    /// Resolves when what the loop is doing has to be given up: the worker stops, or may run nothing any more. Cancel safe.
    pub(super) async fn interruption(&mut self) {
        loop {
            tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return,
                Some(event) = self.membership.recv() => {
                    let ends_work = matches!(event, MembershipEvent::Lost(_));
                    self.ahead.push_back(event);
                    if ends_work {
                        return;
                    }
                }
            }
        }
    }
}
