//! The REST API of Kafka Connect: paths, bodies, status codes, headers and error texts (connect-worker.md 1).
//!
//! A resource parses, calls the [`sluice_herder::Herder`], and maps the answer; it holds no state and makes no decision. What the
//! herder cannot answer itself goes on to the worker that it names ([`forwarding`]), over the [`RestClient`] that the herder uses too.
//! `cli` binds the sockets first and serves once there is a herder, as Kafka Connect does.

mod answer;
mod body;
mod client;
mod cors;
mod entities;
mod error;
mod forwarding;
mod framework;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod listener;
mod openapi;
mod resources;
mod server;

pub use client::{FlowPeers, RestClient};
pub use error::Error;
pub use server::{BoundServer, RunningServer};
