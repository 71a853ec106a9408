//! `FileStreamSource` and `FileStreamSink` under Kafka Connect's class names: lines of a file to records and back; and
//! `sluice.FileSource`, which follows many files through growth and rotation; `sluice.FileSink`, which writes files that are finished at a
//! size, a count or an age; and SpoolDir's readers of drop folders.
//!
//! The worker lists them through [`plugins`]. Positions are bytes, and nothing is lost or changed silently: what cannot be
//! delivered as it is fails the task by name (Invariant 3). README.md has the keys and every difference from Kafka's.

mod config;
mod follow;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
#[cfg(test)]
mod readme_tests;
mod rolling;
mod sink;
mod source;
mod spool;

use sluice_api::ConnectorPlugin;

/// The version of Kafka Connect whose behaviour the connectors have.
const VERSION: &str = "4.3.0";

/// Every connector; Kafka's own first.
pub fn plugins() -> Vec<Box<dyn ConnectorPlugin>> {
    vec![
        Box::new(source::SourcePlugin),
        Box::new(sink::SinkPlugin),
        Box::new(follow::FollowPlugin),
        Box::new(rolling::RollingPlugin),
        Box::new(spool::CSV),
        Box::new(spool::LINES),
        Box::new(spool::JSON),
        Box::new(spool::SCHEMALESS_JSON),
    ]
}
