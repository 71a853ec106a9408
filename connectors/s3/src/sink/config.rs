//! The sink's configuration, parsed: nothing behind this sees a property map.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use sluice_api::config::{ConfigValue, ParsedConfig};
use sluice_api::{ConnectError, Properties, Result, SinkRecord};

use super::compatibility::Compatibility;
use super::keys::{FORMATS, PARTITIONERS, S3_STORAGE, definition};
use super::names::{Names, Naming};
use super::rotation::{Rotation, Schedule};
use crate::client::{ObjectOptions, StoreConfig};
use crate::connection::{Problem, customer_key, message, store};
use crate::format::{AvroCodec, Compressor, Format, ParquetCodec};
use crate::partitioner::{Affix, DAY_MS, Extractor, HOUR_MS, Kind, Partitioner, Pattern, TimeFolders};

/// Keys that the mapping of schemas to Avro shares with the converter.
const AVRO_OPTIONS: [&str; 3] = ["enhanced.avro.schema.support", "connect.meta.data", "allow.optional.map.keys"];

/// What a sink task does.
pub(crate) struct SinkConfig {
    pub(crate) store: StoreConfig,
    pub(crate) names: Naming,
    pub(crate) values: Format,
    pub(crate) keys: Option<Format>,
    pub(crate) headers: Option<Format>,
    /// Around formats that are not compressed themselves.
    pub(crate) compressor: Option<Compressor>,
    pub(crate) rotation: Rotation,
    pub(crate) compatibility: Compatibility,
    pub(crate) nulls: NullValues,
    /// Whether a record without value is one like others (Aiven's).
    pub(crate) nulls_are_values: bool,
    /// Whether an object has the last record alone (Aiven's, by key).
    pub(crate) keeps_latest: bool,
    /// Whether another schema of the key completes the objects.
    pub(crate) splits_on_key_schema: bool,
    pub(crate) tombstone_folder: String,
    pub(crate) tagging: Option<Tagging>,
    pub(crate) part_bytes: usize,
    pub(crate) spill_dir: PathBuf,
    pub(crate) spill_limit_bytes: u64,
    /// Requests at a time.
    pub(crate) requests: usize,
}

/// `behavior.on.null.values`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NullValues {
    Fail,
    /// `reports`: to the dead letter queue.
    Ignore {
        reports: bool,
    },
    /// The keys go to objects of their own.
    Write,
}

/// Tags of objects beside those that say what is in them.
#[derive(Clone, Debug)]
pub(crate) struct Tagging {
    pub(crate) pairs: Vec<(String, String)>,
    /// Whether a tag that cannot be set fails the task.
    pub(crate) fails: bool,
}

impl SinkConfig {
    /// Parses `properties`.
    ///
    /// # Errors
    /// `Config` naming every key that is wrong.
    pub(crate) fn parse(properties: &Properties) -> Result<(Self, Partitioner)> {
        let parsed = definition().parse(properties)?;
        let partitioner = partitioner(&parsed);
        match (build(&parsed, properties), partitioner) {
            (Ok(config), Ok(partitioner)) => Ok((config, partitioner)),
            (config, partitioner) => {
                let problems = config.err().into_iter().chain(partitioner.err());
                let messages: Vec<String> = problems.map(|problem| message(&parsed, &problem)).collect();
                Err(ConnectError::config(messages.join("; ")))
            }
        }
    }

    /// What each key is and what is wrong with it.
    pub(crate) fn validate(properties: &Properties) -> Vec<ConfigValue> {
        let mut values = definition().validate(properties);
        let Ok(parsed) = definition().parse(properties) else { return values };
        for problem in build(&parsed, properties).err().into_iter().chain(partitioner(&parsed).err()) {
            if let Some(value) = values.iter_mut().find(|value| value.name == problem.0) {
                value.error_messages.push(message(&parsed, &problem));
            }
        }
        values
    }

