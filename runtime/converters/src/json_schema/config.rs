//! The keys of `JsonSchemaConverter` beside those of the registry.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Validator};
use sluice_api::{ConnectError, Properties, Result};

use crate::registry;

/// What the configuration says about the mapping.
#[derive(Clone, Debug)]
pub(super) struct JsonSchemaConfig {
    pub(super) generalized_sum_type_support: bool,
    pub(super) ignore_default_for_nullables: bool,
    pub(super) schemas_cache_size: usize,
    pub(super) additional_properties: bool,
    pub(super) optional_for_nonrequired: bool,
    pub(super) numeric_decimals: bool,
    pub(super) flatten_singleton_unions: bool,
    pub(super) validate: bool,
    pub(super) indent: bool,
}

impl JsonSchemaConfig {
    /// Parses `properties`, which have no prefix.
    ///
    /// # Errors
    /// `Config` naming the key and the value.
    pub(super) fn parse(properties: &Properties) -> Result<Self> {
        let parsed = definition().parse(properties)?;
        if parsed.boolean("preserve.additional.properties") {
            return Err(ConnectError::config(
                "preserve.additional.properties=true is not supported: the variants that it needs are not there",
            ));
        }
        Ok(Self {
            generalized_sum_type_support: parsed.boolean("generalized.sum.type.support"),
            ignore_default_for_nullables: parsed.boolean("ignore.default.for.nullables"),
            schemas_cache_size: usize::try_from(parsed.int("schemas.cache.config")).unwrap_or(1).max(1),
            additional_properties: parsed.boolean("object.additional.properties"),
            optional_for_nonrequired: parsed.boolean("use.optional.for.nonrequired"),
            numeric_decimals: parsed.string("decimal.format").eq_ignore_ascii_case("NUMERIC"),
            flatten_singleton_unions: parsed.boolean("flatten.singleton.unions"),
            validate: parsed.boolean("json.fail.invalid.schema"),
            indent: parsed.boolean("json.indent.output"),
        })
    }
}

/// Every key of the converter.
pub(super) fn definition() -> ConfigDef {
    const KEYS: [(&str, bool, Importance, &str); 9] = [
        (
            "generalized.sum.type.support",
            false,
            Importance::Medium,
            "Whether enums and unions are marked the same way for every schema format.",
        ),
        (
            "ignore.default.for.nullables",
            false,
            Importance::Medium,
            "Whether null stays null where the field has a default.",
        ),
        (
            "object.additional.properties",
            true,
            Importance::Medium,
            "Whether the schemas of objects allow properties that they do not name.",
        ),
        (
            "use.optional.for.nonrequired",
            false,
            Importance::Medium,
            "Whether properties that are not required are read as optional fields.",
        ),
        (
            "ignore.modern.dialects",
            false,
            Importance::Low,
            "Whether schemas of drafts after 7 are read as draft 7. Both are read the same way here.",
        ),
        ("flatten.singleton.unions", true, Importance::Low, "Whether a union of one is read as that one."),
        (
            "preserve.additional.properties",
            false,
            Importance::Medium,
            "Whether properties that the schema does not name are kept; not supported.",
        ),
        (
            "json.fail.invalid.schema",
            false,
            Importance::Medium,
            "Whether a record that does not fit the schema of the registry fails.",
        ),
        ("json.indent.output", false, Importance::Low, "Whether the JSON is written with line breaks."),
    ];
    let boolean = |definition: ConfigDef, (name, default, importance, doc): (&str, bool, Importance, &str)| {
        definition
            .define(ConfigKey::new(name, ConfigType::Boolean, importance, doc).default(ParsedValue::Boolean(default)))
    };
    KEYS.into_iter()
        .fold(registry::definition(), boolean)
        .define(
            ConfigKey::new(
                "schemas.cache.config",
                ConfigType::Int,
                Importance::Low,
                "How many converted schemas are kept.",
            )
            .default(ParsedValue::Int(1000)),
        )
        .define(
            ConfigKey::new(
                "decimal.format",
                ConfigType::String,
                Importance::Low,
                "How decimals are written: BASE64 (the bytes of the unscaled number) or NUMERIC, in any case.",
            )
            .default(ParsedValue::String("BASE64".to_owned()))
            .validator(Validator::one_of_ignoring_case(&["BASE64", "NUMERIC"])),
        )
}
