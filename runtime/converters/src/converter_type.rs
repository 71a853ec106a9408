//! The key `converter.type` that every converter has.

use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};

const NAME: &str = "converter.type";

/// A definition of this key alone.
pub(crate) fn definition() -> ConfigDef {
    ConfigDef::new().define(
        ConfigKey::new(NAME, ConfigType::String, Importance::Low, "How this converter will be used.")
            .validator(Validator::one_of(&["key", "value", "header"])),
    )
}

/// `properties` with a type: the runtime says with the call what an instance is for, the key is only kept for validation.
pub(crate) fn with_default(properties: &Properties) -> Properties {
    let mut properties = properties.clone();
    properties.entry(NAME.to_owned()).or_insert_with(|| "value".to_owned());
    properties
}
