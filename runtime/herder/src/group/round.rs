//! One round as the leader of the group sees it: everybody's metadata in, everybody's assignment out.
//!
//! Invariant 5: what a member reports to run is given to nobody else in the same round; a member whose bytes cannot be read gets
//! nothing, and when a member has read further than the leader, nobody does.

use std::collections::BTreeMap;

use bytes::Bytes;
use sluice_storage::ClusterConfigState;

use super::assignment::{Assignment, AssignmentError};
use super::bytes_in::DecodeError;
use super::connectors_and_tasks::ConnectorsAndTasks;
use super::eager::assign_eagerly;
use super::incremental::{IncrementalAssignor, MemberAssignment, RoundInput};
use super::owners::Owners;
use super::protocol::ProtocolVersion;
use super::worker_state::WorkerState;

/// What the leader knows when the group has joined.
#[derive(Clone, Copy, Debug)]
pub struct RoundRequest<'a> {
    /// The member id of the leader.
    pub leader_id: &'a str,
    /// Its advertised URL.
    pub leader_url: &'a str,
    /// The protocol that the group agreed on.
    pub version: ProtocolVersion,
    /// The generation of this round.
    pub generation: i32,
    /// The last generation whose assignment this worker received; -1 for none.
    pub last_completed_generation: i32,
    /// Every member, the leader included, with what it sent.
    pub members: &'a [(String, Bytes)],
    /// The config topic as the leader has read it.
    pub state: &'a ClusterConfigState,
    /// Milliseconds, on any clock that never goes back and is past 0.
    pub now_ms: i64,
}

/// The outcome of a round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoundOutcome {
    /// Every readable member's part.
    pub assignments: Vec<(String, Bytes)>,
    /// Who runs what after it.
    pub owners: Owners,
    /// Members that have read the config topic further than the leader: the round has failed for all.
    pub ahead: Vec<MemberAhead>,
    /// Members whose bytes cannot be read.
    pub unreadable: Vec<(String, DecodeError)>,
}

/// A member that has read further than the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberAhead {
    /// Its id.
    pub member_id: String,
    /// Its advertised URL.
    pub url: String,
    /// How far it has read.
    pub config_offset: i64,
}

/// The leader's memory from round to round.
#[derive(Clone, Debug)]
pub struct Leadership {
    assignor: IncrementalAssignor,
}

type Members = BTreeMap<String, WorkerState>;

impl Leadership {
    /// A leader without memory. `max_delay_ms` is `scheduled.rebalance.max.delay.ms`.
    pub fn new(max_delay_ms: i32) -> Self {
        Self { assignor: IncrementalAssignor::new(max_delay_ms) }
    }

    /// Computes one round. Never fails: what is wrong with it is in the outcome.
    pub fn assign(&mut self, round: &RoundRequest<'_>) -> RoundOutcome {
        let (members, unreadable) = decode(round.members);
        let ahead: Vec<MemberAhead> =
            members.iter().filter(|(_, state)| state.config_offset > round.state.offset).map(ahead).collect();
        if let Some(furthest) = ahead.iter().map(|member| member.config_offset).max() {
            let failed = failed(round, furthest).encode(round.version);
            let assignments = members.into_keys().map(|member| (member, failed.clone())).collect();
            return RoundOutcome { assignments, ahead, unreadable, ..RoundOutcome::default() };
        }
        let (parts, delay_ms) = self.parts(round, &members);
        let mut owners = Owners::default();
        for (member, part) in &parts {
            owners.add(&members[member].url, &part.holds);
        }
        let encoded = |(member, part)| (member, assignment(round, part, delay_ms).encode(round.version));
        let assignments = parts.into_iter().map(encoded).collect();
        RoundOutcome { assignments, owners, ahead, unreadable }
    }

    fn parts(&mut self, round: &RoundRequest<'_>, members: &Members) -> (BTreeMap<String, MemberAssignment>, i32) {
        let configured = ConnectorsAndTasks::configured(round.state);
        if round.version == ProtocolVersion::V0 {
            let ids: Vec<&str> = members.keys().map(String::as_str).collect();
            let part = |assigned: ConnectorsAndTasks| MemberAssignment {
                holds: assigned.clone(),
                assigned,
                ..Default::default()
            };
            let dealt = assign_eagerly(&ids, &configured);
            return (dealt.into_iter().map(|(member, assigned)| (member, part(assigned))).collect(), 0);
        }
        let held = |state: &WorkerState| {
            state.allocation.as_ref().map(|allocation| allocation.assigned.clone()).unwrap_or_default()
        };
        let assigned = self.assignor.assign(&RoundInput {
            now_ms: round.now_ms,
            configured,
            last_completed_generation: round.last_completed_generation,
            generation: round.generation,
            members: members.iter().map(|(member, state)| (member.clone(), held(state))).collect(),
        });
        (assigned.members, assigned.delay_ms)
    }
}

