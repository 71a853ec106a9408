//! The records of MirrorMaker 2's internal topics, byte for byte (connect-plugins.md 4.2).
//!
//! All numbers are big-endian; a text has its length in bytes in front, as a 16-bit number. Every record goes to partition 0.
//! Bytes behind what a record needs are ignored, as Kafka's own readers do.
//!
//! Invariant 6: JVM workers, `MirrorClient` and `RemoteClusterUtils` read what is written here, and the other way round.

mod checkpoint;
mod heartbeat;
mod offset_range;
mod offset_sync;
mod primitive;

pub use checkpoint::Checkpoint;
pub use heartbeat::Heartbeat;
pub use offset_range::{OffsetRange, SLOTS};
pub use offset_sync::OffsetSync;
pub use primitive::Malformed;
