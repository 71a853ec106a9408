//! The built-in transformations and predicates, under Apache Kafka's and Debezium's class names.
//!
//! The binary registers them through [`transformations`] and [`predicates`]; the worker applies them one record at a time between
//! connector and converter. They are plain functions without IO. A record that a transformation cannot take is a `Data` error:
//! the error policy decides what becomes of it (Invariant 3).

use sluice_api::{PredicatePlugin, TransformationPlugin};

/// Every transformation of this crate.
pub fn transformations() -> Vec<Box<dyn TransformationPlugin>> {
    Vec::new()
}

/// Every predicate of this crate.
pub fn predicates() -> Vec<Box<dyn PredicatePlugin>> {
    Vec::new()
}
