//! The end of a tenure, as the loop carries it out.
//!
//! Invariant 5: somebody else may own our work now. Nothing that was commanded under the tenure acts any more when this returns: what
//! runs is cancelled, what is under way beside the loop is given up with the channel of its reports, what is queued is purged. Only
//! then does the loop answer the membership's next question for an offer, so only then can the next tenure begin.

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::error;

use super::catch_up::CatchUp;
use super::fencing::ZombieFencings;
use super::inbox::Inbox;
use super::place::Place;
use super::service::Service;
use super::stale_statuses::StaleStatuses;
use super::task_configs::TaskConfigRetries;

impl Service {
    /// Everything stops at once, without a last flush; requests that wait go on waiting.
    pub(super) fn end_tenure(&mut self, reason: &str, inbox: &mut Inbox) {
        error!(reason, "this worker is out of the group; what it ran is given up");
        self.options.worker.abandon();
        self.options.configs.give_up_writes();
        self.options.offsets.give_up_writes();
        self.lanes.abandon();
        self.beside = JoinSet::new();
        let (reports, reports_rx) = mpsc::unbounded_channel();
        self.reports = reports;
        inbox.reports = reports_rx;
        self.instances.clear();
        self.stopping_instances.clear();
        self.tasks.clear();
        self.stopping.clear();
        self.retries = TaskConfigRetries::default();
        self.fencings = ZombieFencings::default();
        self.generations.clear();
        self.applied.clear();
        self.stale_statuses = StaleStatuses::default();
        self.catch_up = CatchUp::default();
        self.leave_place();
    }

    /// This worker is in no round any more and holds nothing.
    pub(super) fn leave_place(&mut self) {
        self.held = Default::default();
        self.round = None;
        self.place = Place::Nowhere;
        (self.revoking, self.flushing, self.rejoining) = (false, false, false);
        (self.wants_rejoin, self.revocation_done) = (false, false);
        (self.rejoin_at, self.wanted_since) = (None, None);
        self.offer_to = None;
        self.visible.send_modify(|visible| {
            visible.member = false;
            visible.version = None;
        });
        self.unresolve();
    }
}
