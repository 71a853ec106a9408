//! The configuration of a source, parsed: nothing behind this sees a property map, or knows whose keys they were.

use std::time::Duration;

use sluice_api::config::{ConfigValue, ParsedConfig};
use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Properties, Result};

use super::Vendor;
use super::decode::InputFormat;
use super::keys::definition;
use super::place::{Layout, Template};
use super::stream::Compression;
use crate::client::{ObjectOptions, StoreConfig};
use crate::connection::{self, Problem, customer_key, message};
use crate::{aiven, sink};

/// Which task of how many a configuration is for.
pub(crate) const TASK: &str = "sluice.task.number";
pub(crate) const TASKS: &str = "sluice.task.count";

/// What a source task does.
pub(crate) struct SourceConfig {
    pub(crate) store: StoreConfig,
    pub(crate) layout: Layout,
    pub(crate) format: InputFormat,
    /// `None` goes by the names.
    pub(crate) compression: Option<Compression>,
    /// Between keys that are bytes.
    pub(crate) separator: Vec<u8>,
    /// Options of the mapping from Avro.
    pub(crate) avro: Properties,
    /// What all names begin with.
    pub(crate) prefix: String,
    pub(crate) start_after: Option<String>,
    /// Whether keys and headers are expected; `None` where the topic has any.
    pub(crate) stores_keys: Option<bool>,
    pub(crate) stores_headers: Option<bool>,
    pub(crate) key: RecordKey,
    pub(crate) keeps_partitions: bool,
    pub(crate) distribution: Distribution,
    pub(crate) poll_interval: Duration,
    pub(crate) batch_records: usize,
    pub(crate) passes_over_errors: bool,
    /// The number of the task and how many there are.
    pub(crate) task: (usize, usize),
}

/// The key of a record that has none of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordKey {
    None,
    ObjectName,
}

/// How objects are divided among tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distribution {
    Object,
    Partition,
}

impl SourceConfig {
    /// Parses `properties`.
    ///
    /// # Errors
    /// `Config` naming every key that is wrong.
    pub(crate) fn parse(vendor: Vendor, properties: &Properties) -> Result<Self> {
        let properties = named(vendor, properties);
        let parsed = definition(vendor).parse(&properties)?;
        build(vendor, &parsed, &properties).map_err(|problem| ConnectError::config(message(&parsed, &problem)))
    }

    /// What each key is and what is wrong with it.
    pub(crate) fn validate(vendor: Vendor, properties: &Properties) -> Vec<ConfigValue> {
        let properties = named(vendor, properties);
        let mut values = definition(vendor).validate(&properties);
        let Ok(parsed) = definition(vendor).parse(&properties) else { return values };
        if let Err(problem) = build(vendor, &parsed, &properties)
            && let Some(value) = values.iter_mut().find(|value| value.name == problem.0)
        {
            value.error_messages.push(message(&parsed, &problem));
        }
        values
    }
}

fn named(vendor: Vendor, properties: &Properties) -> Properties {
    match vendor {
        Vendor::Confluent => properties.clone(),
        Vendor::Aiven => aiven::renamed(properties),
    }
}

fn build(vendor: Vendor, parsed: &ParsedConfig, properties: &Properties) -> Result<SourceConfig, Problem> {
    match vendor {
        Vendor::Confluent => confluents(parsed, properties),
        Vendor::Aiven => aivens(parsed, properties),
    }
}

