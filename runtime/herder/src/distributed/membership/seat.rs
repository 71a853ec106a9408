//! How this worker takes its place in the group, and whom it finds there.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use sluice_kafka::wire::{Error, GroupDescription, GroupMember, GroupMemberDescription, HeartbeatOutcome, Joined};
use sluice_storage::ConfigBackingStore;
use tokio::time::Instant;
use tracing::{debug, info};

use crate::group::{Assignment, ConnectProtocol, DecodeError, GroupView, WorkerState};

/// What the seat needs of the group; [`GroupMember`] outside of tests. Every call may be dropped half-way.
#[async_trait]
pub(super) trait Member: Send {
    fn member_id(&self) -> &str;
    async fn find_coordinator(&mut self) -> Result<(), Error>;
    async fn describe(&mut self) -> Result<GroupDescription, Error>;
    async fn join(&mut self, protocols: &[(String, Bytes)]) -> Result<Joined, Error>;
    async fn sync(&mut self, assignments: Vec<(String, Bytes)>) -> Result<Bytes, Error>;
    async fn heartbeat(&mut self) -> Result<HeartbeatOutcome, Error>;
    async fn leave(&mut self) -> Result<(), Error>;
}

#[async_trait]
impl Member for GroupMember {
    fn member_id(&self) -> &str {
        self.member_id()
    }
    async fn find_coordinator(&mut self) -> Result<(), Error> {
        self.find_coordinator().await
    }
    async fn describe(&mut self) -> Result<GroupDescription, Error> {
        self.describe().await
    }
    async fn join(&mut self, protocols: &[(String, Bytes)]) -> Result<Joined, Error> {
        self.join(protocols).await
    }
    async fn sync(&mut self, assignments: Vec<(String, Bytes)>) -> Result<Bytes, Error> {
        self.sync(assignments).await
    }
    async fn heartbeat(&mut self) -> Result<HeartbeatOutcome, Error> {
        self.heartbeat().await
    }
    async fn leave(&mut self) -> Result<(), Error> {
        self.leave().await
    }
}

/// What came of an attempt to take the seat.
pub(super) enum Taken {
    /// We are the group; the session counts from `heard`.
    Alone { generation: i32, protocol: String, assignment: Result<Assignment, DecodeError>, heard: Instant },
    /// Somebody else is in the group; found out before or after we had joined.
    Other { name: String, joined: bool },
}

/// This worker's place in the group.
pub(super) struct Seat {
    pub(super) member: Box<dyn Member>,
    protocol: ConnectProtocol,
    url: String,
    configs: Arc<dyn ConfigBackingStore>,
    /// Members under our own URL that turned out to live.
    living_twins: HashSet<String>,
}

impl Seat {
    pub(super) fn new(
        member: Box<dyn Member>,
        protocol: ConnectProtocol,
        url: String,
        configs: Arc<dyn ConfigBackingStore>,
    ) -> Self {
        Self { member, protocol, url, configs, living_twins: HashSet::new() }
    }

    /// Looks around, joins and syncs. Cancel safe in the sense of [`Member`].
    pub(super) async fn take(&mut self) -> Result<Taken, Error> {
        self.member.find_coordinator().await?;
        let description = self.member.describe().await?;
        if let Some(other) = self.other_in(&description) {
            return Ok(Taken::Other { name: other, joined: false });
        }
        let offered = self.protocol.offer(&self.url, self.configs.snapshot().offset);
        let joined = self.member.join(&offered).await?;
        debug!(generation = joined.generation, protocol = joined.protocol, "joined the group");
        if let Some(other) = other_than_us(&joined) {
            return Ok(Taken::Other { name: self.found(&joined, other).await, joined: true });
        }
        let view = GroupView::alone(&joined.member_id, &self.url, &joined.protocol);
        let assignments = view.assign(&self.configs.snapshot());
        let heard = Instant::now();
        let assigned = self.member.sync(assignments).await?;
        let (generation, protocol) = (joined.generation, joined.protocol);
        Ok(Taken::Alone { generation, protocol, assignment: Assignment::decode(&assigned), heard })
    }

    /// Whoever is in the group and is not us, by address. A member under our own URL is what a killed predecessor left behind:
    /// the group drops it when its session ends, and our join waits for that.
    fn other_in(&self, description: &GroupDescription) -> Option<String> {
        let mut others = description.others(self.member.member_id());
        let other = others.find(|member| !self.is_ghost(member))?;
        Some(name(other))
    }

    fn is_ghost(&self, member: &GroupMemberDescription) -> bool {
        let ours = WorkerState::decode(&member.metadata).is_ok_and(|state| state.url == self.url);
        let ghost = ours && !self.living_twins.contains(&member.member_id);
        if ghost {
            info!(member = member.member_id, "waiting until the group has dropped this worker's former membership");
        }
        ghost
    }

    /// Names a member that joined with us, and remembers that it lives.
    async fn found(&mut self, joined: &Joined, other: String) -> String {
        let ids = joined.members.iter().map(|(id, _)| id).chain([&joined.leader_id]);
        self.living_twins.extend(ids.filter(|id| **id != joined.member_id).cloned());
        let described = self.member.describe().await.ok();
        let named = described.and_then(|described| self.other_in(&described));
        named.unwrap_or(other)
    }
}

fn name(member: &GroupMemberDescription) -> String {
    format!("{} at {}", member.member_id, member.client_host.trim_start_matches('/'))
}

fn other_than_us(joined: &Joined) -> Option<String> {
    if joined.leader_id != joined.member_id {
        return Some(joined.leader_id.clone());
    }
    joined.members.iter().map(|(id, _)| id).find(|id| **id != joined.member_id).cloned()
}
