//! The keys of the outbox `EventRouter`.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Width};
use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Properties, Result};

use super::super::names::NameAdjustment;
use super::super::settings::{Settings, key, text_default};
use super::super::splitting::{split, trim};
use super::json_payload::JsonPayload;

const ADDITIONAL: &str = "table.fields.additional.placement";
const REGEX: &str = "(?<routedByValue>.*)";
const REPLACEMENT: &str = "outbox.event.${routedByValue}";

/// What becomes of a changed row, which an outbox should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InvalidOperation {
    Warn,
    Error,
    Fatal,
}

/// Where an additional column goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    Header,
    Envelope,
    Partition,
}

/// A column that goes on besides the payload.
pub(super) struct AdditionalField {
    pub(super) field: String,
    pub(super) placement: Placement,
    pub(super) alias: String,
}

/// What was configured.
pub(super) struct Config {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) payload: String,
    pub(super) timestamp: Option<String>,
    pub(super) schema_version: Option<String>,
    pub(super) route_by: String,
    pub(super) topic_regex: JavaRegex,
    pub(super) topic_replacement: String,
    pub(super) tombstone_on_empty_payload: bool,
    pub(super) invalid_operation: InvalidOperation,
    pub(super) additional: Vec<AdditionalField>,
    pub(super) missing_additional_is_ignored: bool,
    pub(super) expand_json: Option<JsonPayload>,
}

impl Config {
    pub(super) fn of(properties: &Properties) -> Result<Self> {
        let mut settings = Settings::new(properties);
        let regex = trim(settings.text("route.topic.regex", REGEX));
        let topic_regex = settings.regex("route.topic.regex", regex);
        let additional = additional(&mut settings);
        let expands = settings.flag("table.expand.json.payload", false);
        let null_as_bytes =
            settings.choice("table.json.payload.null.behavior", &[("ignore", false), ("optional_bytes", true)]);
        let field_names = match expands {
            true => settings.choice("field.name.adjustment.mode", &NameAdjustment::CHOICES),
            false => NameAdjustment::None,
        };
        let operations =
            [("warn", InvalidOperation::Warn), ("error", InvalidOperation::Error), ("fatal", InvalidOperation::Fatal)];
        let owned = |key, default| settings.text(key, default).to_owned();
        let mut config = Self {
            id: owned("table.field.event.id", "id"),
            key: owned("table.field.event.key", "aggregateid"),
            payload: owned("table.field.event.payload", "payload"),
            timestamp: settings.opt_text("table.field.event.timestamp").map(str::to_owned),
            schema_version: settings.opt_text("table.field.event.schema.version").map(str::to_owned),
            route_by: owned("route.by.field", "aggregatetype"),
            topic_regex: topic_regex.ok_or_else(|| error_of(&settings))?,
            topic_replacement: trim(settings.text("route.topic.replacement", REPLACEMENT)).to_owned(),
            tombstone_on_empty_payload: false,
            invalid_operation: InvalidOperation::Warn,
            additional,
            missing_additional_is_ignored: false,
            expand_json: expands.then_some(JsonPayload { null_as_bytes, field_names }),
        };
        config.tombstone_on_empty_payload = settings.flag("route.tombstone.on.empty.payload", false);
        config.invalid_operation = settings.choice("table.op.invalid.behavior", &operations);
        config.missing_additional_is_ignored =
            settings.choice("table.field.additional.missing", &[("error", false), ("ignore", true)]);
        settings.config_error().map_or(Ok(config), Err)
    }
}

fn error_of(settings: &Settings<'_>) -> ConnectError {
    settings.config_error().unwrap_or_else(|| ConnectError::config("route.topic.regex cannot be used"))
}

/// `field:placement` or `field:placement:alias`, comma separated.
fn additional(settings: &mut Settings<'_>) -> Vec<AdditionalField> {
    let Some(list) = settings.opt_text(ADDITIONAL) else { return Vec::new() };
    let fields: Option<Vec<_>> = split(list, ',').into_iter().map(additional_field).collect();
    fields.unwrap_or_else(|| {
        let expected = "A comma-separated list of pairs or trios field:placement:alias is expected, with the placements header, \
                        envelope and partition";
        settings.problem(ADDITIONAL, expected);
        Vec::new()
    })
}

