//! How clients encrypt and authenticate: one parsed configuration drives both Kafka clients.
//!
//! [`Security::parse`] reads `security.protocol`, `ssl.*` and `sasl.*` under Java's names and reads no file. librdkafka gets its
//! settings from [`Security::librdkafka`], with stores as PEM in memory; the raw-protocol client opens TLS sessions
//! ([`tls`]) and answers SASL challenges ([`sasl`]) itself. Tokens of OAUTHBEARER and AWS MSK IAM come from [`token`] for both.
//!
//! Invariant 9: whatever is secret is a [`Secret`] from the moment it is parsed; an error names the property, never the value.

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod jaas;
mod lookup;
mod native;
mod protocol;
pub(crate) mod sasl;
mod secret;
#[cfg(test)]
mod tests;
pub(crate) mod tls;
pub(crate) mod token;

pub use protocol::Security;
pub use secret::Secret;
