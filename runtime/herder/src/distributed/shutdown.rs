//! The end of the loop.

use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::warn;

use super::inbox::Inbox;
use super::membership::MembershipCommand;
use super::service::{Report, Service};

impl Service {
    /// Invariant 7: what runs here stops within its deadlines, what was stopping already is waited for, statuses are flushed,
    /// then the group is left. No step waits longer than its limit when Kafka is away.
    pub(super) async fn shut_down(mut self, mut inbox: Inbox) {
        let _stage = self.stages.begin("shutting down");
        self.visible.send_modify(|visible| visible.ready = false);
        self.waiting.clear();
        self.stop_work(&mut inbox).await;
        let limit = self.options.sync_timeout;
        if timeout(limit, self.options.statuses.flush()).await.is_err() {
            warn!("the last statuses are not written; Kafka does not answer");
        }
        let (done_tx, done) = oneshot::channel();
        if self.membership.send(MembershipCommand::Leave(done_tx)).is_ok() && timeout(limit, done).await.is_err() {
            warn!("could not leave the group in time; it will notice after the session time-out");
        }
        let (statuses, configs, offsets) = (&self.options.statuses, &self.options.configs, &self.options.offsets);
        tokio::join!(statuses.stop(), configs.stop(), offsets.stop());
    }

    async fn stop_work(&mut self, inbox: &mut Inbox) {
        let Self { options, lanes, stopping, .. } = self;
        let worker = &options.worker;
        let connectors = async {
            lanes.close().await;
            worker.stop_connectors(&worker.connectors()).await;
        };
        let tasks = async { worker.stop_tasks(&worker.tasks()).await };
        let stopped_before = async {
            while !stopping.is_empty() {
                match inbox.reports.recv().await {
                    Some(Report::TasksStopped { tasks, .. }) => stopping.retain(|id| !tasks.contains(id)),
                    Some(_) => {}
                    None => return,
                }
            }
        };
        tokio::join!(connectors, tasks, stopped_before);
    }
}
