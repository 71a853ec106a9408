//! `replace.null.with.default`: whether a field's default stands in for its null while a struct is rewritten.

use sluice_api::config::{ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue};
use sluice_api::data::Field;
use sluice_api::{Result, Struct, Value};

const KEY: &str = "replace.null.with.default";

/// Whether defaults stand in for null. Without, a null in a required field that has a default cannot be put into the new
/// struct, as in Kafka Connect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NullDefault(bool);

impl NullDefault {
    /// They do.
    pub(crate) const YES: Self = Self(true);

    /// The key.
    pub(crate) fn key() -> ConfigKey {
        let doc = "Whether a null field that has a default value gets that value (true), or stays null (false).";
        ConfigKey::new(KEY, ConfigType::Boolean, Importance::Medium, doc).default(ParsedValue::Boolean(true))
    }

    /// As it was configured.
    pub(crate) fn of(config: &ParsedConfig) -> Self {
        Self(config.boolean(KEY))
    }

    /// As Debezium reads it: what is no boolean counts as true.
    pub(crate) fn of_text(text: &str) -> Self {
        Self(!text.trim().eq_ignore_ascii_case("false"))
    }

    /// The value of a field.
    pub(crate) fn field<'a>(self, value: &'a Struct, field: &'a Field) -> &'a Value {
        if self.0 { value.get_field(field) } else { &value.values()[field.index()] }
    }

    /// As [`NullDefault::field`], of a field that is looked for by its name.
    ///
    /// # Errors
    /// `Data` when the struct has no such field.
    pub(crate) fn named<'a>(self, value: &'a Struct, field: &str) -> Result<&'a Value> {
        if self.0 { value.get(field) } else { value.get_without_default(field) }
    }

    /// As [`NullDefault::field`], of a value that was taken out of the struct.
    pub(crate) fn apply(self, field: &Field, value: Value) -> Value {
        match (value, field.schema().default_value()) {
            (Value::Null, Some(default)) if self.0 => default.clone(),
            (value, _) => value,
        }
    }
}
