//! Transformations and predicates: plain functions on one record at a time.

use crate::Properties;
use crate::config::ConfigDef;
use crate::error::Result;
use crate::record::{SinkRecord, SourceRecord};

/// Changes or drops records between connector and converter (`Transformation`).
pub trait Transformation: Send {
    /// The record to go on with, or `None` to drop it.
    ///
    /// # Errors
    /// `Data` for a record that the transform cannot take; `errors.*` decides what becomes of it.
    fn apply_source(&mut self, record: SourceRecord) -> Result<Option<SourceRecord>>;

    /// As [`Transformation::apply_source`], on the way out of a topic.
    ///
    /// # Errors
    /// As for [`Transformation::apply_source`].
    fn apply_sink(&mut self, record: SinkRecord) -> Result<Option<SinkRecord>>;
}

/// Decides whether a transformation applies to a record (`Predicate`).
pub trait Predicate: Send {
    /// Whether the source record matches.
    ///
    /// # Errors
    /// `Data` for a record that the predicate cannot take.
    fn test_source(&mut self, record: &SourceRecord) -> Result<bool>;

    /// Whether the sink record matches.
    ///
    /// # Errors
    /// As for [`Predicate::test_source`].
    fn test_sink(&mut self, record: &SinkRecord) -> Result<bool>;
}

/// A transformation class.
pub trait TransformationPlugin: Send + Sync {
    /// The Java class name, e.g. `org.apache.kafka.connect.transforms.HoistField$Value`.
    fn class(&self) -> &'static str;

    /// Its keys, without the `transforms.<alias>.` prefix.
    fn config_def(&self) -> ConfigDef;

    /// An instance; `config` has the prefix stripped.
    ///
    /// # Errors
    /// `Config` naming the key and the value.
    fn create(&self, config: &Properties) -> Result<Box<dyn Transformation>>;
}

/// A predicate class.
pub trait PredicatePlugin: Send + Sync {
    /// The Java class name.
    fn class(&self) -> &'static str;

    /// Its keys, without the `predicates.<alias>.` prefix.
    fn config_def(&self) -> ConfigDef;

    /// An instance; `config` has the prefix stripped.
    ///
    /// # Errors
    /// `Config` naming the key and the value.
    fn create(&self, config: &Properties) -> Result<Box<dyn Predicate>>;
}
