//! The keys of Aiven's sink, with its defaults (connectors.md 1b), and our own under `sluice.`.

use jiff::tz::TimeZone;
use sluice_api::config::{ConfigDef, ConfigType, Importance, ParsedValue, Validator};

use crate::aiven;
use crate::keys::{Row, define};

use ConfigType::{Boolean, Int, List, Long, String as Text};
use Importance::{Low, Medium};

const ROWS: &[Row] = &[
    (
        "aws.s3.part.size.bytes",
        Int,
        Medium,
        Some("5242880"),
        "Bytes of a part of a multipart upload; S3 takes no part below 5 MiB",
    ),
    (
        "file.name.template",
        Text,
        Medium,
        Some(""),
        "The names of objects, which also say which records an object has; without it `{{topic}}-{{partition}}-{{start_offset}}` with extensions",
    ),
    (
        "file.prefix.template",
        Text,
        Medium,
        Some(""),
        "Accepted without effect, as in Aiven's sink; see `aws.s3.prefix`",
    ),
    (
        "file.compression.type",
        Text,
        Medium,
        Some(""),
        "Compression: none, gzip, snappy or zstd; without it gzip under names without `.gz`, as in Aiven's sink",
    ),
    (
        "file.max.records",
        Int,
        Medium,
        Some("0"),
        "Records of an object at most; 0 for as many as there are until a commit",
    ),
    ("file.name.timestamp.timezone", Text, Low, Some("Z"), "The time zone of `{{timestamp}}`"),
    (
        "file.name.timestamp.source",
        Text,
        Low,
        Some("WALLCLOCK"),
        "The time of `{{timestamp}}`: WALLCLOCK, or EVENT for the record's",
    ),
    ("timestamp.timezone", Text, Low, Some("Z"), "The time zone of `{{timestamp}}` in `aws.s3.prefix`"),
    ("timestamp.source", Text, Low, Some("WALLCLOCK"), "The time of `{{timestamp}}` in `aws.s3.prefix`"),
    ("format.output.type", Text, Medium, Some("csv"), "What objects hold: csv, json, jsonl, avro or parquet"),
    (
        "format.output.fields",
        List,
        Medium,
        Some(""),
        "Which fields: key, value, offset, timestamp, headers; value by default",
    ),
    ("format.output.fields.value.encoding", Text, Medium, Some("base64"), "The value in CSV: base64 or none"),
    (
        "format.output.envelope",
        Boolean,
        Medium,
        Some("true"),
        "Whether a single field stands in a document or record of its own",
    ),
    ("avro.codec", Text, Low, Some("null"), "Compression inside of Avro: null, deflate or snappy"),
    (
        "sluice.spill.dir",
        Text,
        Low,
        Some(""),
        "Where buffers go when memory is used up; the system's folder for temporary files by default; ours",
    ),
    ("sluice.spill.max.bytes", Long, Low, Some("4294967296"), "What may be there, for all tasks of the process; ours"),
    ("sluice.upload.requests", Int, Low, Some("4"), "Requests of a task at a time; ours"),
];

/// The definition.
pub(super) fn definition() -> ConfigDef {
    define(&aiven::ROWS.iter().chain(ROWS).copied().collect::<Vec<_>>(), |name| {
        validator(name).or_else(|| aiven::validator(name))
    })
}

fn validator(name: &str) -> Option<Validator> {
    Some(match name {
        "aws.s3.part.size.bytes" | "sluice.upload.requests" => Validator::at_least(1),
        "file.max.records" | "sluice.spill.max.bytes" => Validator::at_least(0),
        "file.name.timestamp.timezone" | "timestamp.timezone" => {
            Validator::new("a time zone as UTC or Europe/Berlin", |name, value| match value {
                ParsedValue::String(text) if zone(text).is_none() => Err(format!(
                    "Invalid value {text} for configuration {name}: expected a time zone as UTC or Europe/Berlin"
                )),
                _ => Ok(()),
            })
        }
        "file.name.timestamp.source" | "timestamp.source" => Validator::one_of_ignoring_case(&["WALLCLOCK", "EVENT"]),
        "format.output.type" => Validator::one_of_ignoring_case(&["csv", "json", "jsonl", "avro", "parquet"]),
        "format.output.fields.value.encoding" => Validator::one_of_ignoring_case(&["base64", "none"]),
        _ => return None,
    })
}

/// A time zone; `Z` is UTC.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    if name == "Z" { Some(TimeZone::UTC) } else { TimeZone::get(name).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_table_of_keys() {
        crate::keys::in_readme(&definition());
    }
}
