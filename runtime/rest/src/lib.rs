//! The REST API of Kafka Connect: paths, bodies, status codes, headers and error texts (connect-worker.md 1).
//!
//! A resource parses, calls the [`sluice_herder::Herder`], and maps the answer; it holds no state and makes no decision.
//! `cli` binds the sockets first and serves once there is a herder, as Kafka Connect does.

mod answer;
mod body;
mod cors;
mod entities;
mod error;
mod framework;
mod listener;
mod openapi;
mod resources;
mod server;

pub use error::Error;
pub use server::{BoundServer, RunningServer};
