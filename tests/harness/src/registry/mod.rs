//! A schema registry that speaks Confluent's REST interface, and Confluent's own client for Python.
//!
//! Owns the server's process and the caches of both; called by the modules `registry*` of `tests/it`.

mod python;
mod server;

pub use python::{PYTHON_CLIENT, python, python_with};
pub use server::SchemaRegistry;
