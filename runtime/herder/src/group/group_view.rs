//! What the leader of a group sees, and the assignments that it hands in.

use bytes::Bytes;
use sluice_storage::ClusterConfigState;

use super::assignment::{Assignment, AssignmentError};
use super::connectors_and_tasks::ConnectorsAndTasks;
use super::protocol::ProtocolVersion;

/// The leader's view of its group. So far of a group of one: the member that gets everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    member_id: String,
    url: String,
    version: ProtocolVersion,
}

impl GroupView {
    /// A group whose only member is its leader. `protocol` is the name that the group agreed on; one that no worker
    /// offers cannot come from a broker and is taken for the eager one.
    pub fn alone(member_id: &str, url: &str, protocol: &str) -> Self {
        let version = ProtocolVersion::from_name(protocol).unwrap_or(ProtocolVersion::V0);
        Self { member_id: member_id.to_owned(), url: url.to_owned(), version }
    }

    /// Every member with the bytes of its assignment, computed from `state`: all connectors and tasks to the one member.
    ///
    /// The later protocols send what is to be added to what the member runs. Everything that is configured is sent each
    /// time: adding what runs already changes nothing, and a worker alone stops by itself what is no longer configured.
    pub fn assign(&self, state: &ClusterConfigState) -> Vec<(String, Bytes)> {
        let assignment = Assignment {
            error: AssignmentError::None,
            leader: self.member_id.clone(),
            leader_url: self.url.clone(),
            config_offset: state.offset,
            assigned: ConnectorsAndTasks::configured(state),
            revoked: ConnectorsAndTasks::default(),
            delay_ms: 0,
        };
        vec![(self.member_id.clone(), assignment.encode(self.version))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    use sluice_storage::ConnectorTaskId;

    #[test]
    fn a_worker_alone_gets_every_connector_and_task() {
        let mut state = ClusterConfigState { offset: 9, ..ClusterConfigState::default() };
        let too_long = "x".repeat(40_000);
        for name in ["b", "a", too_long.as_str()] {
            state.connector_configs.insert(name.to_owned(), Default::default());
        }
        state.task_counts = HashMap::from([("b".to_owned(), 2)]);
        for task in 0..2 {
            state.task_configs.insert(ConnectorTaskId { connector: "b".to_owned(), task }, Default::default());
        }
        for protocol in ["default", "compatible", "sessioned"] {
            let assignments = GroupView::alone("m1", "http://a:8083/", protocol).assign(&state);
            let [(member, bytes)] = &assignments[..] else { panic!("{assignments:?}") };
            let assignment = Assignment::decode(bytes).expect("own bytes");
            assert_eq!((member.as_str(), assignment.leader.as_str(), assignment.config_offset), ("m1", "m1", 9));
            assert_eq!(assignment.connectors(), ["a".to_owned(), "b".to_owned()].into());
            let tasks: Vec<String> = assignment.tasks().iter().map(ToString::to_string).collect();
            assert_eq!(tasks, ["b-0", "b-1"]);
        }
    }
}
