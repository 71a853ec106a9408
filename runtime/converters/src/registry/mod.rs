//! What the converters with a schema registry share: the registry's REST interface, the wire format, subjects, and which schema
//! a record is written with.
//!
//! Called by `avro`, `protobuf` and `json_schema`. A converter parses [`RegistryConfig`] from its keys ([`definition`]) and makes one
//! [`Registry`]; HTTP blocks, which is right on a task's own thread. What the registry refuses comes back as an error that carries the
//! registry's own explanation, and no secret appears in one (Invariant 9).
//!
//! A record on its way out: [`Registry::subject`], then [`Registry::choose`] (an id, and the schema to write with when the registry's
//! takes the place of ours), then [`wire_format::header`] and the payload. On its way in: [`wire_format::split`], then
//! [`Registry::schema`]. A converter keeps its own plans by schema identity and by id, so neither is asked twice.

mod answers;
mod auth;
mod cache;
mod client;
mod config;
mod error;
mod http;
mod keys;
mod plugin;
mod schema;
mod schemas;
mod subjects;
mod tls;
pub(crate) mod wire_format;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use answers::every_answer as fuzz_answer;
pub(crate) use cache::Cache;
pub(crate) use config::RegistryConfig;
pub(crate) use keys::definition;
pub(crate) use plugin::RegistryPlugin;
pub(crate) use schema::{SchemaFormat, SchemaText};
pub(crate) use schemas::Registry;

#[cfg(test)]
pub(crate) mod fake_registry;
#[cfg(test)]
mod tests;
