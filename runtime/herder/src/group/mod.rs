//! The content of Kafka Connect's group protocol: what workers tell each other through the group, and who runs what.
//!
//! Owns the bytes of member metadata and assignments (Invariant 6), the names and versions of the protocols, and the
//! assignors. Everything here is a pure function of its arguments; the membership task of the distributed herder calls
//! it. Kept here: Invariant 5 as far as an assignment goes, since no assignor gives an item to two members.

mod assignment;
mod bytes_in;
mod bytes_out;
mod connectors_and_tasks;
mod eager;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod incremental;
mod owners;
mod protocol;
mod round;
mod worker_load;
mod worker_state;

pub use assignment::{Assignment, AssignmentError};
pub use bytes_in::DecodeError;
pub use connectors_and_tasks::ConnectorsAndTasks;
pub use eager::assign_eagerly;
pub use incremental::{ClusterAssignment, IncrementalAssignor, MemberAssignment, RoundInput};
pub use owners::Owners;
pub use protocol::{ConnectProtocol, ProtocolVersion};
pub use round::{Leadership, MemberAhead, RoundOutcome, RoundRequest};
pub use worker_state::WorkerState;
