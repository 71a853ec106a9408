//! The data plane: connector instances, source tasks and sink tasks of one worker process.
//!
//! It owns the task threads, their loops and what the loops share (offset flush, error policy, memory shares, metrics). The
//! herder calls [`Worker`]; nothing here decides *what* runs, only *how*. Kept here: Invariants 1, 2, 3, 5, 7 and 8.
//!
//! # Threads
//!
//! A connector instance is a thread `connector-thread-C`, a task a thread `task-thread-C-N`, each with a current-thread tokio
//! runtime. The worker holds a handle per thread: a command channel into it, a `finished` signal out of it, and the
//! `cancelled` flag. No method of [`Worker`] waits for connector code except with a deadline. A panic is caught at the top of
//! the thread and becomes FAILED with the panic's message and place as trace.
//!
//! # The source task loop
//!
//! ```text
//! start producer, offset reader ─► task.start ─► RUNNING
//!   loop:
//!     command?          stop → leave the loop · pause → PAUSED, wait · resume → RUNNING
//!     acks?             producer.take_acks → SubmittedRecords.ack(index) → committable prefix per source partition
//!     flush due?        committable → OffsetWriter → store in a background future of this task
//!     callbacks owed?   SourceTask.commit_records, and SourceTask.commit after a flush: between two polls, never during one
//!     room?             unsent records or in flight ≥ share → wait for acks (back-pressure: never poll into a full producer)
//!     poll              while it is pending, acks, flushes and commands are attended to; it is dropped at stop only
//!     batch → transforms → converters → ensure topic → submit(index) → producer.send, which may take a part of it
//!   end: wait for outstanding acks (offset.flush.timeout.ms) ─► final flush ─► SourceTask.commit ─► task.stop
//!        ─► UNASSIGNED or FAILED
//! ```
//!
//! `SubmittedRecords` gives each record a running index, which is the producer's opaque, and keeps one queue per source
//! partition; the committable offset of a partition is that of the longest acknowledged prefix (Invariant 1). A record is
//! submitted before the producer gets it, so one that is never sent holds the prefix back. Records dropped by a transform or by
//! `errors.tolerance=all` are not submitted; their offsets move on with the next record of the partition that is.
//! The queue entry holds the offset alone, never the record.
//!
//! An offset flush takes a snapshot of committable offsets *after* the acks were taken, so what it writes is acknowledged. Its
//! write runs beside the loop, one at a time. A failed write merges back and is repeated at the next interval. The final flush
//! comes before `task.stop`, so that a `stop` which hangs costs no progress, and `SourceTask.commit` finds the task's connections
//! still open.
//!
//! A producer error that is not retriable, a record that is too large, and a conversion error under `errors.tolerance=none` end
//! the task (Invariant 3). Retriable producer errors are librdkafka's business until `delivery.timeout.ms`. After a failure the
//! final flush is made all the same: what it writes is acknowledged. After a panic it is not: nothing more runs on that thread.
//!
//! # The source task loop, exactly once
//!
//! With `exactly.once.source.support=enabled` the same loop runs with another ending (KIP-618). Records and the source offsets
//! that lead past them are in one transaction, so a reader of committed records sees a record exactly when its offset is stored.
//!
//! ```text
//! fence ─► init transactions ─► still ours? ─► read offsets ─► task.start ─► RUNNING
//!   loop: as above, with
//!     send              begins a transaction before its first record, when none is open
//!     boundary          poll: after each batch · interval: when it is due, also while a poll waits · connector: where it asks
//!       commit          all records taken ─► offset records, same producer, same transaction ─► all acknowledged
//!                       ┊ after-produce-before-commit ┊ ─► commit ─► ┊ after-commit-before-callbacks ┊
//!                       ─► callbacks owed ─► copy for the worker's offsets topic, when the connector has one of its own
//!       abort           the producer forgets the records; their offsets go into a transaction of their own, committed at once
//!   pause: PAUSED ─► commit, unless the connector sets the boundaries (then only what it has asked for)
//!   end: clean: as pause ─► callbacks ─► what is still open is aborted ─► task.stop;  failed: abort, nothing is committed
//! ```
//!
//! Who comes before. A task's transactional id is `<group.id>-C-N`, as in Kafka Connect. Initialising it aborts what the task's
//! last run left open and bumps its epoch: that run's producer is fenced, wherever it is. Tasks of an earlier set of task configs
//! may have had other numbers, so the herder fences all of their ids once for each set (`tasks-fencing-C` in the config topic says
//! for how many) *before* a task initialises its own; and once it has, the task makes sure that its set is still the newest and
//! that it is still assigned here. A task that became a zombie between the two checks would fence its successor. Offsets are read
//! after that, as committed and to the very end of the topic: every transaction of a predecessor has been ended by then.
//!
//! What `kill -9` leaves. Before the commit request: an open transaction, which nobody reads committed; the successor's
//! initialisation aborts it (else the coordinator does, after `transaction.timeout.ms`), and the records come again. After it: the
//! coordinator finishes the commit by itself, and the successor's initialisation waits for that. Between commit and callbacks: the
//! task is not told, as after any crash; its offsets say where to go on. A log that is read as committed starts with what is before
//! the first open transaction, because whoever is to end that transaction may be waiting for the log.
//!
//! Callbacks. `commit_records` and `commit` come after the commit, between two polls; a commit without anything in it owes a
//! `commit` too. `commit_records` of an aborted transaction have no position.
//!
//! When it fails. A record or an offset that was refused, an offset that cannot be serialised and a failed commit end the task, even
//! under `errors.tolerance=all`: part of a transaction cannot be left out once it was sent (Invariant 3). A commit that timed out
//! is repeated until the task is cancelled. A fenced producer fails its task with both possible reasons: another owner, or a
//! transaction that took longer than `transaction.timeout.ms`. What a cancelled task has sent is purged, which makes its commit fail;
//! if that was already on its way, records and offsets count together (Invariant 5).
//!
//! A carrier gets its transactional id and writes offsets in its own transactions; it is fenced and checked in the same way, and its
//! reports are progress to be shown, no offsets to be stored.
//!
//! # The sink task loop
//!
//! ```text
//! consumer.subscribe ─► task.start ─► RUNNING
//!   loop:
//!     command?          as above; pause = pause all partitions and go on polling, put gets empty batches
//!     commit due?       pre_commit(delivered) → only what it returned, only assigned, never past consumed (Invariant 2)
//!     rewinds, pauses, timeout asked for through the context
//!     poll              ≤ time to the next commit; rebalance events come out of poll as data, never as callbacks
//!       revoked         pre_commit → close → commit sync → drop held records → unassign;  lost: close, no commit
//!       assigned        assign → positions → open(new) → pauses in force are applied to the new partitions too
//!     records → key, value, header converter → transforms → put(batch)
//!       retriable       keep the batch, pause all partitions, wait for the context's timeout, put again
//!   end: pre_commit → close → commit sync → task.stop → consumer.close ─► UNASSIGNED or FAILED
//! ```
//!
//! Offsets become committable when `put` has returned, dropped records included. A batch that waits for redelivery loses the
//! records of partitions that are revoked or rewound, since those come again, here or elsewhere. When `pre_commit` fails outside of
//! closing, the consumer goes back to what was committed last and the held batch is dropped with it.
//!
//! # Stop, cancel, fence
//!
//! Stop is a command; every task of one stop shares one deadline (`task.shutdown.graceful.timeout.ms`). A task that is late is
//! *cancelled*: its [`Lease`](lease::Lease) ends, and its producer, offset writer, consumer commits and status reporter refuse
//! from then on, so an abandoned thread can write no offset and no status after its successor started (Invariant 5). What its
//! producer had queued is purged from outside; records already on the wire are duplicates at worst. A cancelled task writes no status.
//!
//! # Memory
//!
//! `sluice.memory.budget` bytes are divided evenly among the tasks that run: a source task's share bounds what is in flight in its
//! producer (Java's `buffer.memory` stays an upper bound), a sink task's share bounds its fetch queue and the batch of one `put`.
//! A source task that has nothing to send for a minute gives its producer back (`task::resting_producer`).
//! Shares are recomputed when tasks start and stop; a task reads its share at every turn of its loop.

pub mod config;

mod connector;
mod errors;
mod events;
pub mod fault;
mod lease;
mod memory;
pub mod metrics;
mod offset_flush;
mod offsets;
mod panic_trace;
mod reload;
mod small_runtime;
mod status;
#[allow(unreachable_pub, reason = "reached with the feature testkit")]
mod submitted_records;
mod task;
mod topic_creation;
mod transformation_chain;
mod worker;
#[cfg(test)]
mod worker_tests;
mod zombie_fencing;

pub use connector::TaskConfigs;
pub use events::{TaskAnswer, TaskCheck, WorkerEvent};
pub use metrics::Metrics;
pub use status::StatusReporter;
#[cfg(feature = "testkit")]
pub use submitted_records::SubmittedRecords;
pub use worker::{Worker, WorkerOptions};
