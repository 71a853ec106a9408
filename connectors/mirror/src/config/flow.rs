//! What all three connectors have in common: one flow, from a source cluster to a target cluster.

use std::time::Duration;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Validator};
use sluice_api::{Properties, Result};

use super::{ClientProperties, class, flag, long, millis};
use crate::policy::{DEFAULT_CLASS, INTERNAL_SEPARATOR, ReplicationPolicy, SEPARATOR};

pub(super) const SOURCE_ALIAS: &str = "source.cluster.alias";
pub(super) const TARGET_ALIAS: &str = "target.cluster.alias";

/// The keys of every flow.
pub(super) fn definition() -> ConfigDef {
    let alias = |name: &str, which: &str| {
        let documentation = format!("The name that this flow gives to its {which} cluster.");
        ConfigKey::new(name, ConfigType::String, Importance::High, &documentation)
    };
    let reporters = vec!["org.apache.kafka.common.metrics.JmxReporter".to_owned()];
    ConfigDef::new()
        .define(flag("enabled", true, "Whether the flow from the source to the target runs."))
        .define(alias(SOURCE_ALIAS, "source").validator(Validator::non_empty_string()))
        .define(alias(TARGET_ALIAS, "target").default(ParsedValue::String("target".to_owned())))
        .define(long("admin.timeout.ms", 60_000, "How long administrative work, such as creating topics, may take."))
        .define(class("replication.policy.class", DEFAULT_CLASS, "Says how topics are called on the target."))
        .define(
            ConfigKey::new(
                SEPARATOR,
                ConfigType::String,
                Importance::Low,
                "Stands between a cluster's alias and a topic.",
            )
            .default(ParsedValue::String(".".to_owned())),
        )
        .define(flag(INTERNAL_SEPARATOR, true, "Whether internal topics are called with the separator, too."))
        .define(class(
            "forwarding.admin.class",
            "org.apache.kafka.clients.admin.ForwardingAdmin",
            "The admin client; only Kafka's own is known.",
        ))
        .define(
            ConfigKey::new(
                "metric.reporters",
                ConfigType::List,
                Importance::Low,
                "Metrics are exported by the worker.",
            )
            .default(ParsedValue::List(reporters)),
        )
        .define(
            ConfigKey::new(
                "security.protocol",
                ConfigType::String,
                Importance::Medium,
                "How brokers are talked to, unless a cluster says otherwise.",
            )
            .default(ParsedValue::String("PLAINTEXT".to_owned()))
            .validator(Validator::one_of_ignoring_case(&[
                "SASL_SSL",
                "PLAINTEXT",
                "SSL",
                "SASL_PLAINTEXT",
            ])),
        )
}

/// A flow.
#[derive(Clone, Debug)]
pub(crate) struct FlowConfig {
    /// The connector's name.
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) admin_timeout: Duration,
    pub(crate) policy: ReplicationPolicy,
    /// How clients reach the clusters.
    pub(crate) clients: ClientProperties,
}

impl FlowConfig {
    pub(crate) fn parse(properties: &Properties) -> Result<Self> {
        let parsed = definition().parse(properties)?;
        let text = |key: &str| parsed.opt_string(key).unwrap_or_default().to_owned();
        let name = properties.get("name").cloned().unwrap_or_default();
        let (source, target) = (text(SOURCE_ALIAS), text(TARGET_ALIAS));
        Ok(Self {
            enabled: parsed.boolean("enabled"),
            admin_timeout: millis(&parsed, "admin.timeout.ms"),
            policy: ReplicationPolicy::of(properties),
            clients: ClientProperties::new(properties, format!("{source}->{target}|{name}")),
            name,
            source,
            target,
        })
    }

    /// The topic with offset syncs: at the source it is named after the target, and the other way round.
    pub(crate) fn offset_syncs_topic(&self, location: super::Side) -> String {
        self.policy.offset_syncs_topic(match location {
            super::Side::Source => &self.target,
            super::Side::Target => &self.source,
        })
    }

    /// The topic with offset ranges, beside that of the offset syncs.
    pub(crate) fn offset_ranges_topic(&self, location: super::Side) -> String {
        self.policy.offset_ranges_topic(match location {
            super::Side::Source => &self.target,
            super::Side::Target => &self.source,
        })
    }

    /// The topic with checkpoints, on the target.
    pub(crate) fn checkpoints_topic(&self) -> String {
        self.policy.checkpoints_topic(&self.source)
    }
}
