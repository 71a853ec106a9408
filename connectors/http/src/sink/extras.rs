//! The keys of ours, which both classes have: everything that neither peer offers.

use std::time::Duration;

use reqwest::header::HeaderName;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator, Width};

use super::bulk::BulkSettings;
use super::template::Template;
use crate::problems::Problems;

const GROUP: &str = "Sluice";
const BODY_TEMPLATE: &str = "sluice.body.template";
const RATE: &str = "sluice.rate.limit.per.second";
const IDEMPOTENCY_HEADER: &str = "sluice.idempotency.key.header";
const MAX_RETRY_AFTER: &str = "sluice.retry.after.max.ms";
const BATCH_MAX_BYTES: &str = "sluice.batch.max.bytes";
const BATCH_SPLIT: &str = "sluice.batch.split";
const PRESET: &str = "sluice.preset";
const BULK_INDEX: &str = "sluice.bulk.index";
const BULK_ID: &str = "sluice.bulk.id";

/// Parsed keys of ours.
pub(super) struct Extras {
    pub(super) body_template: Option<Template>,
    pub(super) rate: f64,
    pub(super) idempotency_header: Option<HeaderName>,
    pub(super) max_retry_after: Duration,
    pub(super) batch_max_bytes: usize,
    pub(super) batch_split: bool,
    pub(super) bulk: Option<BulkSettings>,
}

/// Adds the keys to those of a class.
pub(super) fn define(def: ConfigDef) -> ConfigDef {
    let key = |name, config_type, order, text| {
        ConfigKey::new(name, config_type, Importance::Low, text).group(GROUP, order, Width::Medium, name)
    };
    def.define(
        key(
            BODY_TEMPLATE,
            ConfigType::String,
            1,
            "the body of a record as a text with places such as ${value.id}, instead of its value",
        )
        .optional(),
    )
    .define(
        key(RATE, ConfigType::Double, 2, "requests per second of a task at most; 0 for no limit")
            .default(ParsedValue::Double(0.0)),
    )
    .define(
        key(
            IDEMPOTENCY_HEADER,
            ConfigType::String,
            3,
            "the header that carries a text which is the same when the same records are sent again",
        )
        .optional(),
    )
    .define(
        key(MAX_RETRY_AFTER, ConfigType::Long, 4, "how much of a server's Retry-After is obeyed, in milliseconds")
            .default(ParsedValue::Long(300_000))
            .validator(Validator::between(0, 86_400_000)),
    )
    .define(
        key(BATCH_MAX_BYTES, ConfigType::Int, 5, "bytes of a batch at most; a record that is larger goes alone")
            .default(ParsedValue::Int(5_000_000))
            .validator(Validator::at_least(1)),
    )
    .define(
        key(
            BATCH_SPLIT,
            ConfigType::Boolean,
            6,
            "whether a batch that is answered with 400, 413 or 422 is halved until the records at fault are alone",
        )
        .default(ParsedValue::Boolean(true)),
    )
    .define(
        key(
            PRESET,
            ConfigType::String,
            7,
            "`bulk`: the `_bulk` API of Elasticsearch and OpenSearch, with results per record",
        )
        .default(ParsedValue::String("none".into()))
        .validator(Validator::one_of(&["none", "bulk"])),
    )
    .define(
        key(BULK_INDEX, ConfigType::String, 8, "the index of a record, with places; of the preset `bulk`")
            .default(ParsedValue::String("${topic}".into())),
    )
    .define(
        key(
            BULK_ID,
            ConfigType::String,
            9,
            "the document id of a record that has a key, with places; of the preset `bulk`",
        )
        .default(ParsedValue::String("${key}".into())),
    )
}

pub(super) fn parse(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Extras> {
    let body_template = match parsed.opt_string(BODY_TEMPLATE) {
        Some(text) => Some(problems.take(BODY_TEMPLATE, Template::parse(text))?),
        None => None,
    };
    let idempotency_header = match parsed.opt_string(IDEMPOTENCY_HEADER) {
        Some(name) => Some(problems.take(IDEMPOTENCY_HEADER, header_name(name))?),
        None => None,
    };
    let rate = parsed.double(RATE);
    if !rate.is_finite() || rate < 0.0 {
        problems.add(RATE, format!("Invalid value {rate} for configuration {RATE}: expected 0 or more"));
    }
    let bulk = match parsed.string(PRESET) {
        "bulk" => Some(BulkSettings {
            index: problems.take(BULK_INDEX, Template::parse(parsed.string(BULK_INDEX)))?,
            id: problems.take(BULK_ID, Template::parse(parsed.string(BULK_ID)))?,
        }),
        _ => None,
    };
    Some(Extras {
        body_template,
        rate,
        idempotency_header,
        max_retry_after: Duration::from_millis(u64::try_from(parsed.long(MAX_RETRY_AFTER)).unwrap_or(0)),
        batch_max_bytes: usize::try_from(parsed.int(BATCH_MAX_BYTES)).unwrap_or(1),
        batch_split: parsed.boolean(BATCH_SPLIT),
        bulk,
    })
}

/// The name of a header.
pub(super) fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| format!("expected the name of a header, got {name}"))
}

/// The pair in `name:value`.
pub(super) fn header(text: &str) -> Result<(HeaderName, Template), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| format!("expected name:value, got {text}"))?;
    Ok((header_name(name)?, Template::parse(value.trim())?))
}
