//! The keys of `AvroConverter` beyond those of every converter with a registry.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue};
use sluice_api::{Properties, Result};

use Importance::{Low, Medium};

use crate::registry;

/// What the keys say about the mapping.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "one per key")]
pub(super) struct AvroDataConfig {
    pub(super) enhanced_schema_support: bool,
    pub(super) generalized_sum_types: bool,
    pub(super) scrub_invalid_names: bool,
    pub(super) connect_meta_data: bool,
    pub(super) discard_type_doc_default: bool,
    pub(super) allow_optional_map_keys: bool,
    pub(super) flatten_singleton_unions: bool,
    pub(super) ignore_default_for_nullables: bool,
    pub(super) schemas_cache_size: usize,
}

/// All keys.
pub(super) fn definition() -> ConfigDef {
    registry::definition().extend(&mapping_keys())
}

fn mapping_keys() -> ConfigDef {
    let flag = |name: &str, default, importance, documentation: &str| {
        ConfigKey::new(name, ConfigType::Boolean, importance, documentation).default(ParsedValue::Boolean(default))
    };
    ConfigDef::new()
        .define(flag(
            "generalized.sum.type.support",
            false,
            Medium,
            "Whether enums and unions are mapped in the form that Protobuf and JSON Schema share.",
        ))
        .define(flag(
            "ignore.default.for.nullables",
            false,
            Medium,
            "Whether a null in an optional field stays null though the field has a default.",
        ))
        .define(
            ConfigKey::new("schemas.cache.config", ConfigType::Int, Low, "How many mapped schemas are kept.")
                .default(ParsedValue::Int(1000)),
        )
        .define(flag(
            "enhanced.avro.schema.support",
            false,
            Medium,
            "Whether enums keep their symbols and branches of unions their full names.",
        ))
        .define(flag(
            "scrub.invalid.names",
            false,
            Medium,
            "Whether characters that Avro does not allow in names are replaced.",
        ))
        .define(flag(
            "connect.meta.data",
            true,
            Low,
            "Whether what Avro has no place for is kept in properties of the schema.",
        ))
        .define(flag(
            "discard.type.doc.default",
            false,
            Low,
            "Whether only the documentation and defaults of fields are kept, not those of types.",
        ))
        .define(flag(
            "allow.optional.map.keys",
            false,
            Low,
            "Whether a map with optional string keys becomes an Avro map.",
        ))
        .define(flag("flatten.singleton.unions", true, Low, "Whether a union of one branch counts as that branch."))
}

impl AvroDataConfig {
    /// Parses `properties`, which have no prefix.
    ///
    /// # Errors
    /// `Config` naming the key and the value.
    pub(super) fn parse(properties: &Properties) -> Result<Self> {
        let parsed = mapping_keys().parse(properties)?;
        Ok(Self {
            enhanced_schema_support: parsed.boolean("enhanced.avro.schema.support"),
            generalized_sum_types: parsed.boolean("generalized.sum.type.support"),
            scrub_invalid_names: parsed.boolean("scrub.invalid.names"),
            connect_meta_data: parsed.boolean("connect.meta.data"),
            discard_type_doc_default: parsed.boolean("discard.type.doc.default"),
            allow_optional_map_keys: parsed.boolean("allow.optional.map.keys"),
            flatten_singleton_unions: parsed.boolean("flatten.singleton.unions"),
            ignore_default_for_nullables: parsed.boolean("ignore.default.for.nullables"),
            schemas_cache_size: usize::try_from(parsed.int("schemas.cache.config")).unwrap_or(0).max(1),
        })
    }
}
