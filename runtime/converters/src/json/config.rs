//! The keys of `JsonConverter`.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Validator, Width};
use sluice_api::{Properties, Result};

use crate::converter_type;

/// How decimals are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DecimalFormat {
    /// The unscaled value's bytes in base64.
    Base64,
    /// A JSON number.
    Numeric,
}

/// A parsed configuration.
#[derive(Clone, Debug)]
pub(super) struct JsonConfig {
    pub(super) schemas_enable: bool,
    pub(super) schemas_cache_size: usize,
    pub(super) schema_content: Option<String>,
    pub(super) decimal_format: DecimalFormat,
    pub(super) replace_null_with_default: bool,
}

impl JsonConfig {
    /// Parses `properties`, which have no prefix.
    pub(super) fn parse(properties: &Properties) -> Result<Self> {
        let parsed = definition().parse(&converter_type::with_default(properties))?;
        let numeric = parsed.string("decimal.format").eq_ignore_ascii_case("NUMERIC");
        Ok(Self {
            schemas_enable: parsed.boolean("schemas.enable"),
            schemas_cache_size: usize::try_from(parsed.int("schemas.cache.size")).unwrap_or(0),
            schema_content: parsed.opt_string("schema.content").filter(|text| !text.is_empty()).map(str::to_owned),
            decimal_format: if numeric { DecimalFormat::Numeric } else { DecimalFormat::Base64 },
            replace_null_with_default: parsed.boolean("replace.null.with.default"),
        })
    }
}

/// The keys with the texts of Kafka Connect 4.3.
pub(super) fn definition() -> ConfigDef {
    schema_keys(converter_type::definition())
        .define(
            ConfigKey::new(
                "decimal.format",
                ConfigType::String,
                Importance::Low,
                "Controls which format this converter will serialize decimals in. This value is case insensitive and can \
                 be either 'BASE64' (default) or 'NUMERIC'",
            )
            .default(ParsedValue::String("BASE64".to_owned()))
            .validator(Validator::one_of_ignoring_case(&["BASE64", "NUMERIC"]))
            .group("Serialization", 0, Width::Medium, "Decimal Format"),
        )
        .define(
            ConfigKey::new(
                "replace.null.with.default",
                ConfigType::Boolean,
                Importance::Low,
                "Whether to replace fields that have a default value and that are null to the default value. When set to \
                 true, the default value is used, otherwise null is used.",
            )
            .default(ParsedValue::Boolean(true))
            .group("Serialization", 1, Width::Medium, "Replace null with default"),
        )
}

fn schema_keys(definition: ConfigDef) -> ConfigDef {
    definition
        .define(
            ConfigKey::new(
                "schemas.enable",
                ConfigType::Boolean,
                Importance::High,
                "Include schemas within each of the serialized values and keys.",
            )
            .default(ParsedValue::Boolean(true))
            .group("Schemas", 0, Width::Medium, "Enable Schemas"),
        )
        .define(
            ConfigKey::new(
                "schemas.cache.size",
                ConfigType::Int,
                Importance::High,
                "The maximum number of schemas that can be cached in this converter instance.",
            )
            .default(ParsedValue::Int(1000))
            .group("Schemas", 1, Width::Medium, "Schema Cache Size"),
        )
        .define(
            ConfigKey::new(
                "schema.content",
                ConfigType::String,
                Importance::High,
                "When set, this is used as the schema for all messages, and the schemas within each of the message will be \
                 ignored.Otherwise, the schema will be included in the content of each message. This configuration applies \
                 only 'schemas.enable' is true, and it exclusively affects the sink connector.",
            )
            .optional()
            .group("Schemas", 2, Width::Medium, "Schema Content"),
        )
}
