//! Copying partitions of one cluster to another, record batch by record batch, without opening the batches.
//!
//! A [`Copier`] belongs to one task of the mirror and is driven by it: every call of [`Copier::next`] takes what was fetched, sends
//! what can be sent and returns what the target has acknowledged. There is no thread of its own and no queue without a bound.
//!
//! ```text
//! Fetcher (crate::fetch, Fetch v11) → Chunk → parcels of a lane → Produce v8 on a pipe per broker → Copied
//! ```
//!
//! # States
//! A **lane** is a source partition and the target partition of its name. Its queue holds **parcels** in the order of the source log,
//! each one batch with the range of source offsets that it stands for:
//!
//! - `Waiting`: never sent, or to be sent again. A parcel that was sent once keeps its sequence for ever.
//! - `UnderWay`: in a request that has no answer yet.
//! - `Done`: acknowledged, while one before it is not (the broker had appended both, and said so of the second alone).
//!
//! Only the front of the queue is ever taken off, when it is `Done`: what comes out of [`Copier::next`] is in the order of the source
//! log, so the last [`Copied`] of a lane says where to go on. Invariant 1: nothing else moves a position; what is dropped on purpose
//! (markers, aborted records, empty batches) moves it only together with the next batch that is acknowledged.
//!
//! A lane has at most five parcels between its front and the last one sent, because that many of a producer's last batches are what
//! a broker remembers of a partition, and a sixth could not be told from a new one. It sends to one broker at a time: when its leader
//! moves, or one of its parcels fails, it sends nothing until everything under way was answered (or its connection is gone), then
//! the parcels that are left go out again, in order, with the same sequences. So the broker appends each of them once, in order,
//! whatever was lost on the way.
//!
//! # What is done to a batch
//! Of a batch that can go as it is, the header is written anew (`header.rs`): base offset 0, no leader epoch, producer id, epoch and
//! base sequence of the copier, attributes without the bits of transactions (0x10) and of the delete horizon (0x40), a new CRC-32C.
//! The old CRC is checked first. Records, their compression, timestamps and headers are the same bytes.
//!
//! A batch is opened and built anew (`rebuild.rs`), with the same codec, when it
//! - has holes: fewer records than offsets (compaction), which a broker refuses from a producer;
//! - begins before the position (a stored offset in its middle): records before it are left out;
//! - has timestamps of type LogAppendTime: each record gets that time as its own, as a consumer sees it;
//! - is of a format before v2;
//! - was refused as too large (`MESSAGE_TOO_LARGE`): it becomes halves, under sequences that continue one another; a single record that is
//!   refused is an error that names topic, offset, size and the setting to raise.
//!
//! Dropped: control batches always; records of aborted transactions when only what is committed is read, by the list that comes with each
//! answer; batches that compaction left empty.
//!
//! # Sequences
//! One producer id for the copier (`InitProducerId`, no transactional id), one sequence per lane, counted in records, given at the first
//! sending and wrapping to 0 behind 2^31-1 as brokers count. When the broker says of the *first* parcel that is not acknowledged that its
//! sequence or producer is unknown, it has lost its state (an unclean election, an expired id): the lane drains, gets a producer id of its own
//! and begins at 0. That is said as a warning. Of a later parcel it only means that an earlier one failed. A parcel that is `Done`
//! behind such a front would make two orders possible: an error, and the task begins again from what is stored.
//!
//! # Bounds
//! - Memory: parcels hold slices of what was fetched; each answer counts with all its bytes until its last parcel is acknowledged or
//!   dropped. While [`CopyLimits::held_bytes`] are held, nothing is taken from the fetcher, which itself stops asking at
//!   `CopyLimits::fetch_bytes`; so a slow target stops the reading, and lag never grows a cache. Requests are written from the
//!   parcels when they go out and are kept nowhere.
//! - In flight: five requests per broker, five parcels per lane, [`MAX_REQUEST_BYTES`] per request or one batch. A request has one batch per
//!   partition at most, which is a broker's rule.
//! - A broker that says how long it throttles this client is sent nothing for that long.
//! - Time: a request without an answer within `request.timeout.ms` closes its connection, and everything on it counts as lost. Look-ups
//!   have the deadlines of the wire client. [`Copier::next`] is cancel safe; the task races it against the worker's commands.
//!
//! # What happens at each error
//! | from the target | what is done |
//! | --- | --- |
//! | connection lost, no answer | every lane of that broker: look up the leader, send again |
//! | not leader, unknown topic or partition, storage error | look up the leader, send again; said once a minute |
//! | not enough replicas, timed out, other retriable codes | send again after `retry.backoff.ms`, growing |
//! | duplicate sequence | acknowledged; where it lies is not known, so no offset sync comes of it |
//! | out of order sequence, unknown producer | see above |
//! | too large | opened and halved, see above |
//! | invalid record or timestamp, authorization, anything else | error of [`Copier::next`] that names partition, offsets and code: the task fails |
//!
//! What the source says is mended or given up by [`crate::fetch`]. Damaged bytes are an error there. An offset that is not in the log is
//! told apart here: below the log's start it is `auto.offset.reset` as always (a warning names the gap); *beyond its end* the topic was deleted and
//! created again or has lost records, and that is an error unless it was allowed: it must not be mixed silently.
//!
//! # Pause and stop
//! Paused, nothing is taken and nothing new is sent; what was sent once is brought to its end. [`Copier::drain`] does that and returns when no
//! lane has a parcel that was ever sent (Invariant 7). What was never sent is dropped; it lies behind every reported position. Invariant 5: a
//! cancelled task's future is dropped, and with it every connection; what was written before may still be appended, which is a copy
//! that its successor repeats (at least once), never a gap.
//!
//! Not here yet: Fetch v13 with topic ids and fetch sessions (one list of all partitions per request), transactions of its own for
//! `exactly.once.source.support`, joining small batches. Whoever asks for the second is refused by name.

mod broker;
mod copier;
mod header;
mod intake;
mod lane;
mod parcel;
mod rebuild;
mod request;

pub use copier::{Copied, CopiedRange, Copier, CopyLimits, MAX_REQUEST_BYTES};
