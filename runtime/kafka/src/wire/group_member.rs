//! One membership of a classic group: join, sync, heartbeat, leave.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest,
};
use tokio::sync::watch;

use super::cluster::text;
use super::config::GroupConfig;
use super::coordinator::{Coordinator, Patience};
use super::description::{GroupDescription, describe};
use super::error::{Error, ErrorKind};
use super::reachability::Reachability;

/// The coordinator answers a join only when every member has joined or the rebalance time-out is over; this much longer
/// is waited for that answer.
const JOIN_MARGIN: Duration = Duration::from_secs(5);

/// Before the first join.
const NO_GENERATION: i32 = -1;

/// One membership of a group, used by one task.
///
/// The caller's loop: `join`, `sync`, then `heartbeat` every `heartbeat_interval` until it asks for another `join`, and
/// `leave` at the end. Every method may be dropped half-way and called again: the member id survives, the connection
/// does not, and the coordinator may have acted on what was sent. Dropping a `join` or `sync` therefore costs a further
/// rebalance, so give up on them only to stop or when a limit of your own is over.
#[derive(Debug)]
pub struct GroupMember {
    config: GroupConfig,
    coordinator: Coordinator,
    member_id: String,
    generation: i32,
}

/// The result of a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Number of the round.
    pub generation: i32,
    /// This member's id.
    pub member_id: String,
    /// The leader's id. It equals `member_id` when this member has to compute the assignment.
    pub leader_id: String,
    /// The protocol that every member supports, chosen by the coordinator.
    pub protocol: String,
    /// For the leader: every member with what it sent for that protocol. Empty for everyone else.
    pub members: Vec<(String, Bytes)>,
}

impl Joined {
    /// True when this member has to compute the assignment.
    pub fn is_leader(&self) -> bool {
        self.member_id == self.leader_id
    }
}

/// What a heartbeat brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeartbeatOutcome {
    /// The group is stable and this member is part of it.
    Ok,
    /// The group is rebalancing: join within the rebalance time-out. Until then the membership is alive.
    RebalanceInProgress,
    /// The coordinator does not know this member any more. The member id was given up: join as a new member.
    UnknownMember,
    /// The group has moved on without this member. Join again under the same id.
    IllegalGeneration,
    /// The coordinator is another broker, or the connection to it broke. The membership may be alive: go on with
    /// heartbeats, which look it up again, as long as the session time-out allows.
    CoordinatorMoved,
}

impl GroupMember {
    /// Connects to nothing yet.
    pub fn new(config: GroupConfig) -> Self {
        let coordinator = Coordinator::new(config.client.clone(), &config.group_id);
        Self { config, coordinator, member_id: String::new(), generation: NO_GENERATION }
    }

    /// This member's configuration.
    pub fn config(&self) -> &GroupConfig {
        &self.config
    }

    /// The id that the coordinator gave this member; empty before the first join and after `leave`.
    pub fn member_id(&self) -> &str {
        &self.member_id
    }

    /// Generation of the last successful join; -1 when there is none.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// Follows whether the cluster answers. Methods that keep retrying report every failed attempt here.
    pub fn reachability(&self) -> watch::Receiver<Reachability> {
        self.coordinator.reachability()
    }

    /// Finds the coordinator, retrying until it answers; give it a time-out of your own. Cancel safe. Fails only with
    /// what retrying cannot heal.
    pub async fn find_coordinator(&mut self) -> Result<(), Error> {
        self.coordinator.find(Patience::Forever).await
    }

