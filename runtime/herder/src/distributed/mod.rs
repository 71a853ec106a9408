//! The distributed herder: one worker of a Kafka group that shares the work, configs in topics.
//!
//! # One owner
//!
//! [`DistributedHerder`] is a handle; everything it does goes as a message to the service, one task that owns the state: what this
//! worker **holds** (its connectors and tasks, as the group gave them), what of that runs, and whether the last rebalance is
//! **resolved**. What may take long runs beside it and comes back as a message, so no step waits for a connector, another worker or a
//! rebalance (Invariant 8):
//!
//! ```text
//!  REST ──► DistributedHerder ──request──►┐            ┌─► lane of connector C (start, stop, task configs) ─► Report
//!  config topic ──ConfigUpdate───────────►│            ├─► stopping tasks ─────────────────────────────────► Report
//!  membership ──JoinDue, Assigned, Lost──►│  Service   ├─► reading the config topic to its end ────────────► Report
//!  data plane ──WorkerEvent──────────────►│            ├─► leader (task configs, zombie fencing) ──────────► Report
//!  Report ◄───────────────────────────────┘            ├─► config store (leader alone, each write read back)
//!                                                      └─► membership (rejoin, step out, leave)
//! ```
//!
//! # A turn of the loop
//!
//! 1. **catch up**: what was assigned counts only at the config offset that it was computed from. Behind it → read the topic to its
//!    end, beside the loop; ahead of it → rejoin, so that it is computed anew. A failed assignment → read to the end, rejoin.
//! 2. **rejoin** when something calls for it: a new or removed connector, a commit of task configs, a revocation that is carried out,
//!    the time that a delayed assignment named.
//! 3. **reconcile**: stop what runs and is not held, start what is held, configured and not running. A task that is still stopping is
//!    started only after its stop was confirmed (Invariant 5).
//! 4. **offer**: answer a membership that is about to join with what is held, as soon as everything that runs or is stopping here
//!    is held (eager: as soon as nothing runs). The rebalance counts as unresolved from when the membership asks.
//! 5. **rotate** the session key, as leader.
//! 6. **wait** for the next message and apply it; when there is none, **serve** one waiting request, while the rebalance is resolved.
//!
//! A request that changes something writes to the config topic and returns; the change takes effect when the record comes back as a
//! [`ConfigUpdate`](sluice_storage::ConfigUpdate), on this worker as on all (Invariant 4).
//!
//! # Membership and tenure
//!
//! The membership is a task of its own: find the coordinator, join, sync, heartbeat, leave. A coordinator that moves or restarts is an
//! ordinary event. What this worker may do outside of itself hangs on its **tenure**: a deadline on its own monotonic clock, the sending
//! of the last heartbeat that the coordinator answered as ours, or of a leader's sync, plus `session.timeout.ms`. The coordinator
//! cannot have begun to count earlier, so nobody else is given our work before it. A follower's sync says nothing: it is answered
//! without a look at the session when the round is complete already, so a follower beats before it begins. While a join or a sync is pending, which may outlast a session,
//! heartbeats on a second connection renew the tenure.
//!
//! The coordinator also drops a member that lives and does not join within `rebalance.timeout.ms`, and a join may be lost on its way. So
//! while a rebalance goes on, no heartbeat prolongs the tenure past the sending of the last heartbeat that found the group stable, or of
//! the last answered join, plus that time. A leave gives our work away at once: the tenure ends before it is sent.
//!
//! The data plane asks the tenure itself, at every act that others can see (a batch to the producer, an offset, a commit, a status), and
//! so does every write to the config topic. A process that was stopped and goes on finds its tenure over before any message is read.
//! A tenure that is over never comes back: a late answer cannot renew it, leases of its tasks are dead, what clients have queued is
//! purged, instances and tasks, the stopping ones too, are given up without a last flush, and the worker joins with empty hands.
//! Whatever was commanded beside the loop is dropped with its reports, so that nothing of it acts under a later tenure. A word of the
//! coordinator that it does not know us ends the tenure at once. What is on the wire at that moment may still be written: at most one
//! delivery of a producer overlaps with the new owner's, and at-least-once consumers see it twice. Exactly-once sources have no overlap:
//! the new owner fences the old producer.
//!
//! # A rebalance
//!
//! The leader of the round decodes what every member holds, takes the assignor of the protocol that the group agreed on
//! ([`crate::group`]), and hands in every member's part as of its own config offset. It keeps who holds what, with URLs, to route
//! restarts to their owners. When a member has read further than the leader, the round fails for all: everybody keeps what it has,
//! the leader reads on, and they join again. When it has read to the very end and is still behind, that member reads another topic; the
//! log names both. A member whose bytes cannot be read is no worker of this group and gets nothing.
//!
//! `compatible` and `sessioned` (incremental): everything runs on during the join. What is revoked stops, statuses are flushed, and only
//! then the worker rejoins without it; the next round gives it to its new owner. A delay means: rejoin at that time. `default` (eager):
//! everything stops before the join, and the assignment is all there is. A group takes a protocol that all its members offer, so one
//! eager worker makes all eager. In its first eager round, of a tenure or after another protocol, a worker starts nothing, stops what
//! runs and joins again, a newcomer too: the others may still run what it was given. Internal requests are
//! signed while the group speaks `sessioned`. An assignment that cannot be read ends the tenure.
//!
//! Reading the config topic is given `worker.sync.timeout.ms`. When that is over, a follower keeps what it holds, starts nothing, and
//! reads again after pauses that grow to a tenth of `scheduled.rebalance.max.delay.ms`. After the fifth time, the leader after the
//! first, it stops what it holds, leaves the group, and joins again once it has read as far as that assignment. An end that lies
//! before the assignment's offset counts as such a failure: this worker reads another topic than the leader, and the log says so.
//!
//! # Requests
//!
//! Leader only: create, replace, patch and delete a connector, stop, restart by state, change offsets, and the internal requests. An
//! owner only: restart of one instance or task; the leader knows whose it is. Such a request waits until the rebalance is resolved, and
//! is then carried out here or answered with the URL to forward to; REST forwards it, over two hops at most. A request whose time is
//! over during a rebalance is a 409, otherwise a 500 with what the loop is doing. One that is being served when the tenure ends is given
//! up. Everything else is answered from what this worker has read; pause, resume and logger levels, which any worker may write, wait for
//! a tenure.
//!
//! A follower whose connector has new task configs sends them to the leader (`POST /connectors/C/tasks`), one whose exactly-once task
//! starts asks it to fence (`PUT /connectors/C/fence`). Both are signed with the session key that the leader writes to the config topic
//! and replaces after `inter.worker.key.ttl.ms`. They run beside the loop and are repeated with growing pauses, each time to whoever
//! leads by then; a refused signature counts as a rotation for a minute.
//!
//! A leader writes to the config topic only while it holds its tenure. With `exactly.once.source.support` it writes in transactions, so
//! that a deposed leader is fenced by the broker; without, a write that was on the wire may still land, and the log order decides.
//!
//! # Seams
//!
//! The loop knows the world through traits, and time through tokio's clock: the coordinator (`GroupLink`), the topics (the stores of
//! `sluice-storage`), other workers (`Peers`), the data plane (`DataPlane`), the wall clock of session keys (`WallClock`). The cluster
//! simulator puts its own in their places. To keep a seed repeatable, no decision hangs on the order of a hash map, and every `select!`
//! is biased.

mod catch_up;
mod fencing;
mod handle;
mod inbox;
mod membership;
mod offering;
mod offsets;
mod options;
mod place;
mod rebalance_metrics;
mod reconcile;
mod requests;
mod restart;
mod service;
mod session_keys;
mod shutdown;
#[cfg(test)]
mod simulation;
mod stale_statuses;
mod task_configs;
mod tenure_end;
#[cfg(test)]
mod tests;
mod to_leader;
mod updates;

pub use handle::DistributedHerder;
pub use options::DistributedOptions;
