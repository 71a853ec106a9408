//! The S3 connectors against a real S3 server.

mod aiven;
mod archive;
mod cost;
mod exactly_once;
mod formats;
mod memory;
mod refusals;
mod round_trip;