    /// Joins the group, offering `protocols` (name and metadata, most wanted first). Waits for the other members, up to
    /// the rebalance time-out and 5 s. Keeps retrying while the cluster cannot be reached or the coordinator moves, and
    /// does the second round for the member id by itself. Fails with what retrying cannot heal: a group of another
    /// protocol type, no common protocol, no authorisation, a session time-out out of the broker's bounds.
    pub async fn join(&mut self, protocols: &[(String, Bytes)]) -> Result<Joined, Error> {
        self.generation = NO_GENERATION;
        let answer_timeout = self.join_timeout();
        loop {
            let request = self.join_request(protocols);
            match self.coordinator.call(&request, answer_timeout, Patience::Forever).await {
                Ok(answer) if answer.error_code == 0 => return Ok(self.joined(answer)),
                Ok(answer) => self.member_id = answer.member_id.to_string(),
                Err(error) if !error.wants_rejoin() => return Err(error),
                Err(error) => self.forget_lost_membership(&error),
            }
        }
    }

    /// As [`GroupMember::join`], once: what retrying may heal is an error too.
    pub async fn try_join(&mut self, protocols: &[(String, Bytes)]) -> Result<Joined, Error> {
        self.generation = NO_GENERATION;
        loop {
            let request = self.join_request(protocols);
            match self.coordinator.call(&request, self.join_timeout(), Patience::Once).await {
                Ok(answer) if answer.error_code == 0 => return Ok(self.joined(answer)),
                Ok(answer) => self.member_id = answer.member_id.to_string(),
                Err(error) => {
                    self.forget_lost_membership(&error);
                    return Err(error);
                }
            }
        }
    }

    /// How long a join or sync may take: the coordinator answers when the slowest member is done.
    fn join_timeout(&self) -> Duration {
        self.config.client.request_timeout.max(self.config.rebalance_timeout + JOIN_MARGIN)
    }

    fn joined(&mut self, answer: JoinGroupResponse) -> Joined {
        self.generation = answer.generation_id;
        self.member_id = answer.member_id.to_string();
        Joined {
            generation: answer.generation_id,
            member_id: self.member_id.clone(),
            leader_id: answer.leader.to_string(),
            protocol: answer.protocol_name.map(|name| name.to_string()).unwrap_or_default(),
            members: answer.members.into_iter().map(|member| (member.member_id.to_string(), member.metadata)).collect(),
        }
    }

    /// Hands in every member's assignment when this member leads, nothing otherwise, and gets this member's own. Waits
    /// for the leader. Never retries, since any failure needs another join: see [`Error::wants_rejoin`].
    pub async fn sync(&mut self, assignments: Vec<(String, Bytes)>) -> Result<Bytes, Error> {
        let assignment = |(member_id, assignment): (String, Bytes)| {
            SyncGroupRequestAssignment::default().with_member_id(text(&member_id)).with_assignment(assignment)
        };
        let request = SyncGroupRequest::default()
            .with_group_id(self.group())
            .with_generation_id(self.generation)
            .with_member_id(text(&self.member_id))
            .with_assignments(assignments.into_iter().map(assignment).collect());
        let synced = self.coordinator.call(&request, self.join_timeout(), Patience::Once).await;
        let answer = synced.inspect_err(|error| self.forget_lost_membership(error))?;
        Ok(answer.assignment)
    }

    /// Tells the coordinator that this member lives. One attempt: an error means that no broker was reached or that this
    /// member may not go on; see [`Error::is_retriable`].
    pub async fn heartbeat(&mut self) -> Result<HeartbeatOutcome, Error> {
        let request = self.heartbeat_request();
        let timeout = heartbeat_timeout(&self.config);
        let Err(error) = self.coordinator.call(&request, timeout, Patience::Once).await else {
            return Ok(HeartbeatOutcome::Ok);
        };
        self.forget_lost_membership(&error);
        heartbeat_outcome(error)
    }

    fn heartbeat_request(&self) -> HeartbeatRequest {
        HeartbeatRequest::default()
            .with_group_id(self.group())
            .with_generation_id(self.generation)
            .with_member_id(text(&self.member_id))
    }

