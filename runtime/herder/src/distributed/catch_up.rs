//! Step 1 of the loop: what was assigned counts only at the config offset that it was computed from.
//!
//! Reading runs beside the loop (Invariant 8). Who cannot keep up holds on to what it has for a while, starts nothing, and leaves the
//! group in the end until it has read as far as it should have.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, info, warn};

use super::membership::MembershipCommand;
use super::service::{Report, Service};
use crate::group::ProtocolVersion;

/// How often a follower that has not caught up pauses before it leaves.
const PAUSES: u32 = 5;

/// How far this worker is with what the last round asked of it.
#[derive(Default)]
pub(super) struct CatchUp {
    step: Step,
    /// The topic was read to its end since the round.
    read: bool,
    /// Failures to catch up in a row.
    failures: u32,
    /// The own offset at the last round that could not be used.
    unusable_at: Option<i64>,
    out: Option<Out>,
}

#[derive(Default)]
enum Step {
    #[default]
    Idle,
    Reading,
    Pausing(Instant, Then),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Read,
    Rejoin,
}

/// Out of the group, or on the way out, until the topic is read up to `needed`.
struct Out {
    needed: i64,
    left: bool,
}

impl CatchUp {
    /// A round has come: what was read before it does not count.
    pub(super) fn begin(&mut self) {
        if self.out.is_none() {
            self.read = false;
            if !matches!(self.step, Step::Reading) {
                self.step = Step::Idle;
            }
        }
    }

    /// Whether this worker is on its way out of the group, or out.
    pub(super) fn is_out(&self) -> bool {
        self.out.is_some()
    }

    /// When the loop has to look again.
    pub(super) fn wakes(&self) -> Option<Instant> {
        match self.step {
            Step::Pausing(until, _) => Some(until),
            Step::Idle | Step::Reading => None,
        }
    }
}

impl Service {
    /// Resolves the last round, or does the next thing that leads there.
    pub(super) fn catch_up(&mut self) {
        match self.catch_up.step {
            Step::Reading => return,
            Step::Pausing(until, _) if Instant::now() < until => return,
            Step::Pausing(_, then) => {
                self.catch_up.step = Step::Idle;
                if then == Then::Rejoin {
                    self.wants_rejoin = true;
                    return;
                }
            }
            Step::Idle => {}
        }
        if self.catch_up.out.is_some() {
            return self.go_out();
        }
        if self.resolved || self.rejoining || self.wants_rejoin {
            return;
        }
        let Some(round) = self.round.as_ref().filter(|round| !round.stops) else { return };
        let (own, wanted) = (self.snapshot().offset, round.assignment.config_offset);
        let (failed, leads) = (round.has_failed(), self.leads());
        match own.cmp(&wanted) {
            _ if failed && (leads || own < wanted) && !self.catch_up.read => self.read_on(),
            _ if failed => self.rejoin_after(own),
            std::cmp::Ordering::Equal => self.resolve(),
            std::cmp::Ordering::Greater => self.rejoin_after(own),
            std::cmp::Ordering::Less if self.catch_up.read => self.fell_short(own, wanted),
            std::cmp::Ordering::Less => self.read_on(),
        }
    }

    fn read_on(&mut self) {
        self.catch_up.step = Step::Reading;
        let guard = self.stages.begin("reading to the end of the config topic");
        let (configs, limit, reports) = (self.options.configs.clone(), self.options.sync_timeout, self.reports.clone());
        self.beside(async move {
            let read = configs.refresh(limit).await;
            drop(guard);
            // Nobody receives when the worker is shutting down.
            drop(reports.send(Report::CaughtUp(read.map_err(|error| error.to_string()))));
        });
    }

    /// The topic was read to its end, or not in time.
    pub(super) fn caught_up(&mut self, read: Result<(), String>) {
        self.catch_up.step = Step::Idle;
        match read {
            Ok(()) => self.catch_up.read = true,
            Err(_) if self.catch_up.out.is_some() => self.pause(self.options.group.heartbeat_interval, Then::Read),
            Err(error) => {
                warn!(error, "cannot catch up with the config topic");
                self.cannot_catch_up();
            }
        }
    }

    /// Joins again, so that the round is computed anew; at leisure when that has not helped before.
    fn rejoin_after(&mut self, own: i64) {
        self.name_members_ahead(own);
        if self.catch_up.unusable_at.replace(own) == Some(own) {
            self.pause(self.options.group.heartbeat_interval, Then::Rejoin);
        } else {
            self.wants_rejoin = true;
        }
    }

    fn name_members_ahead(&self, own: i64) {
        let Some(round) = &self.round else { return };
        let topic = &self.options.config_topic;
        for member in round.ahead.iter().filter(|member| member.config_offset > own) {
            error!(
                url = member.url,
                offset = member.config_offset,
                topic,
                end = own,
                "a worker of the group has read further than the end of the config topic: does it read another one?"
            );
        }
    }

    /// This worker has read to the end, and the leader had read further.
    fn fell_short(&mut self, own: i64, wanted: i64) {
        let Some(round) = &self.round else { return };
        let trouble = format!(
            "The leader at {} assigned as of offset {wanted}, topic {} ends at {own} here: does it read another config topic?",
            round.assignment.leader_url, self.options.config_topic
        );
        error!("{trouble}");
        self.visible.send_modify(|visible| visible.trouble = Some(trouble));
        self.cannot_catch_up();
    }

    fn cannot_catch_up(&mut self) {
        self.catch_up.read = false;
        self.catch_up.failures += 1;
        let leads = self.leads();
        let eager = self.place.version() == Some(ProtocolVersion::V0);
        let left = (PAUSES + 1).saturating_sub(self.catch_up.failures);
        if leads || eager || left == 0 {
            return self.begin_to_go_out();
        }
        self.pause(self.options.scheduled_rebalance_max_delay / 10 / left, Then::Read);
    }

    fn pause(&mut self, time: Duration, then: Then) {
        self.catch_up.step = Step::Pausing(Instant::now() + time, then);
    }

    /// What this worker holds stops; then it leaves the group.
    fn begin_to_go_out(&mut self) {
        let needed = self.round.as_ref().map_or(0, |round| round.assignment.config_offset);
        error!(needed, "leaving the group until the config topic is read up to that offset; what runs here stops");
        self.catch_up = CatchUp { out: Some(Out { needed, left: false }), ..CatchUp::default() };
        self.held = Default::default();
        self.revoking = false;
    }

    fn go_out(&mut self) {
        let Some(out) = &mut self.catch_up.out else { return };
        let (needed, left) = (out.needed, out.left);
        if !left {
            if !self.is_clear() {
                return;
            }
            self.leave_place();
            // The membership ends only after `Leave`, which is the last command.
            drop(self.membership.send(MembershipCommand::StepOut));
            if let Some(out) = &mut self.catch_up.out {
                out.left = true;
            }
        }
        if self.snapshot().offset >= needed {
            info!("the config topic is read; joining the group again");
            self.catch_up = CatchUp::default();
            drop(self.membership.send(MembershipCommand::StepIn));
        } else if std::mem::take(&mut self.catch_up.read) {
            self.pause(self.options.group.heartbeat_interval, Then::Read);
        } else {
            self.read_on();
        }
    }

    /// What a resolved round forgets.
    pub(super) fn caught_up_with_the_round(&mut self) {
        self.catch_up = CatchUp::default();
        self.visible.send_modify(|visible| visible.trouble = None);
    }
}