fn decode(members: &[(String, Bytes)]) -> (Members, Vec<(String, DecodeError)>) {
    let (mut readable, mut unreadable) = (Members::new(), Vec::new());
    for (member, metadata) in members {
        match WorkerState::decode(metadata) {
            Ok(state) => drop(readable.insert(member.clone(), state)),
            Err(error) => unreadable.push((member.clone(), error)),
        }
    }
    (readable, unreadable)
}

fn ahead((member_id, state): (&String, &WorkerState)) -> MemberAhead {
    MemberAhead { member_id: member_id.clone(), url: state.url.clone(), config_offset: state.config_offset }
}

fn assignment(round: &RoundRequest<'_>, part: MemberAssignment, delay_ms: i32) -> Assignment {
    let MemberAssignment { assigned, revoked, .. } = part;
    Assignment {
        error: AssignmentError::None,
        leader: round.leader_id.to_owned(),
        leader_url: round.leader_url.to_owned(),
        config_offset: round.state.offset,
        assigned,
        revoked,
        delay_ms,
    }
}

fn failed(round: &RoundRequest<'_>, config_offset: i64) -> Assignment {
    let nothing = assignment(round, MemberAssignment::default(), 0);
    Assignment { error: AssignmentError::ConfigMismatch, config_offset, ..nothing }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use sluice_storage::ConnectorTaskId;

    use super::super::connectors_and_tasks::tests::work;
    use super::*;

    /// Connectors by name and number of tasks.
    fn state(offset: i64, connectors: &[(&str, u32)]) -> ClusterConfigState {
        let mut state = ClusterConfigState { offset, ..ClusterConfigState::default() };
        for (name, tasks) in connectors {
            state.connector_configs.insert((*name).to_owned(), Default::default());
            state.task_counts.insert((*name).to_owned(), *tasks);
            for task in 0..*tasks {
                let id = ConnectorTaskId { connector: (*name).to_owned(), task };
                state.task_configs.insert(id, Default::default());
            }
        }
        state
    }

    fn url(member: &str) -> String {
        format!("http://{member}:8083/")
    }

    fn metadata(member: &str, offset: i64, held: Option<&ConnectorsAndTasks>, version: ProtocolVersion) -> Bytes {
        let allocation = held.map(|held| Assignment {
            error: AssignmentError::None,
            leader: "m1".to_owned(),
            leader_url: url("m1"),
            config_offset: offset,
            assigned: held.clone(),
            revoked: ConnectorsAndTasks::default(),
            delay_ms: 0,
        });
        WorkerState { url: url(member), config_offset: offset, allocation }.encode(version)
    }

    /// A group whose members do what they are told, through the bytes.
    struct Group {
        leadership: Leadership,
        version: ProtocolVersion,
        generation: i32,
        now_ms: i64,
        held: HashMap<String, ConnectorsAndTasks>,
        owners: Owners,
    }

    impl Group {
        fn new(version: ProtocolVersion) -> Self {
            let (held, owners) = (HashMap::new(), Owners::default());
            Self { leadership: Leadership::new(300_000), version, generation: 0, now_ms: 1, held, owners }
        }

        /// One round; the largest delay and whether anything was revoked.
        fn round(&mut self, members: &[&str], state: &ClusterConfigState) -> (i32, bool) {
            self.held.retain(|member, _| members.contains(&member.as_str()));
            let sent: Vec<(String, Bytes)> = members
                .iter()
                .map(|member| ((*member).to_owned(), metadata(member, 5, self.held.get(*member), self.version)))
                .collect();
            let outcome = self.leadership.assign(&RoundRequest {
                leader_id: members[0],
                leader_url: &url(members[0]),
                version: self.version,
                generation: self.generation + 1,
                last_completed_generation: self.generation,
                members: &sent,
                state,
                now_ms: self.now_ms,
            });
            assert!(outcome.ahead.is_empty() && outcome.unreadable.is_empty());
            self.generation += 1;
            self.owners = outcome.owners;
            let (mut delay_ms, mut revoked) = (0, false);
            for (member, bytes) in outcome.assignments {
                let part = Assignment::decode(&bytes).expect("own bytes");
                assert_eq!((part.error, part.leader_url), (AssignmentError::None, url(members[0])));
                let held = self.held.entry(member).or_default();
                if self.version == ProtocolVersion::V0 {
                    *held = ConnectorsAndTasks::default();
                }
                held.remove(&part.revoked);
                held.add(&part.assigned);
                delay_ms = delay_ms.max(part.delay_ms);
                revoked |= !part.revoked.is_empty();
            }
            (delay_ms, revoked)
        }

        /// Rounds until nothing is revoked and nothing waits.
        fn settle(&mut self, members: &[&str], state: &ClusterConfigState) {
            for _ in 0..10 {
                match self.round(members, state) {
                    (0, false) => return,
                    (delay_ms, _) => self.now_ms += i64::from(delay_ms),
                }
            }
            panic!("the group does not settle");
        }

        fn sizes(&self) -> Vec<(usize, usize)> {
            let mut sizes: Vec<_> = self.held.values().map(|held| (held.connectors.len(), held.tasks.len())).collect();
            sizes.sort_unstable();
            sizes
        }
    }

    const ALL: [ProtocolVersion; 3] = [ProtocolVersion::V0, ProtocolVersion::V1, ProtocolVersion::V2];

    // Invariant 5, and the balance of appendix B, through the bytes.
    #[test]
    fn members_that_come_and_go_share_everything_in_the_end() {
        let state = state(5, &[("a", 4), ("b", 4), ("c", 4)]);
        for version in ALL {
            let mut group = Group::new(version);
            group.settle(&["m1"], &state);
            assert_eq!(group.sizes(), [(3, 12)]);
            group.settle(&["m1", "m2"], &state);
            assert_eq!(group.sizes(), [(1, 6), (2, 6)], "{version:?}");
            group.settle(&["m1", "m2", "m3"], &state);
            assert_eq!(group.sizes(), [(1, 4), (1, 4), (1, 4)], "{version:?}");
            group.settle(&["m1", "m3"], &state);
            assert_eq!(group.sizes(), [(1, 6), (2, 6)], "{version:?}");
            for (member, held) in &group.held {
                for id in &held.tasks {
                    assert_eq!(group.owners.of_task(id), Some(url(member).as_str()));
                }
                for connector in &held.connectors {
                    assert_eq!(group.owners.of_connector(connector), Some(url(member).as_str()));
                }
            }
        }
    }

    #[test]
    fn work_of_a_lost_member_is_waited_for() {
        let state = state(5, &[("a", 2), ("b", 2)]);
        let mut group = Group::new(ProtocolVersion::V2);
        group.settle(&["m1", "m2"], &state);
        assert_eq!(group.round(&["m1"], &state), (300_000, false));
        assert_eq!(group.sizes(), [(1, 2)]);
        group.now_ms += 300_000;
        group.settle(&["m1"], &state);
        assert_eq!(group.sizes(), [(2, 4)]);
    }

    fn outcome(version: ProtocolVersion, members: &[(String, Bytes)], state: &ClusterConfigState) -> RoundOutcome {
        Leadership::new(0).assign(&RoundRequest {
            leader_id: "m1",
            leader_url: &url("m1"),
            version,
            generation: 1,
            last_completed_generation: -1,
            members,
            state,
            now_ms: 1,
        })
    }

    #[test]
    fn a_member_ahead_fails_the_round_for_all() {
        let state = state(5, &[("a", 2)]);
        for version in ALL {
            let held = work(&["a"], &[]);
            let members =
                [("m1", 5), ("m2", 7)].map(|(id, offset)| (id.to_owned(), metadata(id, offset, Some(&held), version)));
            let outcome = outcome(version, &members, &state);
            let ahead = MemberAhead { member_id: "m2".to_owned(), url: url("m2"), config_offset: 7 };
            assert_eq!(outcome.ahead, [ahead]);
            assert_eq!(outcome.assignments.len(), 2);
            for (_, bytes) in outcome.assignments {
                let part = Assignment::decode(&bytes).expect("own bytes");
                assert_eq!((part.error, part.config_offset), (AssignmentError::ConfigMismatch, 7));
                assert!(part.assigned.is_empty() && part.revoked.is_empty());
            }
        }
    }

    #[test]
    fn garbage_gets_nothing_and_is_named() {
        let state = state(5, &[("a", 2)]);
        for version in ALL {
            let garbage = Bytes::from_static(b"\0\x02\0\x7fno URL");
            let members = [("m1".to_owned(), metadata("m1", 5, None, version)), ("m2".to_owned(), garbage)];
            let outcome = outcome(version, &members, &state);
            assert_eq!(outcome.unreadable.len(), 1);
            assert_eq!(outcome.unreadable[0].0, "m2");
            let [(member, bytes)] = &outcome.assignments[..] else { panic!("{outcome:?}") };
            let part = Assignment::decode(bytes).expect("own bytes");
            assert_eq!((member.as_str(), part.assigned), ("m1", work(&["a"], &[("a", 2)])));
        }
    }
}
