//! The contract that connectors, converters and transforms compile against.
//!
//! It owns the data model ([`data`]), records ([`record`]), the plugin contracts ([`connector`], [`converter`],
//! [`transform`]), configuration definitions ([`config`]) and errors ([`error`]). Connectors depend on this crate alone; the
//! worker calls what they implement. There is no client and no HTTP here.
//!
//! Batches cross the boundary: [`SourceTask::poll`] gives one, [`SinkTask::put`] takes one, acknowledgements come back by the
//! opaque [`record::SourceRecord::token`] that the task chose. Converters and transforms are plain functions.

pub mod config;
pub mod connector;
pub mod converter;
pub mod data;
pub mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod java_regex;
pub mod record;
pub mod testkit;
pub mod transform;

pub use connector::{
    CarrierContext, CarrierProgress, CarrierTask, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin,
    SinkTask, SinkTaskContext, SourceTask, SourceTaskContext, TaskFactory, TaskHandle,
};
pub use converter::{Converter, ConverterPlugin, ConverterUse, HeaderConverter};
pub use data::{Schema, SchemaAndValue, SchemaBuilder, SchemaType, Struct, Value};
pub use error::{ConnectError, ErrorKind, Result};
pub use record::{Header, Headers, OffsetMap, SinkRecord, SourceRecord, TimestampType, TopicPartition};
pub use transform::{Predicate, PredicatePlugin, Transformation, TransformationPlugin};

/// A flat property map as it comes from a worker file, a connector JSON or the config topic, in the order of the input.
pub type Properties = indexmap::IndexMap<String, String>;
