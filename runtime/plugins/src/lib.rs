//! The registry of plugin classes: connectors, converters, header converters, transformations and predicates.
//!
//! It owns the names under which users know a class (Java class name, simple name, simple name without suffix; see
//! connect-worker.md 4.8) and the list that `GET /connector-plugins` shows. The binary registers every built-in by name in one
//! list; validation, worker and REST look classes up. There is no state and no IO here.

mod builder;
mod desc;
mod error;
mod names;
mod registry;

pub use builder::RegistryBuilder;
pub use desc::{PluginDesc, PluginType};
pub use error::Error;
pub use registry::{Plugin, Registry};

/// The version of Apache Kafka whose behaviour the built-in plugins reproduce; shown for plugins that have none of their own.
pub const KAFKA_VERSION: &str = "4.3.0";
