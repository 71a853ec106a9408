//! The consumer of sink tasks.
//!
//! It hands out batches of records that are slices of what was fetched (`crate::fetch`), so that a record costs no allocation, and
//! it never decides about a rebalance: the event waits in [`PollResult::events`] until the task has run its `preCommit`, `close` and commit,
//! and answers with [`Consumer::assign_from`] or [`Consumer::unassign`]. The worker's sink task and the internal logs call
//! it.
//!
//! Invariant 2: nothing here commits an offset by itself; only [`Consumer::commit_sync`] and [`Consumer::commit_async`]
//! do.

mod assignment;
mod client;
mod commit;
mod departure;
mod lookup;
mod missing;
mod offsets;
mod pattern;
mod rebalance;
mod record;

pub use client::{Consumer, ConsumerLimits, PollResult};
pub use commit::CommitResult;
pub use departure::Departure;
pub use rebalance::RebalanceEvent;
pub use record::{ConsumerRecord, TimestampType, TopicPartition};
