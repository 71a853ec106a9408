//! What this worker says in a round, and what it computes when it leads.

use bytes::Bytes;
use sluice_kafka::wire::Joined;
use sluice_storage::ConfigBackingStore;
use tokio::time::Instant;
use tracing::{error, warn};

use std::sync::Arc;

use super::Offer;
use crate::group::{
    Assignment, AssignmentError, ConnectProtocol, ConnectorsAndTasks, DecodeError, Leadership, ProtocolVersion,
    RoundOutcome, RoundRequest,
};

/// This worker's place in the group.
pub(in crate::distributed) struct Seat {
    protocol: ConnectProtocol,
    url: String,
    configs: Arc<dyn ConfigBackingStore>,
    leadership: Leadership,
    /// What the last round brought.
    last: Option<Assignment>,
    /// Its generation; -1 for none.
    completed: i32,
    began: Instant,
}

impl Seat {
    /// `max_delay_ms` is `scheduled.rebalance.max.delay.ms`.
    pub(in crate::distributed) fn new(
        protocol: ConnectProtocol,
        url: String,
        configs: Arc<dyn ConfigBackingStore>,
        max_delay_ms: i32,
    ) -> Self {
        let leadership = Leadership::new(max_delay_ms);
        Self { protocol, url, configs, leadership, last: None, completed: -1, began: Instant::now() }
    }

    /// The protocols with this worker's metadata.
    pub(super) fn offer(&self, offer: Offer) -> Vec<(String, Bytes)> {
        let Offer { config_offset, held } = offer;
        let allocation = held.map(|held| {
            let (leader, leader_url) =
                self.last.as_ref().map(|last| (last.leader.clone(), last.leader_url.clone())).unwrap_or_default();
            Assignment {
                error: AssignmentError::None,
                leader,
                leader_url,
                config_offset,
                assigned: held,
                revoked: ConnectorsAndTasks::default(),
                delay_ms: 0,
            }
        });
        self.protocol.offer_holding(&self.url, config_offset, allocation.as_ref())
    }

    /// Computes the round as its leader.
    pub(super) fn lead(&mut self, joined: &Joined, version: ProtocolVersion) -> RoundOutcome {
        let outcome = self.leadership.assign(&RoundRequest {
            leader_id: &joined.member_id,
            leader_url: &self.url,
            version,
            generation: joined.generation,
            last_completed_generation: self.completed,
            members: &joined.members,
            state: &self.configs.snapshot(),
            now_ms: i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX - 1) + 1,
        });
        for (member, reason) in &outcome.unreadable {
            error!(member, %reason, "what a member of the group sent cannot be read: it is no worker of this group and gets nothing");
        }
        outcome
    }

    /// Takes note of this worker's part.
    pub(super) fn received(&mut self, generation: i32, bytes: &[u8]) -> Result<Assignment, DecodeError> {
        let assignment = Assignment::decode(bytes)?;
        self.completed = generation;
        if let AssignmentError::Unknown(code) = assignment.error {
            warn!(code, "the leader says that the round failed, with a code that this worker does not know");
        }
        self.last = Some(assignment.clone());
        Ok(assignment)
    }
}
