//! Keys that every connector has (connect-worker.md 4.4), with those of sinks (4.5) and sources (4.6), in Kafka's order.

use sluice_api::ConnectorKind;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Validator, Width};

use super::enrichment::Enrichment;
use crate::config::key::{boolean, choice, int, list, long, optional, required, short, string};

const COMMON: &str = "Common";
const ERRORS: &str = "Error Handling";
const EXACTLY_ONCE: &str = "Exactly Once Support";

/// The framework's keys of a connector. `enrichment` has what depends on the plugins and the worker.
pub(in crate::config) fn framework_config_def(kind: ConnectorKind, enrichment: &Enrichment) -> ConfigDef {
    let def = common(enrichment).extend(&aliases()).extend(&errors());
    match kind {
        ConnectorKind::Sink => def.extend(&sink()),
        ConnectorKind::Source => def.extend(&source()),
    }
}

/// The framework's keys that sinks and sources share.
pub(in crate::config) fn shared_config_def(enrichment: &Enrichment) -> ConfigDef {
    common(enrichment).extend(&aliases()).extend(&errors())
}

fn common(enrichment: &Enrichment) -> ConfigDef {
    use ConfigType::String;
    use Importance::{High, Low, Medium};
    ConfigDef::new()
        .define(
            required("name", String, High, "Name of the connector; the only one of its kind in the cluster.")
                .validator(Validator::non_empty_string_without_control_chars())
                .group(COMMON, 1, Width::Medium, "Connector name"),
        )
        .define(
            required(
                "connector.class",
                String,
                High,
                "Class of the connector, or its simple name with or without Connector.",
            )
            .group(COMMON, 2, Width::Long, "Connector class"),
        )
        .define(
            enrichment
                .connector_version(optional("connector.plugin.version", String, Medium, "Version of the class."))
                .group(COMMON, 3, Width::Medium, "Connector version"),
        )
        .define(int("tasks.max", 1, High, "Largest number of tasks.").validator(Validator::at_least(1)).group(
            COMMON,
            4,
            Width::Short,
            "Tasks max",
        ))
        .define(
            boolean("tasks.max.enforce", true, Low, "Whether a connector that makes more tasks than that fails.")
                .group(COMMON, 5, Width::Short, "Enforce tasks max"),
        )
        .define(enrichment.key.class(converter("key.converter", "Converter of record keys.", 6, "Key converter class")))
        .define(enrichment.key.version(version("key", 7, "Key converter version")))
        .define(enrichment.value.class(converter(
            "value.converter",
            "Converter of record values.",
            8,
            "Value converter class",
        )))
        .define(enrichment.value.version(version("value", 9, "Value converter version")))
        .define(enrichment.header.class(converter(
            "header.converter",
            "Converter of headers.",
            10,
            "Header converter class",
        )))
        .define(enrichment.header.version(version("header", 11, "Header converter version")))
}

fn converter(name: &str, doc: &str, order: i32, display: &str) -> ConfigKey {
    optional(name, ConfigType::Class, Importance::Low, doc).group(COMMON, order, Width::Short, display)
}

fn version(used_for: &str, order: i32, display: &str) -> ConfigKey {
    let name = format!("{used_for}.converter.plugin.version");
    optional(&name, ConfigType::String, Importance::Low, "Version of that converter.").group(
        COMMON,
        order,
        Width::Short,
        display,
    )
}

fn aliases() -> ConfigDef {
    let aliases = |name: &str, kind: &str, order: i32, display: &str, doc: &str| {
        let unique = Validator::unique_aliases(&format!("unique {kind} aliases"));
        list(name, &[], Importance::Low, doc).validator(Validator::all(vec![Validator::non_null(), unique])).group(
            display,
            order,
            Width::Long,
            display,
        )
    };
    ConfigDef::new()
        .define(aliases(
            "transforms",
            "transformation",
            12,
            "Transforms",
            "Names of the transformations, in their order.",
        ))
        .define(aliases(
            "predicates",
            "predicate",
            13,
            "Predicates",
            "Names of the predicates that transformations refer to.",
        ))
        .define(
            choice(
                "config.action.reload",
                &["none", "restart"],
                "restart",
                Importance::Low,
                "What to do when a config provider says that a value has expired.",
            )
            .group(COMMON, 14, Width::Medium, "Reload Action"),
        )
}

