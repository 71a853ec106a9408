//! What the fuzz target `group_protocol` asks.

use super::{Assignment, ProtocolVersion, WorkerState};

/// Reads what another member of the group sent, as metadata and as assignment. What was read is written so that it reads the same.
pub fn group_protocol(bytes: &[u8]) {
    if let Ok(assignment) = Assignment::decode(bytes) {
        assert_eq!(Assignment::decode(&assignment.encode(ProtocolVersion::V2)), Ok(assignment));
    }
    if let Ok(state) = WorkerState::decode(bytes) {
        assert_eq!(WorkerState::decode(&state.encode(ProtocolVersion::V2)), Ok(state));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn seeds_of_the_fuzzer_do_no_harm() {
        sluice_api::testkit::replay_seeds("group_protocol", super::group_protocol);
    }
}
