//! The group coordinator: the classic protocol as a broker of Kafka 4.3 carries it out.
//!
//! A pure state machine over virtual time: requests and passing time go in, answers come out. What it does in each state, when it
//! counts sessions and whom it drops follows GroupMetadataManager of Kafka; members are dynamic, the log always takes what is written.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use sluice_kafka::wire::Joined;

/// Since the start of the history.
pub(super) type Time = Duration;

/// Names a request that waits for its answer.
pub(super) type CallId = u64;

/// `group.initial.rebalance.delay.ms`.
const INITIAL_REBALANCE_DELAY: Duration = Duration::from_secs(3);
/// How long a new member may wait for its first answer.
const NEW_MEMBER_JOIN_TIMEOUT: Duration = Duration::from_secs(300);

pub(super) const ILLEGAL_GENERATION: i16 = 22;
pub(super) const UNKNOWN_MEMBER_ID: i16 = 25;
pub(super) const REBALANCE_IN_PROGRESS: i16 = 27;

/// What a member asks.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Join { member_id: String, protocols: Vec<(String, Bytes)>, session: Duration, rebalance: Duration },
    Sync { member_id: String, generation: i32, assignments: Vec<(String, Bytes)> },
    Heartbeat { member_id: String, generation: i32 },
    Leave { member_id: String },
}

impl Request {
    /// The name of the request in Kafka's protocol.
    pub(super) fn api(&self) -> &'static str {
        match self {
            Self::Join { .. } => "JoinGroup",
            Self::Sync { .. } => "SyncGroup",
            Self::Heartbeat { .. } => "Heartbeat",
            Self::Leave { .. } => "LeaveGroup",
        }
    }

    /// For the trace.
    pub(super) fn named(&self) -> String {
        match self {
            Self::Join { member_id, protocols, .. } => {
                format!("to join as {member_id:?} with {} protocols", protocols.len())
            }
            Self::Sync { member_id, generation, assignments } => {
                format!("to sync {generation} as {member_id:?} with {} assignments", assignments.len())
            }
            Self::Heartbeat { member_id, generation } => format!("for a beat of {generation} as {member_id:?}"),
            Self::Leave { member_id } => format!("to leave as {member_id:?}"),
        }
    }
}

impl Answer {
    /// Whether it asks the member for the assignments of a round.
    pub(super) fn makes_leader(&self) -> bool {
        matches!(self, Self::Joined(joined) if joined.is_leader())
    }

    /// For the trace.
    pub(super) fn named(&self) -> String {
        match self {
            Self::Joined(joined) => format!("joined, {} leads {}", joined.leader_id, joined.protocol),
            Self::MemberIdRequired(id) => format!("join as {id}"),
            Self::Synced(bytes) => format!("synced, {} bytes", bytes.len()),
            Self::Done => "yes".to_owned(),
            Self::Error(code) => format!("error {code}"),
        }
    }
}

/// What it gets.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Joined(Joined),
    /// Join again with this id.
    MemberIdRequired(String),
    Synced(Bytes),
    Done,
    Error(i16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Empty,
    Preparing,
    Completing,
    Stable,
}

#[derive(Clone, Debug)]
struct Member {
    /// For the order in which members came.
    number: u64,
    protocols: Vec<(String, Bytes)>,
    session: Duration,
    rebalance: Duration,
    is_new: bool,
    awaits_join: Option<CallId>,
    awaits_sync: Option<CallId>,
    expires: Option<Time>,
    assignment: Bytes,
}

/// What survives a restart of the broker: the group as of its last complete round.
#[derive(Clone, Debug, Default)]
struct Written {
    generation: i32,
    leader: Option<String>,
    protocol: String,
    members: BTreeMap<String, Member>,
}

/// The coordinator of one group.
#[derive(Debug)]
pub(super) struct Coordinator {
    phase: Phase,
    before: Phase,
    generation: i32,
    leader: Option<String>,
    protocol: String,
    members: BTreeMap<String, Member>,
    /// Ids that were given out and not joined with, and until when they are waited for.
    pending: BTreeMap<String, Time>,
    pending_sync: BTreeSet<String>,
    join_ends: Option<Time>,
    /// Of the initial rebalance: how long it was put off, how much longer it may be, and whether somebody came.
    initial: Option<(Duration, Duration)>,
    newcomers: bool,
    sync_ends: Option<Time>,
    ids: u64,
    written: Written,
    /// Answers that are on their way.
    pub(super) out: Vec<(CallId, Answer)>,
}

