//! The built-in converters, under Kafka Connect's class names, and the JSON of the internal topics.
//!
//! The worker makes instances through [`plugins`]; storage uses [`json`] directly. What the converters write is byte for byte
//! what Kafka Connect writes (Invariant 6).

mod avro;
mod boolean;
mod bytes;
mod chunks;
mod converter_type;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod json;
pub mod json_schema;
mod number;
mod plugin;
pub mod protobuf;
mod registry;
mod simple_header;
mod string;

pub use avro::{AvroRowReader, AvroRows};
use sluice_api::ConverterPlugin;

/// Every converter of this crate.
pub fn plugins() -> Vec<Box<dyn ConverterPlugin>> {
    let mut plugins: Vec<Box<dyn ConverterPlugin>> =
        vec![Box::new(json::PLUGIN), Box::new(string::PLUGIN), Box::new(bytes::PLUGIN), Box::new(boolean::PLUGIN)];
    for number in number::PLUGINS {
        plugins.push(Box::new(number));
    }
    plugins.push(Box::new(simple_header::SimpleHeaderPlugin));
    plugins.push(Box::new(avro::PLUGIN));
    plugins.push(Box::new(protobuf::PLUGIN));
    plugins.push(Box::new(json_schema::PLUGIN));
    plugins
}
