//! `reporter.*` of Confluent's sink: which topics are told what became of records, and in which form.
//!
//! Nothing is reported unless a key asks for it: Confluent's sink makes two topics for every connector.

use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator, Width};
use sluice_api::connector::ReportTopic;

const GROUP: &str = "Reporter";
const BOOTSTRAP: &str = "reporter.bootstrap.servers";
const PREFIX: &str = "reporter.";

/// Both topics, and how to reach them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportSettings {
    pub(super) results: Option<TopicSettings>,
    pub(super) errors: Option<TopicSettings>,
    /// Whether the value of a failure is the body of the answer instead of a sentence.
    pub(super) answers_as_errors: bool,
    pub(super) producer: Properties,
    pub(super) admin: Properties,
}

/// One topic.
#[derive(Clone, Debug)]
pub(super) struct TopicSettings {
    /// Its name may still have `${connector}` in it.
    pub(super) topic: ReportTopic,
    pub(super) key: ReportFormat,
    pub(super) value: ReportFormat,
}

/// How a key or value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportFormat {
    /// As JSON without a schema.
    Json,
    /// As text.
    Text,
    /// As it is.
    Bytes,
}

impl ReportSettings {
    pub(super) fn is_empty(&self) -> bool {
        self.results.is_none() && self.errors.is_none()
    }

    /// The topics of a connector.
    pub(super) fn topics(&self, connector: &str) -> Vec<ReportTopic> {
        let named = |settings: &TopicSettings| ReportTopic { name: settings.name(connector), ..settings.topic.clone() };
        [&self.results, &self.errors].into_iter().flatten().map(named).collect()
    }
}

impl TopicSettings {
    pub(super) fn name(&self, connector: &str) -> String {
        self.topic.name.replace("${connector}", connector)
    }
}

/// Adds the keys to those of the class.
pub(super) fn define(def: ConfigDef) -> ConfigDef {
    let def = def
        .define(
            ConfigKey::new(
                BOOTSTRAP,
                ConfigType::List,
                Importance::Medium,
                "the cluster of the topics below; with it the worker's settings of clients do not apply",
            )
            .default(ParsedValue::List(Vec::new()))
            .group(GROUP, 1, Width::Long, BOOTSTRAP),
        )
        .define(
            string(
                "report.errors.as",
                "error_string",
                2,
                "whether a failure is told as a sentence or as the answer's body",
            )
            .validator(Validator::one_of_ignoring_case(&["error_string", "http_response"])),
        );
    let def = topic(def, "result", "${connector}-success", "what the server answered", 3);
    topic(def, "error", "${connector}-error", "what was not delivered, and why", 8)
}

fn topic(def: ConfigDef, kind: &str, default: &str, what: &str, order: i32) -> ConfigDef {
    let name = |part: &str| format!("{PREFIX}{kind}.topic.{part}");
    let number = |part: &str, default: i32, order: i32, text: &str| {
        ConfigKey::new(name(part), ConfigType::Int, Importance::Medium, text)
            .default(ParsedValue::Int(default))
            .validator(Validator::at_least(1))
            .group(GROUP, order, Width::Short, &name(part))
    };
    let format = |part: &str, order: i32, text: &str| {
        string(&name(part), "json", order, text)
            .validator(Validator::one_of_ignoring_case(&["json", "string", "bytes"]))
    };
    let text = format!("the topic for {what}; empty for none, and none without any key that begins with `reporter.`");
    def.define(string(&name("name"), default, order, &text))
        .define(number("partitions", 1, order + 1, "how many partitions a new topic gets"))
        .define(number("replication.factor", 3, order + 2, "how many replicas a new topic gets"))
        .define(format("key.format", order + 3, "how keys are written"))
        .define(format("value.format", order + 4, "how values are written"))
}

fn string(name: &str, default: &str, order: i32, text: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::String, Importance::Medium, text)
        .default(ParsedValue::String(default.to_owned()))
        .group(GROUP, order, Width::Medium, name)
}

/// The settings; empty when no key of the configuration asks for reports.
pub(super) fn parse(parsed: &ParsedConfig, properties: &Properties) -> ReportSettings {
    if !properties.iter().any(|(key, value)| key.starts_with(PREFIX) && !value.trim().is_empty()) {
        return ReportSettings::default();
    }
    let of_client = |client: &str| {
        let prefix = format!("{PREFIX}{client}.");
        let own = properties.iter().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?, value)));
        let mut own: Properties = own.map(|(key, value)| (key.to_owned(), value.clone())).collect();
        let servers = parsed.list(BOOTSTRAP).join(",");
        if !servers.is_empty() {
            own.entry("bootstrap.servers".to_owned()).or_insert(servers);
        }
        own
    };
    ReportSettings {
        results: parse_topic(parsed, "result"),
        errors: parse_topic(parsed, "error"),
        answers_as_errors: parsed.string("report.errors.as").eq_ignore_ascii_case("http_response"),
        producer: of_client("producer"),
        admin: of_client("admin"),
    }
}

fn parse_topic(parsed: &ParsedConfig, kind: &str) -> Option<TopicSettings> {
    let name = |part: &str| format!("{PREFIX}{kind}.topic.{part}");
    let format = |part: &str| match parsed.string(&name(part)).to_ascii_lowercase().as_str() {
        "string" => ReportFormat::Text,
        "bytes" => ReportFormat::Bytes,
        _ => ReportFormat::Json,
    };
    let topic = parsed.string(&name("name")).trim();
    (!topic.is_empty()).then(|| TopicSettings {
        topic: ReportTopic {
            name: topic.to_owned(),
            partitions: parsed.int(&name("partitions")),
            replication_factor: parsed.int(&name("replication.factor")),
        },
        key: format("key.format"),
        value: format("value.format"),
    })
}