impl Coordinator {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Empty,
            before: Phase::Empty,
            generation: 0,
            leader: None,
            protocol: String::new(),
            members: BTreeMap::new(),
            pending: BTreeMap::new(),
            pending_sync: BTreeSet::new(),
            join_ends: None,
            initial: None,
            newcomers: false,
            sync_ends: None,
            ids: 0,
            written: Written::default(),
            out: Vec::new(),
        }
    }

    pub(super) fn generation(&self) -> i32 {
        self.generation
    }

    /// The protocol and every member's metadata, as the leader of this generation got them.
    pub(super) fn round(&self) -> (&str, Vec<(String, Bytes)>) {
        (&self.protocol, self.metadata())
    }

    /// Whether a leader's assignments would be taken now.
    pub(super) fn awaits_assignments(&self) -> bool {
        self.phase == Phase::Completing
    }

    pub(super) fn is_stable(&self) -> bool {
        self.phase == Phase::Stable
    }

    pub(super) fn handle(&mut self, now: Time, call: CallId, request: Request) {
        match request {
            Request::Join { member_id, protocols, session, rebalance } => {
                self.join(now, call, member_id, protocols, (session, rebalance));
            }
            Request::Sync { member_id, generation, assignments } => {
                self.sync(now, call, &member_id, generation, assignments);
            }
            Request::Heartbeat { member_id, generation } => self.heartbeat(now, call, &member_id, generation),
            Request::Leave { member_id } => self.leave(now, call, &member_id),
        }
    }

    /// When something will happen by itself.
    pub(super) fn next_timer(&self) -> Option<Time> {
        let sessions = self.members.values().filter_map(|member| member.expires);
        sessions.chain(self.pending.values().copied()).chain(self.join_ends).chain(self.sync_ends).min()
    }

    /// Does what is due.
    pub(super) fn pass(&mut self, now: Time) {
        while let Some(id) = self.pending.iter().find(|(_, until)| **until <= now).map(|(id, _)| id.clone()) {
            self.pending.remove(&id);
            self.complete_if_joined(now);
        }
        while let Some(id) = self.expired(now) {
            self.expire(now, &id);
        }
        if self.join_ends.is_some_and(|end| end <= now) {
            self.join_phase_over(now);
        }
        if self.sync_ends.is_some_and(|end| end <= now) {
            self.sync_phase_over(now);
        }
    }

    /// The broker is back: what was written is there again, sessions begin anew.
    pub(super) fn restart(&mut self, now: Time, with_memory: bool) {
        let (ids, generation) = (self.ids, self.generation);
        let written = if with_memory { std::mem::take(&mut self.written) } else { Written::default() };
        *self = Self::new();
        self.ids = ids;
        if written.members.is_empty() {
            self.generation = if with_memory { generation } else { 0 };
            return;
        }
        self.phase = Phase::Stable;
        self.generation = written.generation;
        self.leader = written.leader.clone();
        self.protocol = written.protocol.clone();
        self.members = written.members.clone();
        for member in self.members.values_mut() {
            member.expires = Some(now + member.session);
        }
        self.written = written;
    }

    fn join(
        &mut self,
        now: Time,
        call: CallId,
        id: String,
        protocols: Vec<(String, Bytes)>,
        (session, rebalance): (Duration, Duration),
    ) {
        if id.is_empty() {
            self.ids += 1;
            let id = format!("member-{}", self.ids);
            self.pending.insert(id.clone(), now + session);
            return self.answer(call, Answer::MemberIdRequired(id));
        }
        if self.pending.remove(&id).is_some() {
            self.add(now, call, id, protocols, (session, rebalance));
            return self.rebalance_or_complete(now);
        }
        let is_leader = self.leader.as_ref() == Some(&id);
        let Some(member) = self.members.get_mut(&id) else {
            return self.answer(call, Answer::Error(UNKNOWN_MEMBER_ID));
        };
        let unchanged = member.protocols == protocols;
        let rejoins = match self.phase {
            Phase::Preparing => true,
            Phase::Completing => !unchanged,
            Phase::Stable => is_leader || !unchanged,
            Phase::Empty => return self.answer(call, Answer::Error(UNKNOWN_MEMBER_ID)),
        };
        if rejoins {
            (member.protocols, member.session, member.rebalance) = (protocols, session, rebalance);
            member.awaits_join = Some(call);
            return self.rebalance_or_complete(now);
        }
        let answer = self.joined(&id);
        self.answer(call, answer);
    }

    fn add(
        &mut self,
        now: Time,
        call: CallId,
        id: String,
        protocols: Vec<(String, Bytes)>,
        (session, rebalance): (Duration, Duration),
    ) {
        self.newcomers |= self.phase == Phase::Preparing && self.before == Phase::Empty;
        self.ids += 1;
        let member = Member {
            number: self.ids,
            protocols,
            session,
            rebalance,
            is_new: true,
            awaits_join: Some(call),
            awaits_sync: None,
            expires: Some(now + NEW_MEMBER_JOIN_TIMEOUT),
            assignment: Bytes::new(),
        };
        self.leader.get_or_insert_with(|| id.clone());
        self.members.insert(id, member);
    }

    fn rebalance_or_complete(&mut self, now: Time) {
        if self.phase == Phase::Preparing { self.complete_if_joined(now) } else { self.prepare(now) }
    }

    fn prepare(&mut self, now: Time) {
        if self.phase == Phase::Completing {
            let waiting: Vec<CallId> =
                self.members.values_mut().filter_map(|member| member.awaits_sync.take()).collect();
            waiting.into_iter().for_each(|call| self.answer(call, Answer::Error(REBALANCE_IN_PROGRESS)));
            for member in self.members.values_mut() {
                member.assignment = Bytes::new();
                member.expires = Some(now + member.session);
            }
        }
        self.pending_sync.clear();
        self.sync_ends = None;
        self.before = std::mem::replace(&mut self.phase, Phase::Preparing);
        if self.before == Phase::Empty {
            self.join_ends = Some(now + INITIAL_REBALANCE_DELAY);
            let remaining = self.rebalance_timeout().saturating_sub(INITIAL_REBALANCE_DELAY);
            self.initial = Some((INITIAL_REBALANCE_DELAY, remaining));
        } else if self.all_joined() {
            self.complete_join(now);
        } else {
            self.join_ends = Some(now + self.rebalance_timeout());
        }
    }

    /// The initial rebalance waits for its delay whoever has joined.
    fn complete_if_joined(&mut self, now: Time) {
        if self.phase == Phase::Preparing && self.before != Phase::Empty && self.all_joined() {
            self.complete_join(now);
        }
    }

    fn join_phase_over(&mut self, now: Time) {
        if let Some((delay, remaining)) = self.initial
            && std::mem::take(&mut self.newcomers)
            && !remaining.is_zero()
        {
            let next = INITIAL_REBALANCE_DELAY.min(remaining);
            self.initial = Some((next, remaining.saturating_sub(delay)));
            self.join_ends = Some(now + next);
            return;
        }
        self.complete_join(now);
    }

    fn complete_join(&mut self, now: Time) {
        (self.join_ends, self.initial, self.newcomers) = (None, None, false);
        self.members.retain(|_, member| member.awaits_join.is_some());
        if self.leader.as_ref().is_none_or(|leader| !self.members.contains_key(leader)) {
            let first = self.members.iter().min_by_key(|(_, member)| member.number);
            self.leader = first.map(|(id, _)| id.clone());
        }
        self.generation += 1;
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            self.written = Written::default();
            return;
        }
        self.phase = Phase::Completing;
        self.protocol = self.select_protocol();
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let answer = self.joined(&id);
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.is_new = false;
            member.expires = Some(now + member.session);
            if let Some(call) = member.awaits_join.take() {
                self.answer(call, answer);
            }
            self.pending_sync.insert(id);
        }
        self.sync_ends = Some(now + self.rebalance_timeout());
    }

    fn sync(&mut self, now: Time, call: CallId, id: &str, generation: i32, assignments: Vec<(String, Bytes)>) {
        let Some(member) = self.members.get_mut(id) else { return self.answer(call, Answer::Error(UNKNOWN_MEMBER_ID)) };
        if generation != self.generation {
            return self.answer(call, Answer::Error(ILLEGAL_GENERATION));
        }
        match self.phase {
            Phase::Empty => self.answer(call, Answer::Error(UNKNOWN_MEMBER_ID)),
            Phase::Preparing => self.answer(call, Answer::Error(REBALANCE_IN_PROGRESS)),
            Phase::Stable => {
                let assignment = member.assignment.clone();
                self.synced(id);
                self.answer(call, Answer::Synced(assignment));
            }
            Phase::Completing => {
                member.awaits_sync = Some(call);
                self.synced(id);
                if self.leader.as_deref() == Some(id) {
                    self.assign(now, assignments);
                }
            }
        }
    }

    fn assign(&mut self, now: Time, assignments: Vec<(String, Bytes)>) {
        let mut assignments: BTreeMap<String, Bytes> = assignments.into_iter().collect();
        let mut answers = Vec::new();
        for (id, member) in &mut self.members {
            member.assignment = assignments.remove(id).unwrap_or_default();
            if let Some(call) = member.awaits_sync.take() {
                member.expires = Some(now + member.session);
                answers.push((call, Answer::Synced(member.assignment.clone())));
            }
        }
        self.out.extend(answers);
        self.phase = Phase::Stable;
        self.written = Written {
            generation: self.generation,
            leader: self.leader.clone(),
            protocol: self.protocol.clone(),
            members: self.members.clone(),
        };
    }

    fn heartbeat(&mut self, now: Time, call: CallId, id: &str, generation: i32) {
        let answer = match self.members.get_mut(id) {
            None => Answer::Error(UNKNOWN_MEMBER_ID),
            Some(_) if generation != self.generation => Answer::Error(ILLEGAL_GENERATION),
            Some(_) if self.phase == Phase::Empty => Answer::Error(UNKNOWN_MEMBER_ID),
            Some(member) => {
                member.expires = Some(now + member.session);
                if self.phase == Phase::Preparing { Answer::Error(REBALANCE_IN_PROGRESS) } else { Answer::Done }
            }
        };
        self.answer(call, answer);
    }

    fn leave(&mut self, now: Time, call: CallId, id: &str) {
        if self.pending.remove(id).is_some() {
            self.complete_if_joined(now);
            return self.answer(call, Answer::Done);
        }
        let answer = if self.members.contains_key(id) { Answer::Done } else { Answer::Error(UNKNOWN_MEMBER_ID) };
        self.remove(now, id);
        self.answer(call, answer);
    }

    fn expired(&self, now: Time) -> Option<String> {
        let due = self.members.iter().find(|(_, member)| member.expires.is_some_and(|end| end <= now));
        due.map(|(id, _)| id.clone())
    }

    /// Members that wait for an answer are not expected to be heard of, except new ones.
    fn expire(&mut self, now: Time, id: &str) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.expires = None;
        if member.is_new || (member.awaits_join.is_none() && member.awaits_sync.is_none()) {
            self.remove(now, id);
        }
    }

    fn remove(&mut self, now: Time, id: &str) {
        let Some(member) = self.members.remove(id) else { return };
        if let Some(call) = member.awaits_join.or(member.awaits_sync) {
            self.answer(call, Answer::Error(UNKNOWN_MEMBER_ID));
        }
        self.pending_sync.remove(id);
        if self.leader.as_deref() == Some(id) {
            let first = self.members.iter().min_by_key(|(_, member)| member.number);
            self.leader = first.map(|(id, _)| id.clone());
        }
        match self.phase {
            Phase::Stable | Phase::Completing => self.prepare(now),
            // Also when nobody is left: the group becomes empty.
            Phase::Preparing => self.complete_if_joined(now),
            Phase::Empty => {}
        }
    }

    /// Members that did not sync in time are dropped.
    fn sync_phase_over(&mut self, now: Time) {
        self.sync_ends = None;
        let late = std::mem::take(&mut self.pending_sync);
        if late.is_empty() || !matches!(self.phase, Phase::Completing | Phase::Stable) {
            return;
        }
        self.members.retain(|id, _| !late.contains(id));
        self.prepare(now);
    }

    fn synced(&mut self, id: &str) {
        self.pending_sync.remove(id);
        if self.pending_sync.is_empty() {
            self.sync_ends = None;
        }
    }

    fn all_joined(&self) -> bool {
        self.pending.is_empty() && self.members.values().all(|member| member.awaits_join.is_some())
    }

    fn rebalance_timeout(&self) -> Duration {
        self.members.values().map(|member| member.rebalance).max().unwrap_or_default()
    }

    /// Everybody votes for the first of its protocols that all have; the leader's order decides between equals.
    fn select_protocol(&self) -> String {
        let known =
            |name: &str| self.members.values().all(|member| member.protocols.iter().any(|(has, _)| has == name));
        let mut votes = BTreeMap::<&str, usize>::new();
        for member in self.members.values() {
            if let Some((name, _)) = member.protocols.iter().find(|(name, _)| known(name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        let most = votes.values().max().copied().unwrap_or_default();
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name.to_owned()).unwrap_or_default()
    }

    fn joined(&self, id: &str) -> Answer {
        let leader_id = self.leader.clone().unwrap_or_default();
        let members = if leader_id == id { self.metadata() } else { Vec::new() };
        Answer::Joined(Joined {
            generation: self.generation,
            member_id: id.to_owned(),
            leader_id,
            protocol: self.protocol.clone(),
            members,
        })
    }

    fn metadata(&self) -> Vec<(String, Bytes)> {
        let of_protocol = |member: &Member| {
            let found = member.protocols.iter().find(|(name, _)| *name == self.protocol);
            found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
        };
        self.members.iter().map(|(id, member)| (id.clone(), of_protocol(member))).collect()
    }

    fn answer(&mut self, call: CallId, answer: Answer) {
        self.out.push((call, answer));
    }
}

#[cfg(test)]
mod tests;
