//! The plugin form that all built-in converters share: a class, its keys, and how to make one. What converts keys and values
//! converts headers the same way.

use bytes::Bytes;
use sluice_api::config::ConfigDef;
use sluice_api::{
    Converter, ConverterPlugin, ConverterUse, HeaderConverter, Properties, Result, Schema, SchemaAndValue, Value,
};

/// A converter class of this crate.
pub(crate) struct BuiltIn {
    pub(crate) class: &'static str,
    pub(crate) definition: fn() -> ConfigDef,
    pub(crate) create: fn(&Properties) -> Result<Box<dyn Converter>>,
}

impl ConverterPlugin for BuiltIn {
    fn class(&self) -> &'static str {
        self.class
    }

    fn config_def(&self) -> ConfigDef {
        (self.definition)()
    }

    fn converter(&self, config: &Properties, _used_for: ConverterUse) -> Result<Option<Box<dyn Converter>>> {
        (self.create)(config).map(Some)
    }

    fn header_converter(&self, config: &Properties) -> Result<Option<Box<dyn HeaderConverter>>> {
        Ok(Some(Box::new(AsHeader((self.create)(config)?))))
    }
}

/// Converts headers as its converter converts values.
struct AsHeader(Box<dyn Converter>);

impl HeaderConverter for AsHeader {
    fn from_connect_header(
        &mut self,
        topic: &str,
        _key: &str,
        schema: Option<&Schema>,
        value: &Value,
    ) -> Result<Option<Bytes>> {
        self.0.from_connect_data(topic, schema, value)
    }

    fn to_connect_header(&mut self, topic: &str, _key: &str, data: Option<&Bytes>) -> Result<SchemaAndValue> {
        self.0.to_connect_data(topic, data)
    }
}
