//! The embedded single-node broker behind `sluice dev`.
//!
//! Owns one Kafka-compatible listener on 127.0.0.1 and the SQLite file behind it: crate `tansu-broker` speaks the
//! protocol and coordinates groups, `libsql` keeps the bytes. The command line starts it before the worker, which talks
//! to it through its ordinary Kafka client, as to any other cluster.
//!
//! It keeps two promises: a record that was acknowledged is there again after `kill -9` and a restart on the same
//! folder (SQLite's write-ahead log; a power cut may cost the last moments), and whatever it does on the processor or
//! the disk happens on one thread of its own, so that it never delays the worker's REST interface or its tasks.

mod adapter;
mod database;
mod fetch;
mod groups;
mod routes;

pub use adapter::{EmbeddedBroker, Error, Options};
