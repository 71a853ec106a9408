//! The built-in transformations and predicates, under Apache Kafka's and Debezium's class names.
//!
//! The binary registers them through [`transformations`] and [`predicates`]; the worker applies them one record at a time between
//! connector and converter. They are plain functions without IO. A record that a transformation cannot take is a `Data` error:
//! the error policy decides what becomes of it (Invariant 3).
//!
//! A transformation is a file of its own: its keys, a `Transform` that works on records of both kinds, and its plugins.

mod null_default;
mod plugin;
mod record;
mod requirements;
mod schema_basics;
mod schema_cache;

use sluice_api::{PredicatePlugin, TransformationPlugin};

use plugin::{BuiltIn, BuiltInPredicate};

/// Every transformation of this crate.
pub fn transformations() -> Vec<Box<dyn TransformationPlugin>> {
    let plugins: Vec<BuiltIn> = Vec::new();
    plugins.into_iter().map(|plugin| Box::new(plugin) as Box<dyn TransformationPlugin>).collect()
}

/// Every predicate of this crate.
pub fn predicates() -> Vec<Box<dyn PredicatePlugin>> {
    let plugins: Vec<BuiltInPredicate> = Vec::new();
    plugins.into_iter().map(|plugin| Box::new(plugin) as Box<dyn PredicatePlugin>).collect()
}

#[cfg(test)]
mod test_records;