    /// What the name of an object of `format` ends with.
    pub(crate) fn extension(&self, format: &Format) -> String {
        let compression = self.compressor_of(format).map_or("", Compressor::extension);
        format!("{}{compression}", format.extension())
    }

    /// The compression around objects of `format`.
    pub(crate) fn compressor_of(&self, format: &Format) -> Option<Compressor> {
        self.compressor.filter(|_| format.takes_compression())
    }

    /// Whether only key and headers of the record are stored.
    pub(crate) fn is_tombstone(&self, record: &SinkRecord) -> bool {
        record.value.is_null() && !self.nulls_are_values
    }
}

fn build(parsed: &ParsedConfig, properties: &Properties) -> Result<SinkConfig, Problem> {
    let text = |key: &str| parsed.opt_string(key).unwrap_or_default().to_owned();
    if parsed.string("storage.class") != S3_STORAGE {
        return Err(("storage.class", format!("expected {S3_STORAGE}")));
    }
    let separator = properties.get("format.bytearray.separator").cloned().unwrap_or_else(|| "\n".into());
    let format = |key| format(parsed, key, &separator);
    let values = format("format.class")?;
    let keys = parsed.boolean("store.kafka.keys").then(|| format("keys.format.class")).transpose()?;
    let headers = parsed.boolean("store.kafka.headers").then(|| format("headers.format.class")).transpose()?;
    match headers {
        Some(Format::Bytes { .. }) => {
            return Err(("headers.format.class", "ByteArrayFormat cannot hold headers: choose JsonFormat".into()));
        }
        Some(Format::Avro { .. } | Format::Parquet { .. }) => {
            return Err(("headers.format.class", "headers in Avro are not supported yet: choose JsonFormat".into()));
        }
        Some(Format::Json { .. } | Format::Fields { .. } | Format::Envelope { .. }) | None => {}
    }
    let level = parsed.int("s3.compression.level");
    let compressor = (parsed.string("s3.compression.type") == "gzip").then_some(Compressor::Gzip { level });
    if compressor.is_some() && !values.takes_compression() {
        return Err(("s3.compression.type", "gzip is for JsonFormat and ByteArrayFormat alone".into()));
    }
    let splits_on_key_schema = keys.is_some();
    Ok(SinkConfig {
        store: store(parsed, objects(parsed)?)?,
        names: Naming::Confluent(Names {
            topics_dir: text("topics.dir"),
            directory_delimiter: text("directory.delim"),
            file_delimiter: text("file.delim"),
            pad_width: usize::try_from(parsed.int("filename.offset.zero.pad.width")).unwrap_or(0),
        }),
        nulls: nulls(parsed, splits_on_key_schema)?,
        values,
        keys,
        headers,
        compressor,
        nulls_are_values: false,
        keeps_latest: false,
        splits_on_key_schema,
        rotation: rotation(parsed)?,
        compatibility: Compatibility::parse(parsed.string("schema.compatibility"))
            .map_err(|problem| ("schema.compatibility", problem))?,
        tombstone_folder: text("tombstone.encoded.partition"),
        tagging: parsed.boolean("s3.object.tagging").then(|| tagging(parsed)),
        part_bytes: usize::try_from(parsed.int("s3.part.size")).unwrap_or(usize::MAX),
        spill_dir: parsed.opt_string("sluice.spill.dir").map_or_else(std::env::temp_dir, PathBuf::from),
        spill_limit_bytes: parsed.long("sluice.spill.max.bytes").unsigned_abs(),
        requests: usize::try_from(parsed.int("sluice.upload.requests")).unwrap_or(1),
    })
}