fn confluents(parsed: &ParsedConfig, properties: &Properties) -> Result<SourceConfig, Problem> {
    let text = |key: &str| parsed.opt_string(key).unwrap_or_default().to_owned();
    let names = sink::Names {
        topics_dir: text("topics.dir"),
        directory_delimiter: text("directory.delim"),
        file_delimiter: text("file.delim"),
        pad_width: 0,
    };
    if parsed.boolean("format.json.schema.enable") {
        let problem = "JSON with schemas is not supported yet: archive with schemas in Avro, or read without them";
        return Err(("format.json.schema.enable", problem.into()));
    }
    let separator = properties.get("format.bytearray.separator").cloned().unwrap_or_else(|| "\n".into()).into_bytes();
    let (format, extension) = confluents_format(parsed, &separator)?;
    let prefix = match names.topics_dir.trim() {
        "" => String::new(),
        folder => format!("{folder}{}", names.directory_delimiter),
    };
    let restores = parsed.string("mode").eq_ignore_ascii_case("RESTORE_BACKUP");
    let layout = match restores {
        true if names.file_delimiter.is_empty() => {
            return Err(("file.delim", "names cannot be read back without it".into()));
        }
        true => Layout::Restore { names, extension, tombstones: text("tombstone.encoded.partition") },
        false => Layout::Patterns(patterns(parsed)?),
    };
    let compression = match parsed.string("sluice.input.compression") {
        "none" => Some(Compression::None),
        "gzip" => Some(Compression::Gzip),
        "zstd" => Some(Compression::Zstd),
        _ => None,
    };
    let flag = |key: &str| properties.contains_key(key).then(|| parsed.boolean(key));
    let objects = ObjectOptions { customer_key: customer_key(parsed)?, ..ObjectOptions::default() };
    Ok(SourceConfig {
        store: connection::store(parsed, objects)?,
        layout,
        format,
        compression,
        separator,
        avro: Properties::new(),
        prefix,
        start_after: None,
        stores_keys: flag("store.kafka.keys"),
        stores_headers: flag("store.kafka.headers"),
        key: RecordKey::None,
        keeps_partitions: restores,
        distribution: if restores { Distribution::Partition } else { Distribution::Object },
        poll_interval: Duration::from_millis(parsed.long("s3.poll.interval.ms").unsigned_abs()),
        batch_records: usize::try_from(parsed.int("record.batch.max.size")).unwrap_or(1),
        passes_over_errors: parsed.string("behavior.on.error").eq_ignore_ascii_case("ignore"),
        task: task(properties),
    })
}

/// The format, and what names of the sink's objects of it end with.
fn confluents_format(parsed: &ParsedConfig, separator: &[u8]) -> Result<(InputFormat, String), Problem> {
    let class = parsed.string("format.class");
    match class.strip_prefix(sink::FORMATS).unwrap_or(class) {
        "json.JsonFormat" => Ok((InputFormat::Json, ".json".into())),
        "avro.AvroFormat" => Ok((InputFormat::Avro { options: Properties::new() }, ".avro".into())),
        "string.StringFormat" => Ok((InputFormat::Text, ".txt".into())),
        "bytearray.ByteArrayFormat" if separator.is_empty() => {
            Err(("format.bytearray.separator", "records cannot be told apart without it".into()))
        }
        "bytearray.ByteArrayFormat" => {
            let extension = parsed.string("format.bytearray.extension").to_owned();
            Ok((InputFormat::Bytes { separator: separator.to_vec() }, extension))
        }
        "parquet.ParquetFormat" => Err(("format.class", "reading Parquet is not supported yet".into())),
        _ => Err((
            "format.class",
            format!(
                "expected {}json.JsonFormat, avro.AvroFormat, bytearray.ByteArrayFormat or string.StringFormat",
                sink::FORMATS
            ),
        )),
    }
}

fn patterns(parsed: &ParsedConfig) -> Result<Vec<(String, JavaRegex)>, Problem> {
    let wrong = |problem: String| ("topic.regex.list", problem);
    let pattern = |item: &String| {
        let (topic, pattern) =
            item.split_once(':').ok_or_else(|| wrong(format!("expected `topic:pattern`, got {item}")))?;
        let pattern = JavaRegex::new(pattern).map_err(|error| wrong(format!("{item}: {error}")))?;
        Ok((topic.trim().to_owned(), pattern))
    };
    let patterns = parsed.list("topic.regex.list").iter().map(pattern).collect::<Result<Vec<_>, Problem>>()?;
    match patterns.is_empty() {
        true => Err(wrong("topic.regex.list cannot be empty when the connector runs in GENERIC mode.".into())),
        false => Ok(patterns),
    }
}

