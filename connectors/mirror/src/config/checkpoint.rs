//! Keys of MirrorCheckpoint.

use std::time::Duration;

use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::{Properties, Result};

use super::source::{object, topic_filter, topic_lists};
use super::{FlowConfig, Side, class, flow, interval, list, long, refuse, short, syncs_location, with_interval};
use crate::filter::Filter;

/// Which groups a task looks at, comma separated.
pub(crate) const ASSIGNED_GROUPS: &str = "task.assigned.groups";

const GROUPS_EXCLUDE: [&str; 3] = ["console-consumer-.*", "connect-.*", "__.*"];

/// MirrorCheckpoint's keys.
pub(crate) fn checkpoint_definition() -> ConfigDef {
    let def = flow::definition()
        .define(list("groups", &[".*"], "Consumer groups to follow: names and patterns."))
        .define(list("groups.exclude", &GROUPS_EXCLUDE, "Groups that are not followed, also when `groups` names them."))
        .define(class("group.filter.class", "org.apache.kafka.connect.mirror.DefaultGroupFilter", "Selects groups."))
        .define(class("topic.filter.class", "org.apache.kafka.connect.mirror.DefaultTopicFilter", "Selects topics."))
        .define(long("consumer.poll.timeout.ms", 1_000, "How long a fetch waits for records."));
    let def = with_interval(def, "refresh.groups", true, 600, "look for new groups");
    let def = with_interval(def, "emit.checkpoints", true, 60, "write checkpoints");
    with_interval(def, "sync.group.offsets", false, 60, "commit translated offsets on the target")
        .define(short("checkpoints.topic.replication.factor", 3, "Replicas of the checkpoints topic."))
        .define(syncs_location())
}

/// Judges a configuration, rules over several keys included.
pub(crate) fn validate_checkpoint(properties: &Properties) -> Vec<ConfigValue> {
    let mut values = checkpoint_definition().validate(properties);
    let is_false = |key: &str| properties.get(key).is_some_and(|value| value == "false");
    if !is_false("enabled") {
        if is_false("emit.checkpoints.enabled") {
            let message = "MirrorCheckpointConnector can't run with emit.checkpoints.enabled set to false";
            object(&mut values, "emit.checkpoints.enabled", message.to_owned());
        }
        if is_false("emit.offset-syncs.enabled") {
            let message = "MirrorCheckpointConnector can't run without offset syncs";
            object(&mut values, "emit.offset-syncs.enabled", message.to_owned());
        }
    }
    if let Err(error) = CheckpointConfig::filters(properties) {
        object(&mut values, "groups", error.message().to_owned());
    }
    refuse(properties, &mut values, false);
    values
}

/// Which groups MirrorCheckpoint follows, and how.
#[derive(Clone, Debug)]
pub(crate) struct CheckpointConfig {
    pub(crate) flow: FlowConfig,
    pub(crate) groups: Filter,
    pub(crate) topics: Filter,
    pub(crate) refresh_groups: Option<Duration>,
    pub(crate) emit: Option<Duration>,
    pub(crate) sync_group_offsets: Option<Duration>,
    pub(crate) replication_factor: i16,
    pub(crate) syncs_location: Side,
    /// The groups of a task; none for the connector.
    pub(crate) assigned: Vec<String>,
}

impl CheckpointConfig {
    pub(crate) fn parse(properties: &Properties) -> Result<Self> {
        let parsed = checkpoint_definition().parse(properties)?;
        let (groups, topics) = Self::filters(properties)?;
        let assigned = ConfigDef::new().define(list(ASSIGNED_GROUPS, &[], "")).parse(properties)?;
        Ok(Self {
            flow: FlowConfig::parse(properties)?,
            groups,
            topics,
            refresh_groups: interval(&parsed, "refresh.groups"),
            emit: interval(&parsed, "emit.checkpoints"),
            sync_group_offsets: interval(&parsed, "sync.group.offsets"),
            replication_factor: parsed.short("checkpoints.topic.replication.factor"),
            syncs_location: Side::of_location(parsed.string("offset-syncs.topic.location")),
            assigned: assigned.list(ASSIGNED_GROUPS).to_vec(),
        })
    }

    fn filters(properties: &Properties) -> Result<(Filter, Filter)> {
        let parsed = checkpoint_definition().extend(&topic_lists()).parse(properties)?;
        let groups = Filter::new(("groups", parsed.list("groups")), ("groups.exclude", parsed.list("groups.exclude")))?;
        Ok((groups, topic_filter(&parsed)?))
    }
}
