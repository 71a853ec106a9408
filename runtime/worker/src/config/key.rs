//! Short constructors for the keys of this folder, so that a definition reads as a table.

use sluice_api::config::{ConfigKey, ConfigType, Importance, ParsedValue, Validator};

pub(super) fn required(name: &str, config_type: ConfigType, importance: Importance, doc: &str) -> ConfigKey {
    ConfigKey::new(name, config_type, importance, doc)
}

pub(super) fn optional(name: &str, config_type: ConfigType, importance: Importance, doc: &str) -> ConfigKey {
    required(name, config_type, importance, doc).optional()
}

pub(super) fn string(name: &str, default: &str, importance: Importance, doc: &str) -> ConfigKey {
    required(name, ConfigType::String, importance, doc).default(ParsedValue::String(default.to_owned()))
}

pub(super) fn class(name: &str, default: &str, importance: Importance, doc: &str) -> ConfigKey {
    required(name, ConfigType::Class, importance, doc).default(ParsedValue::String(default.to_owned()))
}

pub(super) fn choice(name: &str, allowed: &[&str], default: &str, importance: Importance, doc: &str) -> ConfigKey {
    string(name, default, importance, doc).validator(Validator::one_of(allowed))
}

pub(super) fn long(name: &str, default: i64, importance: Importance, doc: &str) -> ConfigKey {
    required(name, ConfigType::Long, importance, doc).default(ParsedValue::Long(default))
}

pub(super) fn int(name: &str, default: i32, importance: Importance, doc: &str) -> ConfigKey {
    required(name, ConfigType::Int, importance, doc).default(ParsedValue::Int(default))
}

pub(super) fn short(name: &str, default: i16, importance: Importance, doc: &str) -> ConfigKey {
    required(name, ConfigType::Short, importance, doc).default(ParsedValue::Short(default))
}

pub(super) fn double(name: &str, default: f64, importance: Importance, doc: &str) -> ConfigKey {
    required(name, ConfigType::Double, importance, doc).default(ParsedValue::Double(default))
}

pub(super) fn boolean(name: &str, default: bool, importance: Importance, doc: &str) -> ConfigKey {
    required(name, ConfigType::Boolean, importance, doc).default(ParsedValue::Boolean(default))
}

pub(super) fn list(name: &str, default: &[&str], importance: Importance, doc: &str) -> ConfigKey {
    let items = default.iter().map(|item| (*item).to_owned()).collect();
    required(name, ConfigType::List, importance, doc).default(ParsedValue::List(items))
}
