//! The keys of Confluent's sink, with its defaults (connectors.md 1a), and our own under `sluice.`.

use jiff::tz::TimeZone;
use sluice_api::config::{ConfigDef, ConfigType, Importance, ParsedValue, Validator};

use crate::connection::DEFAULT_CREDENTIALS;
use crate::keys::{Row, define};

pub(super) const S3_STORAGE: &str = "io.confluent.connect.s3.storage.S3Storage";
pub(crate) const FORMATS: &str = "io.confluent.connect.s3.format.";
pub(super) const PARTITIONERS: &str = "io.confluent.connect.storage.partitioner.";

const ACLS: [&str; 7] = [
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
];

use ConfigType::{Boolean, Class, Int, List, Long, Password, String as Text};
use Importance::{High, Low, Medium};

pub(crate) const ROWS: &[Row] = &[
    ("s3.bucket.name", Text, High, None, "The bucket"),
    ("s3.region", Text, Medium, Some("us-west-2"), "The region of the bucket"),
    ("store.url", Text, Low, Some(""), "Another address than that of AWS; without scheme it is https"),
    (
        "s3.path.style.access.enabled",
        Boolean,
        Low,
        Some("true"),
        "Whether the bucket stands in the path of addresses, not in the host name",
    ),
    ("s3.wan.mode", Boolean, Medium, Some("false"), "Whether to use S3 Transfer Acceleration"),
    (
        "s3.part.size",
        Int,
        High,
        Some("26214400"),
        "Bytes of a part of a multipart upload at most; smaller when the memory budget is small",
    ),
    (
        "s3.part.retries",
        Int,
        Medium,
        Some("3"),
        "How often a request is repeated at once. Trouble that lasts is waited for, without limit",
    ),
    ("s3.retry.backoff.ms", Long, Low, Some("200"), "The pause before the first repetition"),
    (
        "s3.http.send.expect.continue",
        Boolean,
        Low,
        Some("true"),
        "Accepted; requests are sent without `Expect: 100-continue`",
    ),
    ("s3.elastic.buffer.enable", Boolean, Low, Some("false"), "Accepted; buffers always grow with what they hold"),
    ("s3.elastic.buffer.init.capacity", Int, Low, Some("131072"), "Accepted; see `s3.elastic.buffer.enable`"),
    ("s3.send.digest", Boolean, Low, Some("false"), "Accepted; every request has a checksum that the store verifies"),
    ("aws.access.key.id", Text, High, Some(""), "The access key; with the secret it wins over every other credential"),
    ("aws.secret.access.key", Password, High, Some(""), "The secret of the access key"),
    (
        "s3.credentials.provider.class",
        Class,
        Low,
        Some(DEFAULT_CREDENTIALS),
        "The SDK's chain, or Confluent's AwsAssumeRoleCredentialsProvider with `sts.*`",
    ),
    ("s3.credentials.provider.sts.role.arn", Text, Low, Some(""), "The role to assume"),
    ("s3.credentials.provider.sts.role.session.name", Text, Low, Some(""), "The name of the session of the role"),
    ("s3.credentials.provider.sts.role.external.id", Text, Low, Some(""), "The external id of the role"),
    ("s3.credentials.provider.sts.region", Text, Low, Some(""), "The region of the token service"),
    ("s3.ssea.name", Text, Low, Some(""), "Encryption on the server: AES256, aws:kms or nothing"),
    ("s3.sse.kms.key.id", Text, Low, Some(""), "The KMS key, with `aws:kms`"),
    ("s3.sse.customer.key", Password, Low, Some(""), "A key of one's own, 32 bytes in base64, with `AES256`"),
    ("s3.acl.canned", Text, Low, Some(""), "The canned ACL of objects"),
    ("s3.storage.class", Text, Low, Some("STANDARD"), "The storage class of objects; ours"),
    (
        "s3.object.tagging",
        Boolean,
        Low,
        Some("false"),
        "Whether to tag objects with startOffset, endOffset and recordCount",
    ),
    ("s3.object.tagging.key.value.pairs", List, Low, Some(""), "More tags, as `name:value`"),
    (
        "s3.object.behavior.on.tagging.error",
        Text,
        Low,
        Some("ignore"),
        "Whether a tag that cannot be set fails the task",
    ),
    ("s3.proxy.url", Text, Low, Some(""), "An HTTP proxy, `http://host:port`"),
    ("s3.proxy.user", Text, Low, Some(""), "The user of the proxy"),
    ("s3.proxy.password", Password, Low, Some(""), "The password of the proxy"),
    ("format.class", Class, High, None, "What is inside of objects"),
    ("storage.class", Class, High, Some(S3_STORAGE), "The store; only S3Storage"),
    ("s3.compression.type", Text, Low, Some("none"), "Compression of JSON and bytes: none or gzip"),
    ("s3.compression.level", Int, Low, Some("-1"), "Level of gzip, -1 for the usual one"),
    ("json.decimal.format", Text, Low, Some("BASE64"), "Decimals in JSON: BASE64 or NUMERIC"),
    ("format.bytearray.extension", Text, Low, Some(".bin"), "The extension of objects of bytes"),
    ("format.bytearray.separator", Text, Low, Some(""), "What follows each record of bytes; a line end by default"),
    ("avro.codec", Text, Low, Some("null"), "Compression of Avro"),
    ("parquet.codec", Text, Low, Some("snappy"), "Compression of Parquet"),
    ("store.kafka.keys", Boolean, Low, Some("false"), "Whether keys go to objects beside those of the values"),
    ("store.kafka.headers", Boolean, Low, Some("false"), "Whether headers go to objects beside those of the values"),
    ("keys.format.class", Class, Low, Some("io.confluent.connect.s3.format.avro.AvroFormat"), "The format of keys"),
    (
        "headers.format.class",
        Class,
        Low,
        Some("io.confluent.connect.s3.format.avro.AvroFormat"),
        "The format of headers",
    ),
    ("topics.dir", Text, High, Some("topics"), "The first segment of names; blank for none"),
    ("directory.delim", Text, Medium, Some("/"), "Between the segments of names"),
    ("file.delim", Text, Medium, Some("+"), "Between topic, partition and offset"),
    ("filename.offset.zero.pad.width", Int, Low, Some("10"), "Digits of the offset in names"),
    ("flush.size", Int, High, None, "Records after which the objects of a topic partition are complete"),
    (
        "rotate.interval.ms",
        Long,
        High,
        Some("-1"),
        "Time of the records after which they are complete, with a time-based partitioner",
    ),
    (
        "rotate.schedule.interval.ms",
        Long,
        Medium,
        Some("-1"),
        "Time of the clock after which they are complete, from midnight in `timezone`",
    ),
    (
        "rotate.file.on.partition.change",
        Boolean,
        Low,
        Some("true"),
        "With `rotate.interval.ms`: whether a record of another folder completes them",
    ),
    ("sluice.rotate.size.bytes", Long, Low, Some("-1"), "Bytes before compression after which they are complete; ours"),
    ("sluice.rotate.idle.ms", Long, Low, Some("-1"), "Time without records after which they are complete; ours"),
    ("partitioner.max.open.files", Int, Low, Some("-1"), "Open objects of a topic partition at most"),
    ("max.write.duration.ms", Long, Low, Some("9223372036854775807"), "Accepted; objects are sent beside the reading"),
    (
        "partitioner.class",
        Class,
        High,
        Some("io.confluent.connect.storage.partitioner.DefaultPartitioner"),
        "Which folder a record belongs to",
    ),
    ("partition.field.name", List, Medium, Some(""), "The fields of FieldPartitioner"),
    ("partition.duration.ms", Long, Medium, Some("-1"), "The time of a folder of TimeBasedPartitioner"),
    ("path.format", Text, Medium, Some(""), "The pattern of a folder of TimeBasedPartitioner, as Joda-Time has it"),
    ("locale", Text, Medium, Some(""), "The language of names in folders; English"),
    ("timezone", Text, Medium, Some(""), "The time zone of folders and of the schedule"),
    ("timestamp.extractor", Text, Medium, Some("Wallclock"), "The time of a record: Wallclock, Record or RecordField"),
    ("timestamp.field", Text, Medium, Some("timestamp"), "The field of RecordField"),
    (
        "s3.schema.partition.affix.type",
        Text,
        Low,
        Some("NONE"),
        "Whether the name of the schema is a segment: NONE, PREFIX or SUFFIX",
    ),
    ("schema.compatibility", Text, High, Some("NONE"), "Which changes of the schema complete objects"),
    (
        "behavior.on.null.values",
        Text,
        Low,
        Some("fail"),
        "What becomes of records without value: fail, ignore or write",
    ),
    ("report.null.values.to.dlq", Boolean, Low, Some("true"), "Whether ignored ones go to the dead letter queue"),
    ("tombstone.encoded.partition", Text, Low, Some("tombstone"), "The folder of the keys of written ones"),
    ("enable.conditional.writes", Boolean, Low, Some("true"), "Accepted; see the README about the schedule"),
    ("max.files.scan.limit", Int, Low, Some("100"), "Accepted; see `enable.conditional.writes`"),
    ("schemas.cache.config", Int, Low, Some("1000"), "Accepted; schemas are kept as long as an object is open"),
    (
        "enhanced.avro.schema.support",
        Boolean,
        Low,
        Some("true"),
        "Whether names of enums and packages are kept in Avro",
    ),
    (
        "connect.meta.data",
        Boolean,
        Low,
        Some("true"),
        "Whether names, versions and parameters of Connect schemas are kept in Avro",
    ),
    ("allow.optional.map.keys", Boolean, Low, Some("false"), "Whether Avro maps may have optional keys"),
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
pub(crate) fn definition() -> ConfigDef {
    define(ROWS, validator)
}

pub(crate) fn validator(name: &str) -> Option<Validator> {
    Some(match name {
        "s3.bucket.name" => Validator::non_empty_string(),
        "flush.size" | "sluice.upload.requests" => Validator::at_least(1),
        "s3.part.size" => Validator::between(5 * 1024 * 1024, i64::from(i32::MAX)),
        "s3.part.retries" | "s3.retry.backoff.ms" | "filename.offset.zero.pad.width" | "sluice.spill.max.bytes" => {
            Validator::at_least(0)
        }
        "s3.compression.type" => Validator::one_of(&["none", "gzip"]),
        "s3.compression.level" => Validator::between(-1, 9),
        "json.decimal.format" => Validator::one_of_ignoring_case(&["BASE64", "NUMERIC"]),
        "behavior.on.null.values" => Validator::one_of_ignoring_case(&["fail", "ignore", "write"]),
        "s3.object.behavior.on.tagging.error" => Validator::one_of_ignoring_case(&["fail", "ignore"]),
        "s3.schema.partition.affix.type" => Validator::one_of_ignoring_case(&["NONE", "PREFIX", "SUFFIX"]),
        "schema.compatibility" => Validator::one_of_ignoring_case(&["NONE", "BACKWARD", "FORWARD", "FULL"]),
        "s3.ssea.name" => optional("one of AES256, aws:kms, aws:kms:dsse", |text| {
            matches!(text, "AES256" | "aws:kms" | "aws:kms:dsse")
        }),
        "s3.acl.canned" => {
            optional("the name of a canned ACL, for example bucket-owner-full-control", |text| ACLS.contains(&text))
        }
        "timezone" => optional("a time zone as UTC or Europe/Berlin", |text| TimeZone::get(text).is_ok()),
        "s3.object.tagging.key.value.pairs" => pairs(),
        _ => return None,
    })
}

/// No value, an empty one, or one that `right` accepts.
fn optional(expected: &'static str, right: fn(&str) -> bool) -> Validator {
    Validator::new(expected, move |name, value| match value {
        ParsedValue::String(text) if !text.is_empty() && !right(text) => {
            Err(format!("Invalid value {text} for configuration {name}: expected {expected}"))
        }
        _ => Ok(()),
    })
}

fn pairs() -> Validator {
    Validator::new("name:value,…", |name, value| match value {
        ParsedValue::List(items) => match items.iter().find(|item| !item.contains(':')) {
            Some(item) => Err(format!("Invalid value {item} for configuration {name}: expected name:value")),
            None => Ok(()),
        },
        _ => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_table_of_keys() {
        crate::keys::in_readme(&definition());
    }
}
