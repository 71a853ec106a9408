//! The plugin form of the converters with a registry: they know whether they convert keys or values, and none converts headers, as
//! with Confluent's.

use sluice_api::config::ConfigDef;
use sluice_api::{Converter, ConverterPlugin, ConverterUse, HeaderConverter, Properties, Result};

/// A converter class with a registry.
pub(crate) struct RegistryPlugin {
    pub(crate) class: &'static str,
    pub(crate) definition: fn() -> ConfigDef,
    /// Makes a converter of keys (`true`) or values.
    pub(crate) create: fn(&Properties, bool) -> Result<Box<dyn Converter>>,
}

impl ConverterPlugin for RegistryPlugin {
    fn class(&self) -> &'static str {
        self.class
    }

    fn config_def(&self) -> ConfigDef {
        (self.definition)()
    }

    fn converter(&self, config: &Properties, used_for: ConverterUse) -> Result<Option<Box<dyn Converter>>> {
        match used_for {
            ConverterUse::Header => Ok(None),
            ConverterUse::Key => (self.create)(config, true).map(Some),
            ConverterUse::Value => (self.create)(config, false).map(Some),
        }
    }

    fn header_converter(&self, _config: &Properties) -> Result<Option<Box<dyn HeaderConverter>>> {
        Ok(None)
    }
}