    /// A heart that beats beside a pending join, on a connection of its own, for the generation of now; `None` when there is none.
    pub fn pulse(&self) -> Option<GroupPulse> {
        if self.generation == NO_GENERATION || self.member_id.is_empty() {
            return None;
        }
        let coordinator = Coordinator::new(self.config.client.clone(), &self.config.group_id);
        Some(GroupPulse { config: self.config.clone(), coordinator, request: self.heartbeat_request() })
    }

    /// Leaves the group, so that the others need not wait for the session time-out. One attempt; whatever comes of it,
    /// the next join is that of a new member. Does nothing before the first join.
    pub async fn leave(&mut self) -> Result<(), Error> {
        self.generation = NO_GENERATION;
        if self.member_id.is_empty() {
            return Ok(());
        }
        let member = MemberIdentity::default().with_member_id(text(&std::mem::take(&mut self.member_id)));
        let request = LeaveGroupRequest::default().with_group_id(self.group()).with_members(vec![member]);
        match self.coordinator.call(&request, self.config.client.request_timeout, Patience::Once).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::UnknownMember => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Describes the group, its other members included. One attempt.
    pub async fn describe(&mut self) -> Result<GroupDescription, Error> {
        describe(&mut self.coordinator, &self.config.group_id, Patience::Once).await
    }

    fn forget_lost_membership(&mut self, error: &Error) {
        match error.kind() {
            ErrorKind::UnknownMember => {
                self.member_id.clear();
                self.generation = NO_GENERATION;
            }
            ErrorKind::IllegalGeneration => self.generation = NO_GENERATION,
            _ => {}
        }
    }

    fn join_request(&self, protocols: &[(String, Bytes)]) -> JoinGroupRequest {
        let protocol = |(name, metadata): &(String, Bytes)| {
            JoinGroupRequestProtocol::default().with_name(text(name)).with_metadata(metadata.clone())
        };
        JoinGroupRequest::default()
            .with_group_id(self.group())
            .with_session_timeout_ms(millis(self.config.session_timeout))
            .with_rebalance_timeout_ms(millis(self.config.rebalance_timeout))
            .with_member_id(text(&self.member_id))
            .with_protocol_type(text(&self.config.protocol_type))
            .with_protocols(protocols.iter().map(protocol).collect())
    }

    fn group(&self) -> GroupId {
        GroupId(text(&self.config.group_id))
    }
}

/// Heartbeats of one generation, beside a join that is pending: see [`GroupMember::pulse`].
#[derive(Debug)]
pub struct GroupPulse {
    config: GroupConfig,
    coordinator: Coordinator,
    request: HeartbeatRequest,
}

impl GroupPulse {
    /// As [`GroupMember::heartbeat`], for the generation that the pulse was taken in. Cancel safe.
    pub async fn beat(&mut self) -> Result<HeartbeatOutcome, Error> {
        let timeout = heartbeat_timeout(&self.config);
        match self.coordinator.call(&self.request, timeout, Patience::Once).await {
            Ok(_) => Ok(HeartbeatOutcome::Ok),
            Err(error) => heartbeat_outcome(error),
        }
    }
}

/// A lost answer must not cost the session: the next heartbeat is to be sent in time.
fn heartbeat_timeout(config: &GroupConfig) -> Duration {
    config.client.request_timeout.min(config.session_timeout).min(config.heartbeat_interval * 2)
}

fn heartbeat_outcome(error: Error) -> Result<HeartbeatOutcome, Error> {
    match error.kind() {
        ErrorKind::RebalanceInProgress => Ok(HeartbeatOutcome::RebalanceInProgress),
        ErrorKind::UnknownMember => Ok(HeartbeatOutcome::UnknownMember),
        ErrorKind::IllegalGeneration => Ok(HeartbeatOutcome::IllegalGeneration),
        ErrorKind::CoordinatorMoved | ErrorKind::Retriable => Ok(HeartbeatOutcome::CoordinatorMoved),
        _ => Err(error),
    }
}

/// Configured time-outs fit: they come from 32-bit properties.
fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}
