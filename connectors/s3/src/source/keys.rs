//! The keys of both vendors' sources, with their defaults, and our own under `sluice.`.

use sluice_api::config::{ConfigDef, ConfigType, Importance, Validator};

use super::Vendor;
use crate::keys::{Row, define};
use crate::{aiven, sink};

use ConfigType::{Boolean, Int, List, Long, String as Text};
use Importance::{High, Low, Medium};

/// Keys of Confluent's sink that mean the same in the source.
const OF_THE_SINK: [&str; 27] = [
    "s3.bucket.name",
    "s3.region",
    "store.url",
    "s3.path.style.access.enabled",
    "s3.wan.mode",
    "s3.part.retries",
    "s3.retry.backoff.ms",
    "aws.access.key.id",
    "aws.secret.access.key",
    "s3.credentials.provider.class",
    "s3.credentials.provider.sts.role.arn",
    "s3.credentials.provider.sts.role.session.name",
    "s3.credentials.provider.sts.role.external.id",
    "s3.credentials.provider.sts.region",
    "s3.ssea.name",
    "s3.sse.customer.key",
    "s3.proxy.url",
    "s3.proxy.user",
    "s3.proxy.password",
    "format.class",
    "format.bytearray.extension",
    "format.bytearray.separator",
    "topics.dir",
    "directory.delim",
    "file.delim",
    "tombstone.encoded.partition",
    "partitioner.class",
];

const CONFLUENT: &[Row] = &[
    (
        "mode",
        Text,
        High,
        Some("RESTORE_BACKUP"),
        "RESTORE_BACKUP for what the sink wrote, GENERIC for objects of any name",
    ),
    ("topic.regex.list", List, High, Some(""), "With GENERIC: `topic:pattern`, the first that a name matches counts"),
    (
        "store.kafka.keys",
        Boolean,
        Low,
        Some(""),
        "Whether objects of keys belong to those of values; by default when the topic has any",
    ),
    (
        "store.kafka.headers",
        Boolean,
        Low,
        Some(""),
        "Whether objects of headers belong to those of values; by default when the topic has any",
    ),
    ("s3.poll.interval.ms", Long, Medium, Some("60000"), "How often the bucket is looked through"),
    ("record.batch.max.size", Int, Medium, Some("200"), "Records of a batch at most"),
    (
        "behavior.on.error",
        Text,
        Medium,
        Some("fail"),
        "Whether an object that cannot be read fails the task: fail or ignore",
    ),
    ("format.json.schema.enable", Boolean, Low, Some("false"), "Only false: JSON is read without schemas"),
    COMPRESSION,
];

const COMPRESSION: Row = (
    "sluice.input.compression",
    Text,
    Low,
    Some("by-name"),
    "Compression of objects: none, gzip, zstd, or by-name (`.gz`, `.zst`); ours",
);

const AIVEN: &[Row] = &[
    (
        "file.name.template",
        Text,
        High,
        None,
        "A pattern that names have, with `{{topic}}`, `{{partition}}`, `{{start_offset}}`, `{{timestamp}}` for parts of it",
    ),
    ("topic", Text, Medium, Some(""), "The topic, where the template has none"),
    ("input.format", Text, Medium, Some("bytes"), "What objects hold: bytes, jsonl or avro"),
    ("file.compression.type", Text, Medium, Some("none"), "Compression of objects: none, gzip or zstd"),
    ("transformer.max.buffer.size", Int, Medium, Some("4096"), "Bytes of a record of the format bytes"),
    (
        "distribution.type",
        Text,
        Medium,
        Some("object_hash"),
        "How objects are divided among tasks: object_hash, or partition",
    ),
    ("native.start.key", Text, Medium, Some(""), "Only objects behind this name are read"),
    ("max.poll.records", Int, Medium, Some("500"), "Records of a batch at most"),
    ("ring.buffer.size", Int, Medium, Some("1000"), "Accepted; no object is missed, however late it comes"),
    ("aws.s3.fetch.page.size", Int, Medium, Some("10"), "Accepted; pages have 1,000 names"),
    ("aws.s3.fetch.buffer.size", Int, Medium, Some("1000"), "Accepted; see `ring.buffer.size`"),
    ("sluice.poll.interval.ms", Long, Medium, Some("10000"), "How often the bucket is looked through; ours"),
];

/// The definition.
pub(crate) fn definition(vendor: Vendor) -> ConfigDef {
    match vendor {
        Vendor::Confluent => {
            let shared = sink::KEYS.iter().filter(|row| OF_THE_SINK.contains(&row.0));
            define(&shared.chain(CONFLUENT).copied().collect::<Vec<_>>(), |name| {
                validator(name).or_else(|| sink::validator(name))
            })
        }
        Vendor::Aiven => define(&aiven::ROWS.iter().chain(AIVEN).copied().collect::<Vec<_>>(), |name| {
            validator(name).or_else(|| aiven::validator(name))
        }),
    }
}

fn validator(name: &str) -> Option<Validator> {
    Some(match name {
        "mode" => Validator::one_of_ignoring_case(&["RESTORE_BACKUP", "GENERIC"]),
        "behavior.on.error" => Validator::one_of_ignoring_case(&["fail", "ignore"]),
        "s3.poll.interval.ms" | "sluice.poll.interval.ms" => Validator::at_least(1),
        "record.batch.max.size" | "max.poll.records" | "transformer.max.buffer.size" => Validator::at_least(1),
        "sluice.input.compression" => Validator::one_of(&["by-name", "none", "gzip", "zstd"]),
        "distribution.type" => Validator::one_of_ignoring_case(&["object_hash", "partition"]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_table_of_confluents_keys() {
        crate::keys::in_readme(&definition(Vendor::Confluent));
    }

    #[test]
    fn the_readme_has_the_table_of_aivens_keys() {
        crate::keys::in_readme(&definition(Vendor::Aiven));
    }
}