fn errors() -> ConfigDef {
    let medium = Importance::Medium;
    ConfigDef::new()
        .define(
            long(
                "errors.retry.timeout",
                0,
                medium,
                "How long a failed operation is tried again, in ms; -1 is for ever.",
            )
            .group(ERRORS, 1, Width::Medium, "Retry Timeout for Errors"),
        )
        .define(long("errors.retry.delay.max.ms", 60_000, medium, "Longest pause between attempts.").group(
            ERRORS,
            2,
            Width::Medium,
            "Maximum Delay Between Retries for Errors",
        ))
        .define(
            choice(
                "errors.tolerance",
                &["none", "all"],
                "none",
                medium,
                "none: a bad record fails the task. all: bad records are passed over.",
            )
            .group(ERRORS, 3, Width::Short, "Error Tolerance"),
        )
        .define(boolean("errors.log.enable", false, medium, "Whether tolerated errors are logged too.").group(
            ERRORS,
            4,
            Width::Short,
            "Log Errors",
        ))
        .define(
            boolean("errors.log.include.messages", false, medium, "Whether the log says where the record came from.")
                .group(ERRORS, 5, Width::Short, "Log Error Details"),
        )
}

fn sink() -> ConfigDef {
    use Importance::{High, Medium};
    ConfigDef::new()
        .define(
            list("topics", &[], High, "Topics to read, separated by commas.")
                .validator(Validator::list_without_duplicates(true, false))
                .group(COMMON, 4, Width::Long, "Topics"),
        )
        .define(
            string("topics.regex", "", High, "Regular expression of the topics to read; instead of topics.")
                .validator(Validator::regex())
                .group(COMMON, 4, Width::Long, "Topics regex"),
        )
        .define(
            string("errors.deadletterqueue.topic.name", "", Medium, "Topic that bad records go to; empty for none.")
                .group(ERRORS, 6, Width::Medium, "Dead Letter Queue Topic Name"),
        )
        .define(
            short(
                "errors.deadletterqueue.topic.replication.factor",
                3,
                Medium,
                "Replicas of that topic when it is created.",
            )
            .group(ERRORS, 7, Width::Medium, "Dead Letter Queue Topic Replication Factor"),
        )
        .define(
            boolean(
                "errors.deadletterqueue.context.headers.enable",
                false,
                Medium,
                "Whether headers say what was wrong with a record there.",
            )
            .group(ERRORS, 8, Width::Medium, "Enable Error Context Headers"),
        )
}

fn source() -> ConfigDef {
    use Importance::{Low, Medium};
    let groups = Validator::all(vec![Validator::non_null(), Validator::unique_aliases("unique topic creation groups")]);
    ConfigDef::new()
        .define(
            list("topic.creation.groups", &[], Low, "Names of groups of topics that are created alike.")
                .validator(groups)
                .group("Topic Creation", 1, Width::Long, "Topic Creation Groups"),
        )
        .define(
            string(
                "exactly.once.support",
                "requested",
                Medium,
                "required: fail unless the connector promises exactly-once. requested: do what can be done.",
            )
            .validator(Validator::one_of_ignoring_case(&["REQUIRED", "REQUESTED"]))
            .group(EXACTLY_ONCE, 2, Width::Short, "Exactly once support"),
        )
        .define(
            string("transaction.boundary", "poll", Medium, "Where transactions end: poll, interval or connector.")
                .validator(Validator::one_of_ignoring_case(&["INTERVAL", "POLL", "CONNECTOR"]))
                .group(EXACTLY_ONCE, 3, Width::Short, "Transaction Boundary"),
        )
        .define(
            optional("transaction.boundary.interval.ms", ConfigType::Long, Low, "Time between commits with interval.")
                .default(ParsedValue::Null)
                .validator(Validator::optional_at_least(0))
                .group(EXACTLY_ONCE, 4, Width::Short, "Transaction boundary interval"),
        )
        .define(
            optional("offsets.storage.topic", ConfigType::String, Low, "Offsets topic of this connector alone.")
                .validator(Validator::non_empty_string())
                .group("offsets.topic", 1, Width::Long, "Offsets topic"),
        )
}
