//! The incremental cooperative assignor (KIP-415, connect-worker.md 3.5): workers keep running what they have; a round
//! first takes away what is to move, and the next one gives it to its new owner.
//!
//! Invariant 5: an item that a member reports to run is given to nobody else in the same round.

use std::collections::BTreeMap;

use super::connectors_and_tasks::ConnectorsAndTasks;
use super::worker_load::{Connectors, Loads, Tasks, deal_round, give_to_least_loaded, held_twice, surplus, union};

/// The leader's memory from round to round. A new leader begins with none, as does one whose last assignment the group
/// never completed.
#[derive(Debug, Clone)]
pub struct IncrementalAssignor {
    max_delay_ms: i64,
    previous_assignment: ConnectorsAndTasks,
    previous_revocation: ConnectorsAndTasks,
    previous_generation: i32,
    previous_members: Vec<String>,
    revoked_in_previous: bool,
    successive_revocations: u32,
    /// Members that came empty-handed while work was lost, in order of appearance: probably those who lost it.
    candidates: Vec<String>,
    /// Milliseconds on the caller's clock; 0 for none.
    scheduled_rebalance_ms: i64,
    delay_ms: i64,
}

/// What the leader knows when a round begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundInput {
    /// Milliseconds, on any clock that never goes back and is past 0.
    pub now_ms: i64,
    /// Everything that the config topic asks for.
    pub configured: ConnectorsAndTasks,
    /// The last generation whose assignment this worker received; -1 for none.
    pub last_completed_generation: i32,
    /// The generation of this round.
    pub generation: i32,
    /// Every member with what it reports to run.
    pub members: BTreeMap<String, ConnectorsAndTasks>,
}

/// The outcome of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterAssignment {
    /// Every member's part.
    pub members: BTreeMap<String, MemberAssignment>,
    /// After this many milliseconds the members have to join again; 0 for no such need.
    pub delay_ms: i32,
}

/// One member's part in a round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberAssignment {
    /// To be started in addition to what runs.
    pub assigned: ConnectorsAndTasks,
    /// To be stopped. Any revocation calls for another round at once.
    pub revoked: ConnectorsAndTasks,
    /// What the member runs afterwards, for routing requests to owners.
    pub holds: ConnectorsAndTasks,
}

impl IncrementalAssignor {
    /// A leader without memory. `max_delay_ms` is `scheduled.rebalance.max.delay.ms`.
    pub fn new(max_delay_ms: i32) -> Self {
        Self {
            max_delay_ms: i64::from(max_delay_ms.max(0)),
            previous_assignment: ConnectorsAndTasks::default(),
            previous_revocation: ConnectorsAndTasks::default(),
            previous_generation: -1,
            previous_members: Vec::new(),
            revoked_in_previous: false,
            successive_revocations: 0,
            candidates: Vec::new(),
            scheduled_rebalance_ms: 0,
            delay_ms: 0,
        }
    }

    /// Computes one round. A group without members gets nothing.
    pub fn assign(&mut self, round: &RoundInput) -> ClusterAssignment {
        if round.members.is_empty() {
            return ClusterAssignment { members: BTreeMap::new(), delay_ms: 0 };
        }
        let active = union(&round.members);
        self.recall(round.last_completed_generation, &active);
        // A leader without memory learns from its members what they still hold of connectors that are gone.
        let deleted = union_of(&self.previous_assignment, &active).without(&round.configured);
        let lost = self.previous_assignment.without(&active).without(&deleted);
        let mut to_assign = round.configured.without(&self.previous_assignment).without(&active);

        let mut revoked = to_revoke_for_sure(&round.members, &deleted);
        let mut next = round.members.clone();
        remove_all(&mut next, &revoked);
        to_assign.add(&self.reassignable(&lost, &mut next, round.now_ms));
        let balancing = self.balancing_revocations(&round.configured, &next, round.now_ms);
        remove_all(&mut next, &balancing);
        for (member, work) in &balancing {
            // What was dealt to a member in this very round runs nowhere: it is given away at once. A revocation of what a member does
            // not hold would make it join again without news, which Kafka answers with the round that is over.
            to_assign.add(&work.without(&round.members[member]));
            let held = work.shared_with(&round.members[member]);
            if !held.is_empty() {
                revoked.entry(member.clone()).or_default().add(&held);
            }
        }
        give_to_least_loaded::<Connectors>(&mut next, &to_assign.connectors);
        give_to_least_loaded::<Tasks>(&mut next, &to_assign.tasks);

        self.remember(round, &next, &revoked, &lost);
        let part = |(member, holds): (String, ConnectorsAndTasks)| {
            let assigned = holds.without(&round.members[&member]);
            let revoked = revoked.remove(&member).unwrap_or_default();
            (member, MemberAssignment { assigned, revoked, holds })
        };
        ClusterAssignment { members: next.into_iter().map(part).collect(), delay_ms: self.delay_ms as i32 }
    }

    /// Corrects the memory by what became of the last round (steps 1 and 4).
    fn recall(&mut self, last_completed_generation: i32, active: &ConnectorsAndTasks) {
        if self.previous_generation != last_completed_generation {
            self.previous_assignment = ConnectorsAndTasks::default();
        }
        let revocation = std::mem::take(&mut self.previous_revocation);
        if !revocation.shared_with(active).is_empty() {
            self.previous_assignment = active.clone();
        }
    }

