//! Copying partitions of one cluster to another, record batch by record batch, without opening the batches.
//!
//! A [`Copier`] belongs to one task of the mirror and is driven by it: every call of [`Copier::next`] takes what was fetched, sends
//! what can be sent and returns what the target has acknowledged. Requests are written and answers read by small tasks of the connections
//! (`wire/pipe.rs`), so dropping the future of `next` loses no half of either.
//!
//! ```text
//! Fetcher (crate::fetch, Fetch v13) → Chunk → parcels of a lane → Produce v8 on a pipe per broker → Copied
//! ```
//!
//! # States
//! A **lane** (`lane.rs`, no IO) is a source partition and the target partition of its number. Its queue holds **parcels** in the order of
//! the source log, each one batch with the source offsets that it stands for, in runs without holes:
//!
//! - `Waiting`: never sent, or to be sent again. *Unresolved* besides, when it was sent and may have been appended: no answer came, or one
//!   that leaves it open (request timed out, not enough replicas after the append, not the leader any more).
//! - `UnderWay`: in a request that has no answer yet.
//! - `Done`: acknowledged. Stretches without records (markers, aborted transactions, batches that compaction emptied) are born so.
//!
//! Only the front of the queue is ever taken off, when it is `Done`: what comes out of [`Copier::next`] is in the order of the source
//! log, so the last [`Copied`] of a lane says where to go on. Invariant 1: nothing else moves a position.
//!
//! # Order
//! At most five parcels are between the front of a lane and the last one sent: so many of a producer's batches a broker remembers. But a
//! broker that knows nothing of a producer takes *any* first sequence, and would take the second of five when it refuses the first. So a lane is
//! **unproven** at its start and after every failure, and sends one parcel at a time until one is acknowledged.
//!
//! When a parcel fails, the lane sends nothing until everything under way was answered or its connection is gone. Then what is left goes
//! again, in order, with the same epoch and sequences. An out-of-order sequence of the front has two causes, told apart before anything
//! is sent:
//!
//! - Parcels are unresolved. A broker that started again from a snapshot remembers one batch, not five, so the front may have been
//!   appended long ago. The leader is asked which sequence it saw last (`DescribeProducers`): everything up to it is `Done`, with no
//!   target offset known. Where the cluster does not say, a warning counts the records that may be there twice.
//! - None is: the broker has lost records or this producer's state (an unclean election). The lane begins again at sequence 0 under the next
//!   epoch of the same producer id, which also makes void what may still arrive from a closed connection. That is said as a warning. A parcel
//!   that is `Done` behind such a front would make two orders possible: an error, and the task begins again from what is stored.
//!
//! One producer id serves the copier (`InitProducerId`, no transactional id), one sequence per lane, counted in records, given at the
//! first sending and 0 again behind 2^31-1. `acks=-1` always; the broker's time-out is three quarters of `request.timeout.ms`.
//!
//! # What is done to a batch
//! Of a batch that can go as it is, the header is written anew (`header.rs`): base offset 0, no leader epoch, producer id, epoch and
//! base sequence of the lane, attributes without the bits of transactions (0x10) and of the delete horizon (0x40), a new CRC-32C.
//! The old CRC is checked first. Records, their compression, timestamps and headers are the same bytes, sent from where they were read.
//!
//! A batch is opened and built anew (`rebuild.rs`), with the same codec, when it
//! - has holes: fewer records than offsets (compaction), which a broker refuses from a producer;
//! - begins before the position (a stored offset in its middle): records before it are left out;
//! - has timestamps of type LogAppendTime: each record gets that time as its own, as a consumer sees it;
//! - is of a format before v2 (format 0 keeps its timestamp -1);
//! - was refused as too large: it becomes halves, whose sequences continue one another, once nothing is unresolved. Batches that are as large
//!   are halved before they are sent. A single record that is refused is an error that names topic, offset, size and the setting to raise.
//!
//! # Bounds
//! - Memory: parcels hold slices of what was fetched; each answer counts with all its bytes until its last parcel is gone. While
//!   [`CopyLimits::held_bytes`] are held, nothing is taken from the fetcher, which itself stops asking at `fetch_bytes`. In all: held, one
//!   `fetch_bytes` waiting, and one answer per source broker; a single larger batch still comes through. A lane that holds more than its share, because its
//!   target takes nothing, has its source partition paused, so that it stops no other.
//! - In flight: five requests per broker, [`MAX_REQUEST_BYTES`] per request or one batch; one batch per partition in a request (a broker's rule).
//! - Time: a request's time runs from when it is written and those before it are answered, so a slow line costs no connection; writing
//!   that stands still for `request.timeout.ms` does. While a broker throttles this client nothing is sent to it, and no time runs.
//!   Credentials are renewed over a new connection once nothing is under way (KIP-368).
//!
//! # What happens at each error
//! | from the target | what is done |
//! | --- | --- |
//! | connection lost, no answer | every parcel on it is unresolved: look up the leader, send again |
//! | not leader, unknown topic or partition, storage error | the same; said once a minute, with the partition's name |
//! | not enough replicas, other retriable codes | send again after `retry.backoff.ms`, growing; said once a minute |
//! | out of order sequence, unknown producer, old epoch | see *Order* |
//! | too large (message or record list) | see above |
//! | invalid record or timestamp, authorization, anything else | error of [`Copier::next`] with partition, source offset, code and the broker's words |
//! | `InitProducerId` refused | error: before Kafka 3.0 it needs the right IdempotentWrite |
//! | a base offset below the last one acknowledged | a warning with both: the target's log is shorter than it was |
//!
//! What the source says is mended or given up by [`crate::fetch`]. Damaged bytes are an error. An offset below the log's start follows
//! `auto.offset.reset` (a warning names the gap); one *behind its end* is an error: the topic was created again or has lost records.
//!
//! # Another log under the same name
//! Topics are fetched by their ids, so a topic that was deleted and created again refuses the very next fetch, and each fetch says up to which
//! leader epoch was read, so the leader itself answers when its log has lost those records and grown again. [`Copied`] carries both
//! ([`Lineage`]); who stores them beside the offset and gives them back by [`Assignment`] is safe across restarts too. What is done about
//! it is said by [`LineageRules`]: an error, or a warning and the new log. Brokers before Kafka 3.1 know neither; they are told apart by offsets
//! out of range alone.
//!
//! # Pause and stop
//! Paused, nothing is taken and nothing is sent; what is under way is answered. Whoever stops calls [`Copier::next`] until nothing
//! [is under way](Copier::is_under_way), and reports what comes (Invariant 7). What is left in the queues lies behind every reported position.
//! Invariant 5: a cancelled task's future is dropped, and with it every connection; what was written to them before may still be appended,
//! behind its successor's first records: a copy out of order, never a gap. Only transactions would fence that.
//!
//! # Not here yet
//! Fetch sessions; transactions of its own for
//! `exactly.once.source.support`, which is refused by name; joining small batches: a lane carries five batches per round trip.

mod broker;
mod copier;
mod header;
mod intake;
mod lane;
mod parcel;
mod rebuild;
mod request;

pub use crate::fetch::{Lineage, LineageRules};
pub use copier::{Assignment, Copied, CopiedRange, Copier, CopyLimits, MAX_REQUEST_BYTES};
