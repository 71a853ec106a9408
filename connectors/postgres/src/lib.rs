//! Change capture from PostgreSQL under the class name, the keys, the events and the offsets of Debezium.
//!
//! ```text
//! client/    sockets, TLS, log-in, statements, COPY, the stream of changes       (no catalog, no positions)
//! pgoutput/  messages of the output plugin, decoded in place                      (bytes alone)
//! catalog/   types, tables, keys, publications, slots, preconditions              (SQL alone)
//! values/    texts of PostgreSQL's types to Connect values                        (plain functions)
//! events/    keys, envelopes, source blocks, offsets                              (plain functions)
//! source/    the task: session → snapshot → stream, ledger of acknowledgements
//! ```
//!
//! A row walks from `client::Replication` (one owner of the socket, chunks of whole frames) through `pgoutput::Message` (borrowed
//! from the chunk) and `events::Table` (converters chosen once per version of a table) into a record; there is no copy of a text
//! on the way. Versions of a table come from the stream itself, so a row is never decoded by the definition of another time.
//!
//! Invariant 1: a position is confirmed to the server only when its records are acknowledged and their offsets stored
//! (`source::ledger`). A restart begins behind the last whole transaction and passes over what was delivered of the one that was
//! cut off (`source::resume`). Which server and slot a position is of is kept beside it, outside of Debezium's offset, so that a gap
//! is never streamed over (`source::identity`); a snapshot that was cut off loses no delete (`source::session`). README.md has the
//! keys, COMPATIBILITY.md every difference from Debezium.

mod catalog;
mod client;
mod config;
mod events;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod pgoutput;
mod source;
mod values;

use sluice_api::ConnectorPlugin;

/// The connector.
pub fn plugins() -> Vec<Box<dyn ConnectorPlugin>> {
    vec![Box::new(source::PostgresPlugin)]
}
