//! The distributed herder: one worker of a Kafka group, configs in topics.
//!
//! # One owner
//!
//! [`DistributedHerder`] is a handle; everything it does goes as a message to the [`service`], one task that owns the state:
//! what this worker is assigned, what it has asked the data plane to run, and whether the last rebalance is resolved. What
//! may take long runs beside it and comes back as a message:
//!
//! ```text
//!  REST ──► DistributedHerder ──request──►┐
//!  config topic ──ConfigUpdate───────────►│            ┌─► lane of connector C (start, stop, task configs) ─► Report
//!  group membership ──MembershipEvent────►│  Service   ├─► stopping tasks ─────────────────────────────────► Report
//!  worker ──WorkerEvent──────────────────►│            ├─► config store (writes, each read back)
//!  Report ◄───────────────────────────────┘            └─► membership (rejoin, leave)
//! ```
//!
//! # A turn of the loop
//!
//! 1. **catch up**: own config offset behind the assignment's → read the config topic to its end (`worker.sync.timeout.ms`); ahead of
//!    it → rejoin, so that the assignment is computed anew.
//! 2. **reconcile**: start what is assigned and configured but not running, stop what is running but no longer assigned. A task that
//!    is still stopping is started only after its stop was confirmed (Invariant 5).
//! 3. **wait** for the next message and apply it; when there is none, **serve** one waiting request, while the last rebalance is
//!    resolved. Each caller has its own deadline. A request that is served is given up when the worker stops or is out of the group.
//!
//! # Where state changes
//!
//! A request that changes something writes to the config topic and returns; the change takes effect when the record comes back
//! as a [`ConfigUpdate`](sluice_storage::ConfigUpdate) (Invariant 4). A known connector's new config restarts its instance; a new
//! or removed connector and every commit of task configs lead to a rebalance; tasks of a commit stop before it.
//!
//! # Membership
//!
//! The [`membership`] task joins the group, syncs, heartbeats and reports. For now a worker shares no work: it looks who is in
//! the group before it joins, and when another member is there or comes, it stops everything, leaves, and says so in `/health`
//! until it is alone. The assignment comes from [`crate::group`], so that sharing slots in there.
//! When the coordinator cannot be reached for the session time-out, everything stops: somebody else may own it by then. A member
//! under this worker's own URL is what a killed predecessor left behind; the join waits until the group has dropped it.

mod fencing;
mod handle;
mod inbox;
mod membership;
mod offsets;
mod options;
mod rebalance_metrics;
mod reconcile;
mod requests;
mod restart;
mod service;
mod shutdown;
mod task_configs;
#[cfg(test)]
mod tests;
mod updates;

pub use handle::DistributedHerder;
pub use options::DistributedOptions;
