//! The keys of both connectors, with the texts of Kafka Connect.

use std::sync::Arc;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator};
use sluice_api::{Properties, Result};

use crate::source::lines::LineEnds;

/// Whether a carriage return stays part of its line.
const KEEP_CARRIAGE_RETURN: &str = "keep.carriage.return";

/// The source's keys.
pub(crate) fn source_definition() -> ConfigDef {
    ConfigDef::new()
        .define(file("Source filename. If not specified, the standard input will be used"))
        .define(
            ConfigKey::new("topic", ConfigType::String, Importance::High, "The topic to publish data to")
                .validator(Validator::non_empty_string()),
        )
        .define(
            ConfigKey::new(
                "batch.size",
                ConfigType::Int,
                Importance::Low,
                "The maximum number of records the source task can read from the file each time it is polled",
            )
            .default(ParsedValue::Int(2000)),
        )
}

/// The sink's keys.
pub(crate) fn sink_definition() -> ConfigDef {
    ConfigDef::new().define(file("Destination filename. If not specified, the standard output will be used"))
}

fn file(documentation: &str) -> ConfigKey {
    ConfigKey::new("file", ConfigType::String, Importance::High, documentation).optional()
}

/// What a source task reads and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceConfig {
    /// The file as configured, `None` for the standard input.
    pub(crate) file: Option<String>,
    pub(crate) topic: Arc<str>,
    /// At least 1.
    pub(crate) batch_size: usize,
    /// What ends a line.
    pub(crate) line_ends: LineEnds,
}

impl SourceConfig {
    pub(crate) fn parse(properties: &Properties) -> Result<Self> {
        let parsed = source_definition().parse(properties)?;
        Ok(Self {
            file: file_name(&parsed),
            topic: parsed.string("topic").into(),
            batch_size: usize::try_from(parsed.int("batch.size")).unwrap_or(1).max(1),
            line_ends: line_ends(properties)?,
        })
    }
}

/// `keep.carriage.return` is ours. It is not in the definition, so that validation answers list Kafka's keys alone.
fn line_ends(properties: &Properties) -> Result<LineEnds> {
    let key = ConfigKey::new(KEEP_CARRIAGE_RETURN, ConfigType::Boolean, Importance::Low, "")
        .default(ParsedValue::Boolean(false));
    let keep = ConfigDef::new().define(key).parse(properties)?.boolean(KEEP_CARRIAGE_RETURN);
    Ok(if keep { LineEnds::Newline } else { LineEnds::Java })
}

/// Where a sink task writes: the file as configured, `None` for the standard output.
pub(crate) fn sink_file(properties: &Properties) -> Result<Option<String>> {
    Ok(file_name(&sink_definition().parse(properties)?))
}

fn file_name(parsed: &ParsedConfig) -> Option<String> {
    parsed.opt_string("file").filter(|name| !name.is_empty()).map(str::to_owned)
}
