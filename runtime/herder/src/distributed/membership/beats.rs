//! The heart of the membership, and the tenure that hangs on it.
//!
//! Invariant 5: what was assigned is ours until the deadline that the sending of the last answered request began. The coordinator
//! cannot have begun to count earlier; besides, it drops members that do not rejoin within the rebalance time-out, however alive.

use std::time::Duration;

use sluice_kafka::Tenure;
use sluice_kafka::wire::{Error, HeartbeatOutcome};
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::link::Pulse;

pub(super) const UNREACHABLE: &str = "the group coordinator cannot be reached";
const GONE_ON: &str = "the group has gone on without this worker";

/// How long what takes in the group.
#[derive(Clone, Copy, Debug)]
pub(in crate::distributed) struct GroupTimes {
    pub(in crate::distributed) heartbeat: Duration,
    pub(in crate::distributed) session: Duration,
    pub(in crate::distributed) rebalance: Duration,
}

/// What keeps the tenure, or finds out that it is over.
pub(super) struct Beats {
    tenure: Tenure,
    times: GroupTimes,
    /// The herder has work under the tenure, and was not told otherwise.
    holding: bool,
    /// At that moment or later the group did not wait for this member to join.
    stable_at: Instant,
    /// The sending of the last beat that the coordinator answered without complaint, in this phase of the round.
    heard: Option<Instant>,
    next: Instant,
    /// Beats beside a pending join or sync.
    pulse: Option<Box<dyn Pulse>>,
    /// A join of ours is on its way: the generation of before may be over.
    joining: bool,
}

impl Beats {
    pub(super) fn new(tenure: Tenure, times: GroupTimes) -> Self {
        let now = Instant::now();
        Self { tenure, times, holding: false, stable_at: now, heard: None, next: now, pulse: None, joining: false }
    }

    pub(super) fn times(&self) -> GroupTimes {
        self.times
    }

    pub(super) fn holding(&self) -> bool {
        self.holding
    }

    /// When the tenure ends under which the herder has work; `None` when it has none.
    pub(super) fn end(&self) -> Option<Instant> {
        self.holding.then(|| self.tenure.until().unwrap_or_else(Instant::now))
    }

    /// When the next beat is due.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Takes note of a beat that was sent at `sent`; why this worker is out of the group, if so.
    pub(super) fn heard(&mut self, sent: Instant, outcome: Result<HeartbeatOutcome, Error>) -> Option<&'static str> {
        self.next = sent + self.times.heartbeat;
        let until = match outcome {
            Ok(HeartbeatOutcome::Ok) => {
                self.stable_at = self.stable_at.max(sent);
                self.heard = Some(sent);
                sent + self.times.session
            }
            Ok(HeartbeatOutcome::RebalanceInProgress) => {
                if self.joining {
                    self.heard = Some(sent);
                }
                // Also while a join is pending: it may have been lost on its way, and the group drops us then.
                (sent + self.times.session).min(self.stable_at + self.times.rebalance)
            }
            Ok(HeartbeatOutcome::UnknownMember) => return Some(GONE_ON),
            // The round has ended while the join was pending: its answer is on the way.
            Ok(HeartbeatOutcome::IllegalGeneration) if self.joining => return None,
            Ok(HeartbeatOutcome::IllegalGeneration) => return Some(GONE_ON),
            Ok(HeartbeatOutcome::CoordinatorMoved) => {
                debug!("the group coordinator has moved");
                return None;
            }
            Err(error) => {
                debug!(%error, "no answer to a heartbeat");
                return None;
            }
        };
        (self.holding && !self.tenure.renew(until)).then_some(UNREACHABLE)
    }

    /// A join is about to be sent. `pulse` beats for the generation before it, unless one does already.
    pub(super) fn begin_join(&mut self, pulse: Option<Box<dyn Pulse>>) {
        self.joining = true;
        self.heard = None;
        if self.pulse.is_none() {
            self.pulse = pulse;
        }
    }

    /// A join has failed, or was given up.
    pub(super) fn join_failed(&mut self) {
        self.joining = false;
    }

    /// The join that was sent at `sent` is answered; `pulse` beats for the new generation.
    pub(super) fn joined(&mut self, sent: Instant, pulse: Option<Box<dyn Pulse>>) {
        self.joining = false;
        // A beat during the join was answered before the round ended.
        self.stable_at = self.heard.map_or(sent, |heard| heard.max(sent));
        self.heard = None;
        self.pulse = pulse;
        self.next = Instant::now() + self.times.heartbeat;
    }

    /// The sending of a beat that was answered in this phase of the round.
    pub(super) fn confirmed(&self) -> Option<Instant> {
        self.heard
    }

    /// The sync is answered, and the coordinator counts our session from `since` or later: work that was offered goes on, or a worker
    /// that came with empty hands begins. `false` when the tenure of what was offered is over.
    pub(super) fn synced(&mut self, since: Instant) -> bool {
        let until = since + self.times.session;
        self.pulse = None;
        self.next = Instant::now() + self.times.heartbeat;
        if self.holding {
            return self.tenure.renew(until);
        }
        self.tenure.begin(until);
        self.holding = true;
        true
    }

    /// The tenure is over; whether the herder had work under it.
    pub(super) fn lose(&mut self) -> bool {
        self.tenure.end();
        self.pulse = None;
        self.joining = false;
        std::mem::take(&mut self.holding)
    }

    /// Beats with the pulse until this worker is out of the group, and says why. Cancel safe.
    pub(super) async fn keep(&mut self) -> &'static str {
        loop {
            let (end, next) = (self.end(), self.next);
            let beat = async {
                let Some(pulse) = &mut self.pulse else { return std::future::pending().await };
                sleep_until(next).await;
                (Instant::now(), pulse.beat().await)
            };
            let (sent, outcome) = tokio::select! {
                biased;
                () = end_of(end) => return UNREACHABLE,
                beat = beat => beat,
            };
            if let Some(reason) = self.heard(sent, outcome) {
                return reason;
            }
        }
    }
}

/// Waits for the end of the tenure, for ever when there is none.
pub(super) async fn end_of(tenure: Option<Instant>) {
    match tenure {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}
