//! Converters: between Connect data and bytes. Plain functions, one instance per task and use.

use bytes::Bytes;

use crate::Properties;
use crate::config::ConfigDef;
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::Result;

/// What a converter instance is used for (`converter.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConverterUse {
    /// Record keys.
    Key,
    /// Record values.
    Value,
    /// Record headers.
    Header,
}

/// Translates between Connect data and the bytes of a key or value.
///
/// Implementations are pure and may keep caches; the worker calls one instance from one thread.
pub trait Converter: Send {
    /// Bytes for `value`, `None` for a tombstone.
    ///
    /// # Errors
    /// `Data` when the value does not fit the schema or the format.
    #[allow(clippy::wrong_self_convention, reason = "Kafka's name")]
    fn from_connect_data(&mut self, topic: &str, schema: Option<&Schema>, value: &Value) -> Result<Option<Bytes>>;

    /// The value in `data`. Implementations slice `data` instead of copying it where they can.
    ///
    /// # Errors
    /// `Data` when the bytes are not in the format.
    fn to_connect_data(&mut self, topic: &str, data: Option<&Bytes>) -> Result<SchemaAndValue>;
}

/// Translates between Connect data and the bytes of one header.
pub trait HeaderConverter: Send {
    /// Bytes for the header `key`, `None` for a null header value.
    ///
    /// # Errors
    /// As for [`Converter::from_connect_data`].
    #[allow(clippy::wrong_self_convention, reason = "Kafka's name")]
    fn from_connect_header(
        &mut self,
        topic: &str,
        key: &str,
        schema: Option<&Schema>,
        value: &Value,
    ) -> Result<Option<Bytes>>;

    /// The value of the header `key`.
    ///
    /// # Errors
    /// As for [`Converter::to_connect_data`].
    fn to_connect_header(&mut self, topic: &str, key: &str, data: Option<&Bytes>) -> Result<SchemaAndValue>;
}

/// A converter class: what the registry lists and makes instances of.
pub trait ConverterPlugin: Send + Sync {
    /// The Java class name, e.g. `org.apache.kafka.connect.json.JsonConverter`.
    fn class(&self) -> &'static str;

    /// The keys that it understands, without prefix.
    fn config_def(&self) -> ConfigDef;

    /// A converter for keys or values, or `None` when the class is a header converter only.
    ///
    /// `config` has the prefix (`key.converter.`) stripped.
    ///
    /// # Errors
    /// `Config` naming the key and the value.
    fn converter(&self, config: &Properties, used_for: ConverterUse) -> Result<Option<Box<dyn Converter>>>;

    /// A header converter, or `None` when the class cannot convert headers.
    ///
    /// # Errors
    /// As for [`ConverterPlugin::converter`].
    fn header_converter(&self, config: &Properties) -> Result<Option<Box<dyn HeaderConverter>>>;
}
