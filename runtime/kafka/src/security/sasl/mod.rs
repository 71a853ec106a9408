//! SASL: who this client is.
//!
//! [`Sasl::parse`] reads `sasl.*`. librdkafka runs the mechanisms by itself; [`Conversation`] runs them for the raw-protocol
//! client, one message at a time, without knowing how messages travel.

mod config;
mod conversation;
mod scram;

pub(crate) use config::Sasl;
pub(crate) use conversation::Conversation;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use {config::Login, scram::Scram, scram::ScramHash};
