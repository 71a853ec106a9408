//! What this worker says in a round, and what it computes when it leads.

use std::sync::Arc;

use bytes::Bytes;
use sluice_kafka::wire::Joined;
use sluice_storage::ConfigBackingStore;
use tokio::time::Instant;
use tracing::{error, warn};

use super::Offer;
use crate::group::{
    Assignment, AssignmentError, ConnectProtocol, ConnectorsAndTasks, DecodeError, Leadership, ProtocolVersion,
    RoundOutcome, RoundRequest,
};

/// The absence of an allocation in later versions of the metadata.
const NO_ALLOCATION: &[u8] = &(-1_i32).to_be_bytes();

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
    /// It was an eager one.
    eager: bool,
    /// How the metadata of the last eager join ended.
    marked: bool,
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
        Self {
            protocol,
            url,
            configs,
            leadership,
            last: None,
            completed: -1,
            eager: false,
            marked: false,
            began: Instant::now(),
        }
    }

    /// The protocols with this worker's metadata.
    ///
    /// A coordinator answers a follower that joins again with the same bytes as before with the round that it knows already. What an
    /// eager worker holds is not in its bytes, so each join of one ends differently, in what the others pass over.
    pub(super) fn offer(&mut self, offer: Offer) -> Vec<(String, Bytes)> {
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
        let mut offered = self.protocol.offer_holding(&self.url, config_offset, allocation.as_ref());
        self.marked = self.eager && !self.marked;
        if self.marked {
            for (_, metadata) in offered.iter_mut().filter(|(name, _)| name == ProtocolVersion::V0.name()) {
                *metadata = [metadata.as_ref(), NO_ALLOCATION].concat().into();
            }
        }
        offered
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
    pub(super) fn received(
        &mut self,
        generation: i32,
        version: ProtocolVersion,
        bytes: &[u8],
    ) -> Result<Assignment, DecodeError> {
        let assignment = Assignment::decode(bytes)?;
        (self.completed, self.eager) = (generation, version == ProtocolVersion::V0);
        if let AssignmentError::Unknown(code) = assignment.error {
            warn!(code, "the leader says that the round failed, with a code that this worker does not know");
        }
        self.last = Some(assignment.clone());
        Ok(assignment)
    }
}

#[cfg(test)]
mod tests {
    use sluice_storage::config::MemoryConfigBackingStore;

    use super::*;
    use crate::group::WorkerState;

    #[tokio::test]
    async fn every_join_of_an_eager_worker_is_news_to_the_coordinator() {
        let configs = Arc::new(MemoryConfigBackingStore::new());
        let mut seat = Seat::new(ConnectProtocol::Eager, "http://a:8083/".into(), configs, 0);
        let offer = || Offer { config_offset: 5, held: Some(ConnectorsAndTasks::default()) };
        let first = seat.offer(offer());
        assert_eq!(seat.offer(offer()), first, "in no eager group yet");
        let assignment = Assignment {
            error: AssignmentError::None,
            leader: "m1".into(),
            leader_url: "http://b:8083/".into(),
            config_offset: 5,
            assigned: ConnectorsAndTasks::default(),
            revoked: ConnectorsAndTasks::default(),
            delay_ms: 0,
        };
        let bytes = assignment.encode(ProtocolVersion::V0);
        seat.received(3, ProtocolVersion::V0, &bytes).expect("own bytes");
        let (second, third) = (seat.offer(offer()), seat.offer(offer()));
        assert_ne!(first, second);
        assert_ne!(second, third);
        for (_, metadata) in [&first[0], &second[0], &third[0]] {
            let state = WorkerState { url: "http://a:8083/".into(), config_offset: 5, allocation: None };
            assert_eq!(WorkerState::decode(metadata), Ok(state));
        }
    }
}