fn format(parsed: &ParsedConfig, key: &'static str, separator: &str) -> Result<Format, Problem> {
    let class = parsed.string(key);
    let name = class.strip_prefix(FORMATS).unwrap_or(class);
    match name {
        "json.JsonFormat" => {
            let numeric_decimals = parsed.string("json.decimal.format").eq_ignore_ascii_case("NUMERIC");
            Ok(Format::Json { numeric_decimals })
        }
        "bytearray.ByteArrayFormat" => {
            let extension = parsed.string("format.bytearray.extension").to_owned();
            Ok(Format::Bytes { extension, separator: separator.as_bytes().to_vec() })
        }
        "avro.AvroFormat" => Ok(Format::Avro {
            codec: AvroCodec::parse(parsed.string("avro.codec")).map_err(|problem| ("avro.codec", problem))?,
            options: AVRO_OPTIONS.map(|key| (key.to_owned(), parsed.boolean(key).to_string())).into_iter().collect(),
        }),
        "parquet.ParquetFormat" if key == "format.class" => Ok(Format::Parquet {
            codec: ParquetCodec::parse(parsed.string("parquet.codec")).map_err(|problem| ("parquet.codec", problem))?,
            options: AVRO_OPTIONS.map(|key| (key.to_owned(), parsed.boolean(key).to_string())).into_iter().collect(),
        }),
        "parquet.ParquetFormat" => {
            Err((key, "Parquet is for values alone: choose AvroFormat, JsonFormat or ByteArrayFormat".into()))
        }
        _ => Err((key, format!("expected {FORMATS}json.JsonFormat, avro.AvroFormat or bytearray.ByteArrayFormat"))),
    }
}

fn nulls(parsed: &ParsedConfig, stores_keys: bool) -> Result<NullValues, Problem> {
    match parsed.string("behavior.on.null.values").to_lowercase().as_str() {
        "ignore" => Ok(NullValues::Ignore { reports: parsed.boolean("report.null.values.to.dlq") }),
        "write" if !stores_keys => Err((
            "behavior.on.null.values",
            "a record without value is stored by its key: set `store.kafka.keys` to true".into(),
        )),
        "write" => Ok(NullValues::Write),
        _ => Ok(NullValues::Fail),
    }
}

fn tagging(parsed: &ParsedConfig) -> Tagging {
    let pair = |item: &String| item.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    Tagging {
        pairs: parsed.list("s3.object.tagging.key.value.pairs").iter().filter_map(pair).collect(),
        fails: parsed.string("s3.object.behavior.on.tagging.error").eq_ignore_ascii_case("fail"),
    }
}

fn rotation(parsed: &ParsedConfig) -> Result<Rotation, Problem> {
    let positive = |key: &str| Some(parsed.long(key)).filter(|value| *value > 0);
    let schedule = match positive("rotate.schedule.interval.ms") {
        None => None,
        Some(interval_ms) => {
            let missing = "`rotate.schedule.interval.ms` counts from midnight in a time zone: name it".to_owned();
            Some(Schedule { interval_ms, zone: zone(parsed)?.ok_or(("timezone", missing))? })
        }
    };
    Ok(Rotation {
        records: parsed.int("flush.size").unsigned_abs().into(),
        bytes: positive("sluice.rotate.size.bytes").map(i64::unsigned_abs),
        interval_ms: positive("rotate.interval.ms"),
        on_folder_change: parsed.boolean("rotate.file.on.partition.change"),
        schedule,
        idle_ms: positive("sluice.rotate.idle.ms"),
        file_records: None,
        at_commit: false,
        open_files: usize::try_from(parsed.int("partitioner.max.open.files")).ok().filter(|limit| *limit > 0),
    })
}

fn zone(parsed: &ParsedConfig) -> Result<Option<TimeZone>, Problem> {
    let name = parsed.opt_string("timezone").filter(|name| !name.is_empty());
    name.map(TimeZone::get).transpose().map_err(|error| ("timezone", error.to_string()))
}

