//! The keys of `sluice.FileSink`.

use std::path::PathBuf;
use std::time::Duration;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Validator};
use sluice_api::{ConnectError, Properties, Result};

const DIRECTORY: &str = "directory";
const NAME: &str = "file.name.template";

/// How a record becomes a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Its text as Java prints it; bytes as they are.
    Lines,
    /// JSON without a schema.
    Json,
}

/// How files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// What a task does.
#[derive(Clone, Debug)]
pub(super) struct RollingConfig {
    pub(super) directory: PathBuf,
    pub(super) name: String,
    pub(super) format: Format,
    pub(super) compression: Compression,
    /// Records of a file at most; 0 for no limit.
    pub(super) max_records: u64,
    /// Bytes of a file before compression, after which it is finished; 0 for no limit.
    pub(super) max_bytes: u64,
    /// How long a file is open at most.
    pub(super) max_age: Duration,
    /// Whether a finished file survives a power failure before its offsets are committed.
    pub(super) fsync: bool,
}

/// Every key.
pub(super) fn definition() -> ConfigDef {
    use Importance::{High, Low, Medium};
    let string = |name, default: &str, importance, text| {
        ConfigKey::new(name, ConfigType::String, importance, text).default(ParsedValue::String(default.to_owned()))
    };
    let long = |name, default, least, text| {
        ConfigKey::new(name, ConfigType::Long, Medium, text)
            .default(ParsedValue::Long(default))
            .validator(Validator::at_least(least))
    };
    ConfigDef::new()
        .define(ConfigKey::new(DIRECTORY, ConfigType::String, High, "the folder to write to, an absolute path; made when it is missing").validator(Validator::non_empty_string()))
        .define(string(NAME, "${topic}-${partition}", Medium, "the beginning of names, with ${topic} and ${partition}; may have folders. First and last offset and the ending follow"))
        .define(string("format", "lines", Medium, "how a record becomes a line: lines (its text, bytes as they are) or json").validator(Validator::one_of(&["lines", "json"])))
        .define(string("compression", "none", Medium, "how files are compressed").validator(Validator::one_of(&["none", "gzip", "zstd"])))
        .define(long("max.records", 0, 0, "records of a file at most, 0 for no limit"))
        .define(long("max.bytes", 134_217_728, 0, "a file that has so many bytes before compression is finished, 0 for no limit"))
        .define(long("max.age.ms", 600_000, 1, "how long a file is open at most"))
        .define(ConfigKey::new("fsync", ConfigType::Boolean, Low, "whether a finished file is on the disk before offsets are committed, so that it survives a power failure").default(ParsedValue::Boolean(true)))
}

impl RollingConfig {
    /// # Errors
    /// `Config` naming the key.
    pub(super) fn parse(properties: &Properties) -> Result<Self> {
        // One message for every key that is wrong alone.
        definition().parse(properties)?;
        Self::parse_together(properties).map_err(|(_, message)| ConnectError::config(message))
    }

    /// As [`RollingConfig::parse`], for properties that are right one by one; the error is a key and its mistake.
    pub(super) fn parse_together(properties: &Properties) -> std::result::Result<Self, (&'static str, String)> {
        let parsed = definition().parse(properties).map_err(|error| (DIRECTORY, error.to_string()))?;
        let wrong = |key: &'static str, why: String| (key, format!("Invalid value for configuration {key}: {why}"));
        let directory = PathBuf::from(parsed.string(DIRECTORY));
        if !directory.is_absolute() {
            return Err(wrong(DIRECTORY, format!("expected an absolute path, got {}", directory.display())));
        }
        let name = parsed.string(NAME);
        check_name(name).map_err(|why| wrong(NAME, why))?;
        let number = |key: &str| u64::try_from(parsed.long(key)).unwrap_or(0);
        Ok(Self {
            directory,
            name: name.to_owned(),
            format: if parsed.string("format") == "json" { Format::Json } else { Format::Lines },
            compression: match parsed.string("compression") {
                "gzip" => Compression::Gzip,
                "zstd" => Compression::Zstd,
                _ => Compression::None,
            },
            max_records: number("max.records"),
            max_bytes: number("max.bytes"),
            max_age: Duration::from_millis(number("max.age.ms")),
            fsync: parsed.boolean("fsync"),
        })
    }

    /// What files of a partition end with.
    pub(super) fn ending(&self) -> String {
        let format = if self.format == Format::Json { "jsonl" } else { "txt" };
        match self.compression {
            Compression::None => format!(".{format}"),
            Compression::Gzip => format!(".{format}.gz"),
            Compression::Zstd => format!(".{format}.zst"),
        }
    }
}

/// Partitions must not share names, and names must stay in the folder.
fn check_name(name: &str) -> std::result::Result<(), String> {
    for place in ["${topic}", "${partition}"] {
        if !name.contains(place) {
            return Err(format!(
                "expected {place} in it, or files of several partitions would have one name, got {name}"
            ));
        }
    }
    let plain = name.replace("${topic}", "").replace("${partition}", "");
    if plain.contains("${") {
        return Err(format!("expected no places but ${{topic}} and ${{partition}}, got {name}"));
    }
    if name.starts_with('/') || name.ends_with('/') || name.split('/').any(|part| matches!(part, ".." | "." | "")) {
        return Err(format!("expected a path below `{DIRECTORY}`, got {name}"));
    }
    Ok(())
}
