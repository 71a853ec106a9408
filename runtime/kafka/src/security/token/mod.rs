//! Bearer tokens for OAUTHBEARER and AWS MSK IAM: made here or fetched over HTTP, and shared by all clients of the process.
//!
//! Getting a token blocks for as long as the identity provider takes, `sasl.login.*.timeout.ms` at most; the raw-protocol client
//! does it on a blocking thread, librdkafka's callback on the thread that polls. A token serves until three quarters of its
//! life are over, so that every client renews it before it ends.

mod aws;
mod client_credentials;
mod file;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod http;
mod jwt;
mod source;
mod unsecured;

pub(crate) use source::{Token, TokenSource};
