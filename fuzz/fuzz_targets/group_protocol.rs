//! What other members of the worker group sent: metadata and assignments.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_herder::group::{Assignment, ProtocolVersion, WorkerState};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(assignment) = Assignment::decode(bytes) {
        assert_eq!(Assignment::decode(&assignment.encode(ProtocolVersion::V2)), Ok(assignment));
    }
    if let Ok(state) = WorkerState::decode(bytes) {
        assert_eq!(WorkerState::decode(&state.encode(ProtocolVersion::V2)), Ok(state));
    }
});
