//! Requests to other workers: what is forwarded to the one that can answer, and what followers ask of their leader.
//!
//! The forwarding layer and the herder ([`sluice_herder::Peers`]) call it. Each request has a connection of its own, as in Kafka
//! Connect: they are rare, and the worker that answers changes with every rebalance. Redirects are not followed.

mod connection;
mod exchange;
mod peers;

use std::time::Duration;

use sluice_kafka::tls::Tls;
use sluice_worker::config::RestTls;

pub(crate) use exchange::{Failure, Outgoing};
pub use peers::FlowPeers;

/// Reaches other workers over HTTP and HTTPS.
#[derive(Debug)]
pub struct RestClient {
    /// `None` reaches no worker that has https alone.
    tls: Option<Tls>,
    /// How long another worker may take to answer a request, as this one may.
    request_timeout: Duration,
}

impl RestClient {
    /// With the keys of `listeners.https.*`, else `ssl.*`. Stores are read for each connection.
    pub fn new(tls: Option<&RestTls>, request_timeout: Duration) -> Self {
        Self { tls: tls.map(|tls| tls.tls.clone()), request_timeout }
    }

    /// How long a request may take at a worker.
    pub(crate) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }
}
