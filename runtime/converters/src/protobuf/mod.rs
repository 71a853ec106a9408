//! `ProtobufConverter`: Connect data as Protobuf messages, with schemas in a registry.
//!
//! The worker makes instances through [`PLUGIN`]. A schema goes through text in both directions ([`from_schema`], [`definition`];
//! [`descriptor`], [`to_schema`]), a record never through a message object: [`encoder`] and [`decoder`] follow a plan that was made
//! once per schema. The bytes and the schema text are Confluent's (Invariant 6).

mod codec;
mod config;
mod converter;
mod decode_plan;
mod decoder;
mod definition;
mod descriptor;
mod encode_plan;
mod encoder;
mod from_schema;
mod indexes;
mod known_types;
mod logical;
mod names;
mod scalar;
mod to_schema;
mod wire;

pub use codec::ProtobufCodec;
pub(crate) use converter::PLUGIN;

#[cfg(test)]
mod tests;