fn partitioner(parsed: &ParsedConfig) -> Result<Partitioner, Problem> {
    let class = parsed.string("partitioner.class");
    let affix = match parsed.string("s3.schema.partition.affix.type").to_uppercase().as_str() {
        "PREFIX" => Affix::Prefix,
        "SUFFIX" => Affix::Suffix,
        _ => Affix::None,
    };
    let delimiter = parsed.opt_string("directory.delim").unwrap_or_default().to_owned();
    let kind = match class.strip_prefix(PARTITIONERS).unwrap_or(class) {
        "DefaultPartitioner" => Kind::Default,
        "FieldPartitioner" => {
            let names = parsed.list("partition.field.name").to_vec();
            if names.is_empty() {
                return Err(("partition.field.name", "FieldPartitioner needs the names of fields".into()));
            }
            Kind::Fields(names)
        }
        "TimeBasedPartitioner" => {
            let duration_ms = parsed.long("partition.duration.ms");
            if duration_ms <= 0 {
                return Err(("partition.duration.ms", "TimeBasedPartitioner needs a time of more than 0".into()));
            }
            time_based(parsed, duration_ms, parsed.opt_string("path.format").unwrap_or_default(), &delimiter)?
        }
        "DailyPartitioner" => time_based(parsed, DAY_MS, "'year'=YYYY/'month'=MM/'day'=dd", &delimiter)?,
        "HourlyPartitioner" => time_based(parsed, HOUR_MS, "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", &delimiter)?,
        _ => {
            let expected = format!(
                "expected {PARTITIONERS} and DefaultPartitioner, FieldPartitioner, TimeBasedPartitioner, DailyPartitioner or \
                 HourlyPartitioner"
            );
            return Err(("partitioner.class", expected));
        }
    };
    Ok(Partitioner { kind, affix, delimiter })
}

fn time_based(parsed: &ParsedConfig, duration_ms: i64, pattern: &str, delimiter: &str) -> Result<Kind, Problem> {
    // The fixed patterns of the daily and the hourly partitioner take the delimiter that is configured.
    let pattern = if parsed.opt_string("path.format") == Some(pattern) {
        pattern.to_owned()
    } else {
        pattern.replace('/', delimiter)
    };
    let pattern = Pattern::parse(&pattern, delimiter).map_err(|problem| ("path.format", problem))?;
    let locale = parsed.opt_string("locale").filter(|locale| !locale.is_empty());
    let locale = locale.ok_or(("locale", "a time-based partitioner needs a locale, for example en-US".to_owned()))?;
    if pattern.has_names() && !locale.to_lowercase().starts_with("en") {
        let problem = "names of months and days are not supported yet in other languages than English: write numbers in `path.format`";
        return Err(("locale", problem.into()));
    }
    let zone =
        zone(parsed)?.ok_or(("timezone", "a time-based partitioner needs a time zone, for example UTC".to_owned()))?;
    let extractor = match parsed.string("timestamp.extractor").to_lowercase().as_str() {
        "wallclock" => Extractor::Wallclock,
        "record" => Extractor::Record,
        "recordfield" => Extractor::RecordField(parsed.string("timestamp.field").to_owned()),
        _ => return Err(("timestamp.extractor", "expected Wallclock, Record or RecordField".into())),
    };
    Ok(Kind::Time(TimeFolders::new(extractor, duration_ms, pattern, zone)))
}

fn objects(parsed: &ParsedConfig) -> Result<ObjectOptions, Problem> {
    let optional = |key: &str| parsed.opt_string(key).filter(|text| !text.is_empty());
    let customer_key = customer_key(parsed)?;
    let kms_key = optional("s3.sse.kms.key.id").map(str::to_owned);
    if kms_key.is_some() && !optional("s3.ssea.name").is_some_and(|name| name.starts_with("aws:kms")) {
        return Err(("s3.sse.kms.key.id", "a KMS key needs `s3.ssea.name` aws:kms".into()));
    }
    Ok(ObjectOptions {
        acl: optional("s3.acl.canned").map(Into::into),
        storage_class: optional("s3.storage.class").filter(|class| *class != "STANDARD").map(Into::into),
        // With a customer's key the algorithm goes with that key.
        encryption: optional("s3.ssea.name").filter(|_| customer_key.is_none()).map(Into::into),
        kms_key,
        customer_key,
    })
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