fn additional_field(entry: &str) -> Option<AdditionalField> {
    let parts: Vec<&str> = split(entry, ':').into_iter().map(trim).collect();
    let (field, placement, alias) = match parts[..] {
        [field, placement] => (field, placement, field),
        [field, placement, alias] => (field, placement, alias),
        _ => return None,
    };
    let placements =
        [("header", Placement::Header), ("envelope", Placement::Envelope), ("partition", Placement::Partition)];
    let (_, placement) = placements.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(placement))?;
    Some(AdditionalField { field: field.to_owned(), placement, alias: alias.to_owned() })
}

pub(super) fn definition() -> ConfigDef {
    let mut definition = ConfigDef::new();
    for (group, keys) in [("Table", table_keys()), ("Router", router_keys()), ("Tracing", tracing_keys())] {
        for (order, mut key) in (1..).zip(keys) {
            key.group = Some(group.to_owned());
            key.order_in_group = order;
            definition.insert(key);
        }
    }
    definition
}

fn text(name: &'static str, importance: Importance, display: &str, doc: &str) -> ConfigKey {
    key(name, ConfigType::String, importance, Width::Medium, display, doc)
}

fn flag(name: &'static str, importance: Importance, display: &str, doc: &str) -> ConfigKey {
    key(name, ConfigType::Boolean, importance, Width::Medium, display, doc).default(ParsedValue::Boolean(false))
}

fn table_keys() -> Vec<ConfigKey> {
    use Importance::{High, Low, Medium};
    let placement =
        "Columns that go on besides the payload: `field:header`, `field:envelope:alias`, `field:partition`, …";
    vec![
        text("table.field.event.id", Low, "Event ID Field", "The column of the event's id.").default(text_default("id")),
        text("table.field.event.key", Low, "Event Key Field", "The column that becomes the key.")
            .default(text_default("aggregateid")),
        text("table.field.event.type", Low, "Event Type Field", "The column of the event's type.")
            .default(text_default("type")),
        text("table.field.event.payload", Low, "Event Payload Field", "The column that becomes the value.")
            .default(text_default("payload")),
        text(
            "table.field.event.timestamp",
            Medium,
            "Event Timestamp Field",
            "The column that becomes the timestamp; without, the time at which the connector saw the event.",
        ),
        key(
            ADDITIONAL,
            ConfigType::List,
            High,
            Width::Medium,
            "Settings for each additional column in the outbox table",
            placement,
        ),
        text(
            "table.field.additional.missing",
            Medium,
            "Behavior when an additional field is missing in the change data",
            "What becomes of events without such a column: error, or ignore.",
        )
        .default(text_default("error")),
        text(
            "table.field.event.schema.version",
            Low,
            "Event Schema Version Field",
            "The column of the version of the event's schema.",
        ),
        text(
            "table.op.invalid.behavior",
            Medium,
            "Behavior when capturing an unexpected outbox event",
            "What becomes of changed rows: they are left out with a warning (warn) or an error in the log (error), or fail (fatal).",
        )
        .default(text_default("warn")),
        flag(
            "table.expand.json.payload",
            Medium,
            "Expand Payload escaped string as real JSON",
            "Whether a payload that is JSON text becomes a struct.",
        ),
        text(
            "table.json.payload.null.behavior",
            Medium,
            "Behavior when json payload including null value",
            "What becomes of null in such JSON: ignore, or optional_bytes.",
        )
        .default(text_default("ignore")),
    ]
}

fn router_keys() -> Vec<ConfigKey> {
    use Importance::{High, Low};
    vec![
        text("route.by.field", High, "Field to route events by", "The column that the topic is made of.")
            .default(text_default("aggregatetype")),
        text(
            "route.topic.regex",
            Low,
            "The name of the routed topic",
            "A regular expression for the whole of that column.",
        )
        .default(text_default(REGEX)),
        text(
            "route.topic.replacement",
            High,
            "The name of the routed topic",
            "The topic, with groups of the expression.",
        )
        .default(text_default(REPLACEMENT)),
        flag(
            "route.tombstone.on.empty.payload",
            High,
            "Empty payloads cause a tombstone message",
            "Whether an event without payload becomes a tombstone.",
        ),
    ]
}

/// Tracing needs OpenTelemetry on Java's class path; the keys are taken and do nothing.
fn tracing_keys() -> Vec<ConfigKey> {
    use Importance::High;
    vec![
        text("tracing.span.context.field", High, "Serialized tracing span context field", "Not used.")
            .default(text_default("tracingspancontext")),
        text("tracing.operation.name", High, "Tracing operation name", "Not used.")
            .default(text_default("debezium-read")),
        flag("tracing.with.context.field.only", High, "Trace only events with context field present", "Not used."),
    ]
}
