//! MirrorMaker 2 as connectors: `MirrorSource`, `MirrorCheckpoint` and `MirrorHeartbeat` under Kafka's class names.
//!
//! A flow goes from a source cluster to a target cluster. The worker lists the connectors through [`plugins`]; names, topics, internal
//! records, offsets and keys are those of MirrorMaker 2, so a JVM worker can take over and give back (Invariant 6). The difference is how the
//! data goes: [`sluice_kafka::copy`] copies record batches without opening them, and its page says how that keeps order and loses
//! nothing (Invariants 1, 3, 5, 7).
//!
//! - `config/`: keys, and what is refused because it is not there yet
//! - `policy`, `filter`: names of topics, and which topics, groups and settings take part
//! - `formats/`: records of internal topics, byte for byte
//! - `offset_syncs/`: when a sync is due, and what syncs make of a group's offset
//! - `dedicated`: `mm2.properties`, all flows of one file
//! - `failover`: where groups would go on if the target took over now
//! - `source/`, `checkpoint/`, `heartbeat/`: the connectors

mod admin;
mod checkpoint;
mod config;
pub mod dedicated;
pub mod failover;
mod filter;
pub mod formats;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod heartbeat;
mod offset_syncs;
mod offsets;
mod policy;
mod source;

use sluice_api::ConnectorPlugin;

/// The version of Kafka whose MirrorMaker this is.
const VERSION: &str = "4.3.0";

/// The three connectors.
pub fn plugins() -> Vec<Box<dyn ConnectorPlugin>> {
    vec![
        Box::new(source::MirrorSourcePlugin),
        Box::new(checkpoint::MirrorCheckpointPlugin),
        Box::new(heartbeat::MirrorHeartbeatPlugin),
    ]
}
