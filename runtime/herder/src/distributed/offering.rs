//! Steps 2 and 4 of the loop: when this worker joins again, and with what.
//!
//! Invariant 5: nothing that was taken away is left out of an offer before its stop is confirmed and its last status is written; an
//! eager worker offers nothing, so everything stops first.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::membership::{MembershipCommand, Offer, RoundResult};
use super::place::Place;
use super::service::{Report, Round, Service};
use crate::group::{ConnectorsAndTasks, ProtocolVersion};

/// How long requests that wait may hold up a rejoin: many connectors that come at once need one round, not one each.
const COALESCING: Duration = Duration::from_millis(100);

impl Service {
    /// Asks the membership to join again when something calls for it.
    pub(super) fn rejoin_if_wanted(&mut self) {
        let now = Instant::now();
        if self.rejoin_at.is_some_and(|at| at <= now) {
            self.rejoin_at = None;
            self.wants_rejoin = true;
        }
        if !self.wants_rejoin {
            return;
        }
        // A join that is under way, or not begun, serves as well.
        if self.rejoining || self.round.is_none() || self.catch_up.is_out() {
            self.forget_wish_to_rejoin();
            return;
        }
        let since = *self.wanted_since.get_or_insert(now);
        if self.resolved && !self.waiting.is_empty() && !self.revocation_done && now < since + COALESCING {
            return;
        }
        self.forget_wish_to_rejoin();
        self.rejoining = true;
        self.unresolve();
        // The membership ends only after `Leave`, which is the last command.
        drop(self.membership.send(MembershipCommand::Rejoin));
    }

    fn forget_wish_to_rejoin(&mut self) {
        (self.wants_rejoin, self.wanted_since, self.revocation_done) = (false, None, false);
    }

    /// The membership is about to join: it is answered as soon as what was taken away has stopped.
    pub(super) fn join_is_due(&mut self, version: Option<ProtocolVersion>, offer: oneshot::Sender<Offer>) {
        self.offer_to = Some(offer);
        self.rejoining = true;
        self.unresolve();
        if version == Some(ProtocolVersion::V0) {
            self.revoking |= !self.held.is_empty();
            self.held = ConnectorsAndTasks::default();
        }
    }

    /// A round has come. What is held follows from it at once, also when it cannot be used yet.
    pub(super) fn assigned(&mut self, result: RoundResult) {
        let RoundResult { generation, version, assignment, led } = result;
        self.options.reporter.set_generation(generation);
        self.rebalances.assigned(generation, version, &assignment.leader_url);
        let spoke = self.place.version();
        let known = self.round.as_ref().is_some_and(|round| round.stops && round.generation == generation);
        let stops = version == ProtocolVersion::V0 && (known || spoke != Some(ProtocolVersion::V0));
        match version {
            // Who has not stopped for an eager round before, here or elsewhere, may still run what this one gives away.
            ProtocolVersion::V0 if stops => {
                info!("the group has become eager: everything stops before it is given out anew");
                self.held = ConnectorsAndTasks::default();
                self.wants_rejoin = !known;
            }
            ProtocolVersion::V0 => self.held = assignment.assigned.clone(),
            ProtocolVersion::V1 | ProtocolVersion::V2 => {
                // Without anything to give up there is no news to join with.
                self.revoking |= !self.held.shared_with(&assignment.revoked).is_empty();
                self.held.remove(&assignment.revoked);
                self.held.add(&assignment.assigned);
            }
        }
        let delay = u64::try_from(assignment.delay_ms).unwrap_or(0);
        self.rejoin_at = (delay > 0).then(|| Instant::now() + Duration::from_millis(delay));
        if known && stops {
            // The coordinator has answered with the round that it had: not so soon again.
            self.rejoin_at = Some(Instant::now() + self.options.group.heartbeat_interval);
        }
        self.offer_to = None;
        self.rejoining = false;
        let (leader_url, ahead) = (assignment.leader_url.clone(), led.as_ref().map(|led| led.ahead.clone()));
        self.take_place(match led {
            Some(led) => Place::Leader { owners: led.owners, version },
            None => Place::Follower { leader_url, version },
        });
        self.round = Some(Round { generation, stops, assignment, ahead: ahead.unwrap_or_default() });
        self.unresolve();
        self.catch_up.begin();
    }

    /// Whether everything that runs or stops here is held.
    pub(super) fn is_clear(&self) -> bool {
        let connectors = &self.held.connectors;
        let tasks = &self.held.tasks;
        self.instances.keys().chain(&self.stopping_instances).all(|connector| connectors.contains(connector))
            && self.tasks.iter().chain(&self.stopping).all(|id| tasks.contains(id))
    }

    /// What was taken away has stopped: its statuses are written, then it can go to its new owner.
    pub(super) fn confirm_revocation(&mut self) {
        if !self.revoking || self.flushing || !self.is_clear() {
            return;
        }
        (self.revoking, self.flushing) = (false, true);
        let (statuses, limit, reports) =
            (self.options.statuses.clone(), self.options.sync_timeout, self.reports.clone());
        self.beside(async move {
            if timeout(limit, statuses.flush()).await.is_err() {
                warn!("the statuses of what was revoked are not written yet; Kafka does not answer");
            }
            drop(reports.send(Report::Revoked));
        });
    }

    /// Those statuses are written.
    pub(super) fn revoked(&mut self) {
        self.flushing = false;
        (self.wants_rejoin, self.revocation_done) = (true, true);
    }

    /// Answers a membership that is about to join.
    pub(super) fn offer(&mut self) {
        if self.offer_to.is_none() || self.catch_up.is_out() || self.flushing || self.revoking || !self.is_clear() {
            return;
        }
        let held = self.round.is_some().then(|| self.held.clone());
        let offer = Offer { config_offset: self.snapshot().offset, held };
        if let Some(asked) = self.offer_to.take() {
            // It may have been told to leave meanwhile.
            drop(asked.send(offer));
        }
    }
}
