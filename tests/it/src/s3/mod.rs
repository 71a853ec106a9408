//! The S3 connectors against a real S3 server.

mod archive;
mod cost;
mod exactly_once;
mod formats;
mod memory;
mod refusals;