fn aivens(parsed: &ParsedConfig, properties: &Properties) -> Result<SourceConfig, Problem> {
    let optional = |key: &str| parsed.opt_string(key).filter(|text| !text.is_empty()).map(str::to_owned);
    let text = parsed.string("file.name.template");
    let template = Template::new(text).map_err(|problem| ("file.name.template", problem))?;
    let topic = optional("topic");
    if topic.is_none() && !text.contains("{{topic}}") {
        return Err(("topic", "name a topic, or put `{{topic}}` into `file.name.template`".into()));
    }
    let distribution = match parsed.string("distribution.type").to_lowercase().as_str() {
        "partition" if !text.contains("{{partition}}") => {
            return Err(("distribution.type", "`partition` needs `{{partition}}` in `file.name.template`".into()));
        }
        "partition" => Distribution::Partition,
        _ => Distribution::Object,
    };
    let format = match parsed.string("input.format").to_lowercase().as_str() {
        "bytes" => {
            InputFormat::Chunks { bytes: usize::try_from(parsed.int("transformer.max.buffer.size")).unwrap_or(1) }
        }
        "jsonl" => InputFormat::Json,
        "avro" => InputFormat::Avro { options: Properties::new() },
        "parquet" => return Err(("input.format", "reading Parquet is not supported yet".into())),
        _ => return Err(("input.format", "expected bytes, jsonl or avro".into())),
    };
    let compression = match parsed.string("file.compression.type").to_lowercase().as_str() {
        "none" => Compression::None,
        "gzip" => Compression::Gzip,
        "zstd" => Compression::Zstd,
        "snappy" => return Err(("file.compression.type", "reading snappy is not supported yet".into())),
        _ => return Err(("file.compression.type", "expected none, gzip or zstd".into())),
    };
    Ok(SourceConfig {
        store: aiven::store(parsed)?,
        layout: Layout::Template { template: Box::new(template), topic },
        format,
        compression: Some(compression),
        separator: b"\n".to_vec(),
        avro: Properties::new(),
        prefix: optional("aws.s3.prefix").unwrap_or_default(),
        start_after: optional("native.start.key"),
        stores_keys: None,
        stores_headers: None,
        key: RecordKey::ObjectName,
        keeps_partitions: true,
        distribution,
        poll_interval: Duration::from_millis(parsed.long("sluice.poll.interval.ms").unsigned_abs()),
        batch_records: usize::try_from(parsed.int("max.poll.records")).unwrap_or(1),
        passes_over_errors: properties.get("errors.tolerance").is_some_and(|value| value.eq_ignore_ascii_case("all")),
        task: task(properties),
    })
}

fn task(properties: &Properties) -> (usize, usize) {
    let number = |key: &str| properties.get(key).and_then(|text| text.parse().ok());
    (number(TASK).unwrap_or(0), number(TASKS).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Keys<'a> = &'a [(&'a str, &'a str)];

    fn refused(vendor: Vendor, more: Keys<'_>) -> String {
        let least: &[(&str, &str)] = match vendor {
            Vendor::Confluent => {
                &[("s3.bucket.name", "b"), ("format.class", "io.confluent.connect.s3.format.json.JsonFormat")]
            }
            Vendor::Aiven => &[("aws_s3_bucket", "b"), ("file.name.template", "{{topic}}-{{partition}}")],
        };
        let properties =
            least.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        SourceConfig::parse(vendor, &properties).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_is_refused_by_key() {
        let cases: [(Vendor, Keys<'_>, &str); 12] = [
            (Vendor::Confluent, &[], ""),
            (Vendor::Aiven, &[], ""),
            (Vendor::Confluent, &[("mode", "GENERIC")], "topic.regex.list cannot be empty"),
            (Vendor::Confluent, &[("mode", "GENERIC"), ("topic.regex.list", "x")], "expected `topic:pattern`"),
            (Vendor::Confluent, &[("mode", "GENERIC"), ("topic.regex.list", "t:(")], "topic.regex.list"),
            (Vendor::Confluent, &[("format.class", "x.Y")], "for configuration format.class"),
            (Vendor::Confluent, &[("format.json.schema.enable", "true")], "not supported yet"),
            (Vendor::Aiven, &[("file.name.template", "x")], "for configuration topic"),
            (
                Vendor::Aiven,
                &[("file.name.template", "{{topic}}"), ("distribution.type", "partition")],
                "{{partition}}",
            ),
            (Vendor::Aiven, &[("input.format", "parquet")], "not supported yet"),
            (Vendor::Aiven, &[("file.compression.type", "snappy")], "not supported yet"),
            (Vendor::Aiven, &[("aws.access.key.id", "k")], "`aws.secret.access.key` is missing"),
        ];
        for (vendor, more, part) in cases {
            let error = refused(vendor, more);
            assert!(error.contains(part) && error.is_empty() == part.is_empty(), "{more:?}: {error}");
        }
    }
}
