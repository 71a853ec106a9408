//! Aiven's keys as the configuration that the task has.

use std::path::PathBuf;

use sluice_api::config::{ConfigValue, ParsedConfig};
use sluice_api::{ConnectError, Properties, Result};

use super::keys::{definition, zone};
use super::template::{Grouping, NameTemplate};
use crate::aiven;
use crate::connection::{Problem, message};
use crate::format::{AvroCodec, Compressor, Field, Format, Layout, ParquetCodec};
use crate::partitioner::{Affix, Kind, Partitioner};
use crate::sink::compatibility::Compatibility;
use crate::sink::config::{NullValues, SinkConfig};
use crate::sink::names::Naming;
use crate::sink::rotation::Rotation;

/// S3 takes no smaller part, except the last.
const SMALLEST_PART_BYTES: usize = 5 * 1024 * 1024;

/// Parses `properties`.
///
/// # Errors
/// `Config` naming the key that is wrong.
pub(super) fn parse(properties: &Properties) -> Result<(SinkConfig, Partitioner)> {
    let properties = aiven::renamed(properties);
    let parsed = definition().parse(&properties)?;
    build(&parsed).map_err(|problem| ConnectError::config(message(&parsed, &problem)))
}

/// What each key is and what is wrong with it.
pub(super) fn validate(properties: &Properties) -> Vec<ConfigValue> {
    let properties = aiven::renamed(properties);
    let mut values = definition().validate(&properties);
    let Ok(parsed) = definition().parse(&properties) else { return values };
    if let Err(problem) = build(&parsed)
        && let Some(value) = values.iter_mut().find(|value| value.name == problem.0)
    {
        value.error_messages.push(message(&parsed, &problem));
    }
    values
}

fn build(parsed: &ParsedConfig) -> Result<(SinkConfig, Partitioner), Problem> {
    let compression = compression(parsed)?;
    let (values, has_key) = format(parsed, compression)?;
    let (template, grouping) = template(parsed, compression)?;
    let records = u64::try_from(parsed.int("file.max.records")).unwrap_or(0);
    if grouping == Grouping::LatestOfKey && records > 1 {
        let problem = "an object by key has one record: leave it out, or set it to 1";
        return Err(("file.max.records", problem.into()));
    }
    let structs = matches!(values, Format::Envelope { .. });
    let config = SinkConfig {
        store: aiven::store(parsed)?,
        names: Naming::Template,
        compressor: compression.filter(|_| values.takes_compression()),
        values,
        keys: None,
        headers: None,
        rotation: Rotation {
            records: u64::MAX,
            bytes: None,
            interval_ms: None,
            on_folder_change: false,
            schedule: None,
            idle_ms: None,
            file_records: Some(records).filter(|records| *records > 0 && grouping == Grouping::Changelog),
            at_commit: true,
            open_files: None,
        },
        compatibility: if structs { Compatibility::None } else { Compatibility::Ignored },
        nulls: NullValues::Write,
        nulls_are_values: true,
        keeps_latest: grouping == Grouping::LatestOfKey,
        splits_on_key_schema: structs && has_key,
        tombstone_folder: String::new(),
        tagging: None,
        part_bytes: usize::try_from(parsed.int("aws.s3.part.size.bytes")).unwrap_or(0).max(SMALLEST_PART_BYTES),
        spill_dir: parsed.opt_string("sluice.spill.dir").map_or_else(std::env::temp_dir, PathBuf::from),
        spill_limit_bytes: parsed.long("sluice.spill.max.bytes").unsigned_abs(),
        requests: usize::try_from(parsed.int("sluice.upload.requests")).unwrap_or(1),
    };
    Ok((config, Partitioner { kind: Kind::Template(template), affix: Affix::None, delimiter: String::new() }))
}

/// The compression of the content; without the key it is gzip, though no name says so.
fn compression(parsed: &ParsedConfig) -> Result<Option<Compressor>, Problem> {
    let key = "file.compression.type";
    match parsed.opt_string(key).unwrap_or_default().to_lowercase().as_str() {
        "" | "gzip" => Ok(Some(Compressor::Gzip { level: -1 })),
        "zstd" => Ok(Some(Compressor::Zstd)),
        "snappy" => Ok(Some(Compressor::Snappy)),
        "none" => Ok(None),
        _ => Err((key, "expected none, gzip, snappy or zstd".into())),
    }
}

