//! The client: one connection for SQL, one for the stream of changes, both on `postgres-protocol`.
//!
//! Owns sockets, TLS, log-in and message frames; the catalog, the snapshot and the stream call it. It keeps no state about
//! positions: what is confirmed to the server is said by the caller (Invariant 1).

mod connect;
mod connection;
mod error;
mod login;
mod options;
mod replication;
mod rows;
mod socket;
mod tls;

pub(crate) use connection::Connection;
pub(crate) use error::{Error, Result};
pub(crate) use options::{Options, Purpose, SslMode, TlsFiles};
pub(crate) use replication::{CHUNK_BYTES, Frame, Frames, Replication};
pub(crate) use rows::Row;

/// `text` as an SQL literal.
pub(crate) fn literal(text: &str) -> String {
    postgres_protocol::escape::escape_literal(text).trim_start().to_owned()
}

/// `name` as a quoted SQL identifier.
pub(crate) fn identifier(name: &str) -> String {
    postgres_protocol::escape::escape_identifier(name)
}
