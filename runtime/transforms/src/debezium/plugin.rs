//! The plugin form of this module: a class, its keys, and how to make one of properties as they came.

use sluice_api::config::ConfigDef;
use sluice_api::{Properties, Result, Transformation, TransformationPlugin};

/// A transformation class of Debezium.
pub(crate) struct DebeziumPlugin {
    pub(super) class: &'static str,
    pub(super) definition: fn() -> ConfigDef,
    pub(super) create: fn(&Properties) -> Result<Box<dyn Transformation>>,
}

impl TransformationPlugin for DebeziumPlugin {
    fn class(&self) -> &'static str {
        self.class
    }

    fn config_def(&self) -> ConfigDef {
        (self.definition)()
    }

    fn create(&self, config: &Properties) -> Result<Box<dyn Transformation>> {
        (self.create)(config)
    }
}
