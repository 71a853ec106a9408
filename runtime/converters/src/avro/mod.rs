//! `AvroConverter` under Confluent's class name: Connect data to Avro and back, schemas in a registry.
//!
//! A schema is mapped once: [`from_connect`] and [`to_connect`] map schemas, [`write`] and [`read`] compile a plan per pair of schemas
//! that goes straight between Connect values and bytes, without a tree in between. Facts: Confluent's `AvroData`, checked against
//! Apicurio's converter in `tests/it`.

mod config;
mod converter;
mod from_connect;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod names;
mod read;
mod rows;
mod schema;
mod to_connect;
mod write;

pub(crate) use converter::PLUGIN;
pub use rows::{AvroRowReader, AvroRows};

#[cfg(test)]
mod tests;
