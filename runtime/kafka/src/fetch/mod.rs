//! Reading partitions with Fetch requests of our own: what sink tasks and the internal topics read.
//!
//! librdkafka hands out one record at a time, each through a queue with two locks, three looks at the clock, and an allocation that
//! another thread made: 0.5 µs per record before the task has seen it. Here one buffer per fetch is all there is, and a record is
//! slices of it. librdkafka still does what it does well for the same consumer: the group, its offsets, its rebalances.
//!
//! - [`Fetcher`] is the handle that a consumer polls. It never blocks and decides nothing.
//! - The driver (`driver.rs`) is one future beside the task, on the task's own thread: it knows the leaders, has one connection to
//!   each, and keeps one Fetch request under way on it. While the task works, the answer waits in the socket.
//! - What both know is in `state.rs`, behind a lock that nobody holds across an await.
//!
//! Order: within a partition, records come in the order of the log. A fetch goes on where the last one ended; what comes back for a
//! partition that was taken away, or sent elsewhere, meanwhile is dropped by its generation.
//!
//! Memory: brokers are asked only while less than `FetchConfig::queued_bytes` wait to be read, so at most one fetch per broker
//! comes on top. All partitions of a broker are asked together: one with nothing to say holds up none that has.
//!
//! Errors: what a retry can mend is mended here (leaders that move, brokers that die, an offset that is gone, by
//! `auto.offset.reset`), and said once a minute. What it cannot mend comes out of [`Fetcher::poll`].
//!
//! Invariant 3: nothing is passed over silently. Damaged bytes are an error that names the partition and the offset; an offset that
//! is gone is a warning that names both ends of the gap.

mod batch;
mod chunk;
mod compression;
mod driver;
mod fetcher;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod lineage;
mod message_set;
mod names;
mod record;
mod request;
mod state;

#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod tests;

pub(crate) use batch::Batch;
pub(crate) use chunk::{Chunk, Whole};
pub(crate) use compression::Codec;
pub(crate) use fetcher::{Fetcher, Start};
pub use lineage::{Lineage, LineageRules};
pub(crate) use message_set::Message;
pub(crate) use record::Records;
