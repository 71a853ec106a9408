//! The keys of `ProtobufConverter` beside those of the registry.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue};
use sluice_api::{ConnectError, Properties, Result};

use crate::registry;

/// What the configuration says about the mapping.
#[derive(Clone, Debug)]
pub(super) struct ProtobufConfig {
    pub(super) generalized_sum_type_support: bool,
    pub(super) ignore_default_for_nullables: bool,
    pub(super) schemas_cache_size: usize,
    pub(super) enhanced_schema_support: bool,
    pub(super) scrub_invalid_names: bool,
    pub(super) int_for_enums: bool,
    pub(super) optional_for_nullables: bool,
    pub(super) optional_for_proto2: bool,
    pub(super) wrapper_for_nullables: bool,
    pub(super) wrapper_for_raw_primitives: bool,
    pub(super) generate_struct_for_nulls: bool,
    pub(super) generate_index_for_unions: bool,
    pub(super) flatten_unions: bool,
}

impl ProtobufConfig {
    /// Parses `properties`, which have no prefix.
    ///
    /// # Errors
    /// `Config` naming the key and the value.
    pub(super) fn parse(properties: &Properties) -> Result<Self> {
        let parsed = definition().parse(properties)?;
        if !parsed.boolean("skip.known.types") {
            return Err(ConnectError::config(
                "skip.known.types=false is not supported: Google's and Confluent's own types are never registered as references",
            ));
        }
        Ok(Self {
            generalized_sum_type_support: parsed.boolean("generalized.sum.type.support"),
            ignore_default_for_nullables: parsed.boolean("ignore.default.for.nullables"),
            schemas_cache_size: usize::try_from(parsed.int("schemas.cache.config")).unwrap_or(1).max(1),
            enhanced_schema_support: parsed.boolean("enhanced.protobuf.schema.support"),
            scrub_invalid_names: parsed.boolean("scrub.invalid.names"),
            int_for_enums: parsed.boolean("int.for.enums"),
            optional_for_nullables: parsed.boolean("optional.for.nullables"),
            optional_for_proto2: parsed.boolean("optional.for.proto2"),
            wrapper_for_nullables: parsed.boolean("wrapper.for.nullables"),
            wrapper_for_raw_primitives: parsed.boolean("wrapper.for.raw.primitives"),
            generate_struct_for_nulls: parsed.boolean("generate.struct.for.nulls"),
            generate_index_for_unions: parsed.boolean("generate.index.for.unions"),
            flatten_unions: parsed.boolean("flatten.unions"),
        })
    }
}

/// Every key of the converter.
pub(super) fn definition() -> ConfigDef {
    const KEYS: [(&str, bool, Importance, &str); 13] = [
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
            "enhanced.protobuf.schema.support",
            false,
            Importance::Medium,
            "Whether the names of Connect schemas keep the package.",
        ),
        (
            "scrub.invalid.names",
            false,
            Importance::Medium,
            "Whether characters that may not stand in a Protobuf name are replaced.",
        ),
        ("int.for.enums", false, Importance::Medium, "Whether enums are read as integers instead of strings."),
        (
            "optional.for.nullables",
            false,
            Importance::Medium,
            "Whether the keyword `optional` says which fields may be null, in both directions.",
        ),
        (
            "optional.for.proto2",
            true,
            Importance::Medium,
            "Whether an optional field of proto2 that is not there is read as null.",
        ),
        (
            "wrapper.for.nullables",
            false,
            Importance::Medium,
            "Whether wrapper messages say which primitives may be null, in both directions.",
        ),
        (
            "wrapper.for.raw.primitives",
            true,
            Importance::Medium,
            "Whether a record that is a wrapper message is read as the primitive in it.",
        ),
        (
            "generate.struct.for.nulls",
            false,
            Importance::Medium,
            "Whether a message that is not there is read as one with every default.",
        ),
        (
            "generate.index.for.unions",
            true,
            Importance::Low,
            "Whether the field of a oneof has an underscore and an index behind its name.",
        ),
        (
            "flatten.unions",
            false,
            Importance::Low,
            "Whether the members of a oneof become fields of the message itself.",
        ),
        (
            "skip.known.types",
            true,
            Importance::Low,
            "Whether imports of Google's and Confluent's types need no reference; false is not supported.",
        ),
    ];
    let boolean = |definition: ConfigDef, (name, default, importance, doc): (&str, bool, Importance, &str)| {
        definition
            .define(ConfigKey::new(name, ConfigType::Boolean, importance, doc).default(ParsedValue::Boolean(default)))
    };
    KEYS.into_iter().fold(registry::definition(), boolean).define(
        ConfigKey::new(
            "schemas.cache.config",
            ConfigType::Int,
            Importance::Low,
            "How many converted schemas are kept.",
        )
        .default(ParsedValue::Int(1000)),
    )
}
