//! `JsonSchemaConverter`: Connect data as JSON, with JSON Schemas in a registry.
//!
//! The worker makes instances through [`PLUGIN`]. A schema goes through text in both directions: [`from_schema`]; [`documents`],
//! [`loader`] and [`to_schema`]. Data and schema text are Confluent's, down to the order of members (Invariant 6).

mod codec;
mod config;
mod converter;
mod decoder;
mod documents;
mod element;
mod encoder;
mod from_schema;
mod indent;
mod java_order;
mod loader;
mod names;
mod to_schema;
mod validator;

pub use codec::JsonSchemaCodec;
pub(crate) use converter::PLUGIN;

#[cfg(test)]
mod tests;
