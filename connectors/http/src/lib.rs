//! The HTTP sink, under Confluent's and Aiven's class names, a source that polls, under castorm's, and a
//! receiver of webhooks.
//!
//! The worker lists them through [`plugins`]. Both classes of sinks are parsed into the same settings, and one task serves both:
//!
//! ```text
//!   put(records) → lanes by key → requests (bodies, batches) → attempts, pauses, tokens → delivered | reported | the task fails
//! ```
//!
//! A record is done when a server answered 2xx, when it was reported, or when the user wants it left out; until then `put` does not
//! return, so no offset passes it (Invariants 2 and 3). Servers that want to be left alone for longer than a moment are waited for by the
//! worker, which delivers the batch again; what is done of it is remembered. Redirects that would lose a body are failures.
//! README.md has the keys and every difference from the peers.

mod client;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
#[cfg(test)]
#[path = "../../../tests/harness/src/http_server.rs"]
#[allow(unreachable_pub, dead_code, reason = "it is public in the harness")]
mod http_server;
mod problems;
#[cfg(test)]
mod readme_tests;
mod receiver;
mod sink;
mod source;

use sluice_api::ConnectorPlugin;

/// The version that `/connector-plugins` shows.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Every class.
pub fn plugins() -> Vec<Box<dyn ConnectorPlugin>> {
    vec![
        Box::new(sink::CONFLUENT),
        Box::new(sink::AIVEN),
        Box::new(source::SourcePlugin),
        Box::new(receiver::ReceiverPlugin),
    ]
}
