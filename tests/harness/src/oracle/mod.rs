//! Kafka Connect's own transforms, predicates and converters as an oracle, one JSON line at a time (tests/oracle/README.md).
//!
//! Owns the Java program's process, the class paths that it may have, the typed JSON of `sluice_api`'s data model in both
//! directions, and the comparison that explains a difference. Called by the families of `tests/it/src/oracle`. Invariant: typed
//! JSON holds everything that users can see of a record, so two answers that are equal are the same record.

mod class_path;
mod difference;
mod process;
mod program;
mod record_json;
mod schema_json;
mod value_json;

#[cfg(test)]
mod tests;

pub use class_path::{apicurio_jars, debezium_jars};
pub use difference::{Difference, FailureKind, difference};
pub use process::Oracle;
pub use record_json::{sink_from_json, sink_to_json, source_from_json, source_to_json};
pub use schema_json::{schema_from_json, schema_to_json};
pub use value_json::{value_from_json, value_to_json};
