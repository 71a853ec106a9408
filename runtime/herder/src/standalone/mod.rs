//! The standalone herder: one process, configs and statuses in memory, source offsets in a file.
//!
//! There is no log to read back from, so an operation does its work before it answers: `POST` and `PUT` return when the
//! connector has started and its tasks exist. Operations on one connector follow each other through a lock of that connector;
//! operations on different connectors do not wait for each other (Invariant 8).

mod connectors;
mod herder;

pub use herder::{StandaloneHerder, StandaloneOptions};
