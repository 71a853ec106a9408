//! Keys of MirrorSource.

use std::time::Duration;

use sluice_api::config::{
    ConfigDef, ConfigKey, ConfigType, ConfigValue, Importance, ParsedConfig, ParsedValue, Validator,
};
use sluice_api::{ConnectError, Properties, Result};
use sluice_kafka::TopicPartition;
use sluice_kafka::copy::LineageRules;

use super::{
    FlowConfig, Side, class, flag, flow, interval, list, long, millis, refuse, short, syncs_location, with_interval,
};
use crate::filter::Filter;

/// Which partitions a task copies: `topic-partition`, comma separated.
pub(crate) const ASSIGNED_PARTITIONS: &str = "task.assigned.partitions";
/// The number of a task.
pub(crate) const TASK_INDEX: &str = "task.index";

const TOPICS_EXCLUDE: [&str; 3] = [".*[\\-\\.]internal", ".*\\.replica", "__.*"];
const CONFIG_EXCLUDE: [&str; 6] = [
    "follower\\.replication\\.throttled\\.replicas",
    "leader\\.replication\\.throttled\\.replicas",
    "message\\.timestamp\\.difference\\.max\\.ms",
    "message\\.timestamp\\.type",
    "unclean\\.leader\\.election\\.enable",
    "min\\.insync\\.replicas",
];
/// What happens when a source topic was deleted and created again; ours.
const RECREATED: &str = "topic.recreated";
/// What happens when a source log has lost records that were copied; ours.
const TRUNCATED: &str = "topic.truncated";
const EXACTLY_ONCE: &str = "exactly.once.support";

/// `topics` and `topics.exclude`, which two connectors read.
pub(super) fn topic_lists() -> ConfigDef {
    ConfigDef::new().define(list("topics", &[".*"], "Topics to copy: names and patterns.")).define(list(
        "topics.exclude",
        &TOPICS_EXCLUDE,
        "Topics that are not copied, also when `topics` names them.",
    ))
}

/// Reads them.
pub(super) fn topic_filter(parsed: &ParsedConfig) -> Result<Filter> {
    Filter::new(("topics", parsed.list("topics")), ("topics.exclude", parsed.list("topics.exclude")))
}

/// MirrorSource's keys.
pub(crate) fn source_definition() -> ConfigDef {
    let def = flow::definition()
        .extend(&topic_lists())
        .define(list("config.properties.exclude", &CONFIG_EXCLUDE, "Settings of topics that are not copied."))
        .define(class("topic.filter.class", "org.apache.kafka.connect.mirror.DefaultTopicFilter", "Selects topics."))
        .define(class(
            "config.property.filter.class",
            "org.apache.kafka.connect.mirror.DefaultConfigPropertyFilter",
            "Selects settings of topics.",
        ))
        .define(long("consumer.poll.timeout.ms", 1_000, "How long a fetch waits for records."));
    let def = with_interval(def, "refresh.topics", true, 600, "look for new topics and partitions");
    let def = with_interval(def, "sync.topic.configs", true, 600, "copy the settings of topics");
    let def = with_interval(def, "sync.topic.acls", true, 600, "copy the access rules of topics");
    def.define(
        ConfigKey::new("replication.factor", ConfigType::Int, Importance::Low, "Replicas of topics that are created.")
            .default(ParsedValue::Int(2)),
    )
    .define(short("offset-syncs.topic.replication.factor", 3, "Replicas of the offset syncs topic."))
    .define(syncs_location())
    .define(long("offset.lag.max", 100, "An offset sync is due when the last one is so many records behind."))
    .define(flag("emit.offset-syncs.enabled", true, "Whether to write offset syncs."))
    .define(flag("heartbeats.replication.enabled", true, "Whether to copy heartbeats of other flows."))
}

/// Keys that are read but not listed: Kafka's own that no definition has, and ours.
fn unlisted_definition() -> ConfigDef {
    let text = |name: &str, default: &str| {
        ConfigKey::new(name, ConfigType::String, Importance::Low, "").default(ParsedValue::String(default.to_owned()))
    };
    ConfigDef::new()
        .define(text("use.defaults.from", "target"))
        .define(text(RECREATED, "fail").validator(Validator::one_of(&["fail", "continue"])))
        .define(text(TRUNCATED, "fail").validator(Validator::one_of(&["fail", "continue"])))
        .define(list(ASSIGNED_PARTITIONS, &[], ""))
}