/// The format, and whether it holds keys.
fn format(parsed: &ParsedConfig, compression: Option<Compressor>) -> Result<(Format, bool), Problem> {
    let names = parsed.list("format.output.fields");
    let field = |name: &String| {
        let wrong =
            || ("format.output.fields", format!("{name} is no field: expected key, value, offset, timestamp, headers"));
        Field::parse(name).ok_or_else(wrong)
    };
    let mut fields = names.iter().map(field).collect::<Result<Vec<_>, Problem>>()?;
    let envelope = parsed.boolean("format.output.envelope");
    if !envelope && fields.len() != 1 {
        return Err(("format.output.envelope", "without it `format.output.fields` must name one field".into()));
    }
    if fields.is_empty() {
        fields.push(Field::Value);
    }
    let has_key = fields.contains(&Field::Key);
    let encodes_values = parsed.string("format.output.fields.value.encoding").eq_ignore_ascii_case("base64");
    let options = Properties::new();
    let structs = |inner| Format::Envelope { fields: fields.clone(), envelope, inner: Box::new(inner) };
    let text = |layout| Format::Fields { fields: fields.clone(), layout };
    let format = match parsed.string("format.output.type").to_lowercase().as_str() {
        "json" => text(Layout::Json { envelope }),
        "jsonl" => text(Layout::JsonLines { envelope }),
        "avro" => {
            let codec = AvroCodec::parse(parsed.string("avro.codec")).map_err(|problem| ("avro.codec", problem))?;
            structs(Format::Avro { codec, options })
        }
        "parquet" => {
            let codec = match compression {
                None => ParquetCodec::None,
                Some(Compressor::Gzip { .. }) => ParquetCodec::Gzip,
                Some(Compressor::Zstd) => ParquetCodec::Zstd,
                Some(Compressor::Snappy) => ParquetCodec::Snappy,
            };
            structs(Format::Parquet { codec, options })
        }
        _ => text(Layout::Csv { encodes_values }),
    };
    Ok((format, has_key))
}

/// The template of names and what it says about grouping. `aws.s3.prefix` stands for names of old.
fn template(parsed: &ParsedConfig, compression: Option<Compressor>) -> Result<(NameTemplate, Grouping), Problem> {
    let optional = |key: &str| parsed.opt_string(key).filter(|text| !text.is_empty());
    let avro = if parsed.string("format.output.type").eq_ignore_ascii_case("avro") { ".avro" } else { "" };
    let extension = compression.map_or("", Compressor::extension);
    let (key, text, zone_key, source_key) = match (optional("aws.s3.prefix"), optional("file.name.template")) {
        (Some(prefix), _) => {
            let text =
                format!("{prefix}{{{{topic}}}}-{{{{partition}}}}-{{{{start_offset:padding=true}}}}{avro}{extension}");
            ("aws.s3.prefix", text, "timestamp.timezone", "timestamp.source")
        }
        (None, Some(text)) => {
            ("file.name.template", text.to_owned(), "file.name.timestamp.timezone", "file.name.timestamp.source")
        }
        (None, None) => {
            // Without the key the content is gzip and the name does not say so.
            let extension = optional("file.compression.type").map_or("", |_| extension);
            let text = format!("{{{{topic}}}}-{{{{partition}}}}-{{{{start_offset}}}}{avro}{extension}");
            ("file.name.template", text, "file.name.timestamp.timezone", "file.name.timestamp.source")
        }
    };
    let zone =
        zone(parsed.string(zone_key)).ok_or((zone_key, "expected a time zone as UTC or Europe/Berlin".to_owned()))?;
    let of_record = parsed.string(source_key).eq_ignore_ascii_case("EVENT");
    let template = NameTemplate::parse(&text, zone, of_record).map_err(|problem| (key, problem))?;
    let grouping = template.grouping().map_err(|problem| (key, problem))?;
    Ok((template, grouping))
}
