//! `ssl.*` of Java clients and of REST: key stores, trust stores, versions and cipher suites.
//!
//! Parsing ([`config`]) reads no file. What a store holds is read when a client is made ([`Tls::load`]), whatever its format, and
//! goes on as certificates and one key in memory: as PEM to librdkafka, as they are to the raw-protocol client. A store that
//! was replaced counts from the next client on.

mod acceptor;
mod ciphers;
mod config;
mod connector;
mod material;
mod store;

pub use acceptor::{Acceptor, ClientAuth, TlsStream};
pub use config::Tls;
pub(crate) use connector::describe;
