//! The plugin form that all transformations and predicates of this crate share: a class, its keys, and how to make one.

use sluice_api::config::{ConfigDef, ParsedConfig};
use sluice_api::{Predicate, PredicatePlugin, Properties, Result, Transformation, TransformationPlugin};

/// A transformation class. `create` is called with a configuration that fits `definition`.
pub(crate) struct BuiltIn {
    pub(crate) class: &'static str,
    pub(crate) definition: fn() -> ConfigDef,
    pub(crate) create: fn(&ParsedConfig) -> Result<Box<dyn Transformation>>,
}

/// The `$Key` and the `$Value` class of one of Kafka's transformations; `$new` takes the configuration and the part.
macro_rules! key_and_value {
    ($class:literal, $definition:expr, $new:expr) => {
        [
            $crate::plugin::BuiltIn {
                class: concat!("org.apache.kafka.connect.transforms.", $class, "$Key"),
                definition: $definition,
                create: |config| $new(config, $crate::record::Part::Key).map($crate::record::boxed),
            },
            $crate::plugin::BuiltIn {
                class: concat!("org.apache.kafka.connect.transforms.", $class, "$Value"),
                definition: $definition,
                create: |config| $new(config, $crate::record::Part::Value).map($crate::record::boxed),
            },
        ]
    };
}
pub(crate) use key_and_value;

impl TransformationPlugin for BuiltIn {
    fn class(&self) -> &'static str {
        self.class
    }

    fn config_def(&self) -> ConfigDef {
        (self.definition)()
    }

    fn create(&self, config: &Properties) -> Result<Box<dyn Transformation>> {
        (self.create)(&self.config_def().parse(config)?)
    }
}

/// A predicate class. `create` is called with a configuration that fits `definition`.
pub(crate) struct BuiltInPredicate {
    pub(crate) class: &'static str,
    pub(crate) definition: fn() -> ConfigDef,
    pub(crate) create: fn(&ParsedConfig) -> Result<Box<dyn Predicate>>,
}

impl PredicatePlugin for BuiltInPredicate {
    fn class(&self) -> &'static str {
        self.class
    }

    fn config_def(&self) -> ConfigDef {
        (self.definition)()
    }

    fn create(&self, config: &Properties) -> Result<Box<dyn Predicate>> {
        (self.create)(&self.config_def().parse(config)?)
    }
}