    /// What of the lost work is to be given away in this round (step 11). Work whose owner may come back is waited for;
    /// when the wait is over, members that came empty-handed in the meantime get it in `next` directly.
    fn reassignable(&mut self, lost: &ConnectorsAndTasks, next: &mut Loads, now_ms: i64) -> ConnectorsAndTasks {
        if lost.is_empty() && !self.revoked_in_previous {
            self.reset_delay();
            return ConnectorsAndTasks::default();
        }
        let nobody_left = self.previous_members.iter().all(|member| next.contains_key(member));
        if (self.scheduled_rebalance_ms <= 0 && nobody_left) || self.max_delay_ms == 0 {
            return lost.clone();
        }
        if self.scheduled_rebalance_ms > 0 && now_ms >= self.scheduled_rebalance_ms {
            let candidates: Vec<String> =
                self.candidates.iter().filter(|candidate| next.contains_key(*candidate)).cloned().collect();
            self.reset_delay();
            self.revoked_in_previous = false;
            if candidates.is_empty() {
                return lost.clone();
            }
            deal_round::<Connectors>(next, &candidates, &lost.connectors);
            deal_round::<Tasks>(next, &candidates, &lost.tasks);
            return ConnectorsAndTasks::default();
        }
        self.wait_for_lost_work(next, now_ms);
        ConnectorsAndTasks::default()
    }

    fn wait_for_lost_work(&mut self, next: &Loads, now_ms: i64) {
        for (member, _) in next.iter().filter(|(_, work)| work.is_empty()) {
            if !self.candidates.contains(member) {
                self.candidates.push(member.clone());
            }
        }
        let remaining_ms = self.scheduled_rebalance_ms - now_ms;
        self.delay_ms = if remaining_ms > 0 { remaining_ms.min(self.max_delay_ms) } else { self.max_delay_ms };
        self.scheduled_rebalance_ms = now_ms + self.delay_ms;
    }

    fn reset_delay(&mut self) {
        self.candidates.clear();
        self.scheduled_rebalance_ms = 0;
        self.delay_ms = 0;
    }

    /// What to take away in this round so that the shares become fair (step 12). After a round that took something away,
    /// the next such round waits, longer each time.
    fn balancing_revocations(&mut self, configured: &ConnectorsAndTasks, next: &Loads, now_ms: i64) -> Loads {
        if self.delay_ms != 0 {
            self.revoked_in_previous = false;
            return Loads::new();
        }
        let revocations = unfair_shares(configured, next);
        match (revocations.is_empty(), self.revoked_in_previous) {
            (true, false) => {}
            (true, true) => {
                self.revoked_in_previous = false;
                self.successive_revocations = 0;
            }
            (false, false) => self.revoked_in_previous = true,
            (false, true) => {
                self.successive_revocations = self.successive_revocations.saturating_add(1);
                self.delay_ms = self.backoff_ms();
                if self.delay_ms != 0 {
                    self.scheduled_rebalance_ms = now_ms + self.delay_ms;
                    return Loads::new();
                }
            }
        }
        revocations
    }

    /// 40 ms, 1.6 s, 64 s and so on, never more than the longest delay.
    fn backoff_ms(&self) -> i64 {
        40_i64.saturating_pow(self.successive_revocations).min(self.max_delay_ms)
    }

    fn remember(&mut self, round: &RoundInput, next: &Loads, revoked: &Loads, lost: &ConnectorsAndTasks) {
        self.previous_revocation = union(revoked);
        self.previous_assignment = union(next).without(&self.previous_revocation);
        self.previous_assignment.add(lost);
        self.previous_generation = round.generation;
        self.previous_members = round.members.keys().cloned().collect();
    }
}

fn union_of(one: &ConnectorsAndTasks, other: &ConnectorsAndTasks) -> ConnectorsAndTasks {
    let mut all = one.clone();
    all.add(other);
    all
}

/// Deleted work is taken from its holders, and work held twice from all of them: the next round gives it to one.
fn to_revoke_for_sure(members: &Loads, deleted: &ConnectorsAndTasks) -> Loads {
    let mut doomed = deleted.clone();
    doomed.add(&held_twice(members));
    let of_member = |(member, work): (&String, &ConnectorsAndTasks)| (member.clone(), work.shared_with(&doomed));
    members.iter().map(of_member).filter(|(_, work)| !work.is_empty()).collect()
}

/// Step 12a. Nothing when nobody runs anything: what there is to run is given out fairly anyway.
fn unfair_shares(configured: &ConnectorsAndTasks, next: &Loads) -> Loads {
    let mut taken = Loads::new();
    if configured.is_empty() || next.values().all(ConnectorsAndTasks::is_empty) {
        return taken;
    }
    for (member, connectors) in surplus::<Connectors>(next, configured.connectors.len()) {
        taken.entry(member).or_default().connectors = connectors;
    }
    for (member, tasks) in surplus::<Tasks>(next, configured.tasks.len()) {
        taken.entry(member).or_default().tasks = tasks;
    }
    taken
}

fn remove_all(loads: &mut Loads, taken: &Loads) {
    for (member, work) in taken {
        if let Some(load) = loads.get_mut(member) {
            load.remove(work);
        }
    }
}

#[cfg(test)]
mod tests;