/// Judges a configuration, rules over several keys included.
pub(crate) fn validate_source(properties: &Properties) -> Vec<ConfigValue> {
    let mut values = source_definition().validate(properties);
    let get = |key: &str| properties.get(key).map(String::as_str);
    if get("emit.offset-syncs.enabled") == Some("false") {
        let about = |key: &String| key.starts_with("offset-syncs-") || key.starts_with("offset-syncs.topic.");
        if properties.keys().any(about) {
            let message = "MirrorSourceConnector cannot have keys of the offset syncs topic while \
                           emit.offset-syncs.enabled is false";
            object(&mut values, "emit.offset-syncs.enabled", message.to_owned());
        }
    }
    if get(EXACTLY_ONCE).is_some_and(|wanted| wanted.eq_ignore_ascii_case("required")) {
        let message = "exactly-once is not supported yet by the mirror: it copies at least once";
        object(&mut values, EXACTLY_ONCE, message.to_owned());
    }
    for key in [RECREATED, TRUNCATED] {
        if let Some(text) = get(key).filter(|text| !["fail", "continue"].contains(text)) {
            let message =
                format!("Invalid value {text} for configuration {key}: String must be one of: fail, continue");
            object(&mut values, key, message);
        }
    }
    let lists = topic_lists().parse(properties);
    if let Err(error) = lists.and_then(|parsed| topic_filter(&parsed)) {
        object(&mut values, "topics", error.message().to_owned());
    }
    refuse(properties, &mut values, true);
    values
}

/// Adds an error to the value of this key, or the key.
pub(super) fn object(values: &mut Vec<ConfigValue>, key: &str, message: String) {
    match values.iter_mut().find(|value| value.name == key) {
        Some(value) => value.error_messages.push(message),
        None => {
            let mut value = ConfigValue::new(key, None);
            value.error_messages.push(message);
            values.push(value);
        }
    }
}

/// What MirrorSource copies, and how.
#[derive(Clone, Debug)]
pub(crate) struct SourceConfig {
    pub(crate) flow: FlowConfig,
    pub(crate) topics: Filter,
    pub(crate) settings: Filter,
    /// `use.defaults.from=source`: settings that are defaults at the source are set on the target.
    pub(crate) defaults_from_source: bool,
    pub(crate) poll_timeout: Duration,
    pub(crate) refresh_topics: Option<Duration>,
    pub(crate) sync_settings: Option<Duration>,
    pub(crate) sync_acls: Option<Duration>,
    pub(crate) replication_factor: i32,
    /// Where offset syncs go and how many replicas their topic has; `None` when there are to be none.
    pub(crate) syncs: Option<(Side, i16)>,
    pub(crate) lag_max: i64,
    pub(crate) copy_heartbeats: bool,
    /// What is done about a source topic that is another log than the one that was copied.
    pub(crate) lineage_rules: LineageRules,
    /// The partitions of a task; none for the connector.
    pub(crate) assigned: Vec<TopicPartition>,
}

impl SourceConfig {
    pub(crate) fn parse(properties: &Properties) -> Result<Self> {
        let parsed = source_definition().parse(properties)?;
        let unlisted = unlisted_definition().parse(properties)?;
        let location = Side::of_location(parsed.string("offset-syncs.topic.location"));
        let exclude = ("config.properties.exclude", parsed.list("config.properties.exclude"));
        let assigned = unlisted.list(ASSIGNED_PARTITIONS).iter().map(|text| partition(text));
        Ok(Self {
            flow: FlowConfig::parse(properties)?,
            topics: topic_filter(&parsed)?,
            settings: Filter::all_but(exclude)?,
            defaults_from_source: unlisted.string("use.defaults.from") == "source",
            poll_timeout: millis(&parsed, "consumer.poll.timeout.ms"),
            refresh_topics: interval(&parsed, "refresh.topics"),
            sync_settings: interval(&parsed, "sync.topic.configs"),
            sync_acls: interval(&parsed, "sync.topic.acls"),
            replication_factor: parsed.int("replication.factor"),
            syncs: parsed
                .boolean("emit.offset-syncs.enabled")
                .then(|| (location, parsed.short("offset-syncs.topic.replication.factor"))),
            lag_max: parsed.long("offset.lag.max"),
            copy_heartbeats: parsed.boolean("heartbeats.replication.enabled"),
            lineage_rules: LineageRules {
                goes_on_when_recreated: unlisted.string(RECREATED) == "continue",
                goes_on_when_truncated: unlisted.string(TRUNCATED) == "continue",
            },
            assigned: assigned.collect::<Result<_>>()?,
        })
    }
}

/// `topic-partition`, where the topic may have dashes.
fn partition(text: &str) -> Result<TopicPartition> {
    let parts = text.rsplit_once('-').and_then(|(topic, number)| Some((topic, number.parse::<i32>().ok()?)));
    let (topic, number) = parts.ok_or_else(|| {
        ConnectError::config(format!("parsing `{ASSIGNED_PARTITIONS}`: expected topic-partition, got \"{text}\""))
    })?;
    Ok(TopicPartition::new(topic, number))
}
