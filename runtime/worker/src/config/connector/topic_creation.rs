//! `topic.creation.*`: how the topics of a source are created (KIP-158).

use sluice_api::config::{ConfigDef, ConfigType, Importance, ParsedConfig, ParsedValue, Validator, invalid};
use sluice_api::java_regex::{Error, JavaRegex};
use sluice_api::{ConnectError, Properties};

use super::aliases::aliases;
use crate::config::key::{int, list, required, short};
use crate::config::worker::with_prefix;

const PREFIX: &str = "topic.creation.";
const OWN: [&str; 4] = ["include", "exclude", "replication.factor", "partitions"];

/// The groups, in the order in which they are tried; the last is the default group, which takes every topic.
#[derive(Clone, Debug)]
pub struct TopicCreationConfig {
    groups: Vec<TopicCreationGroup>,
}

/// Topics that are created alike.
#[derive(Clone, Debug)]
pub struct TopicCreationGroup {
    /// The name.
    pub name: String,
    /// The number of partitions, -1 for the broker's choice.
    pub partitions: i32,
    /// The number of replicas, -1 for the broker's choice.
    pub replication_factor: i16,
    /// Further topic settings.
    pub settings: Properties,
    include: Option<JavaRegex>,
    exclude: Option<JavaRegex>,
}

impl TopicCreationConfig {
    /// The groups of a source, or `None` when it has no `topic.creation.*` at all.
    ///
    /// # Errors
    /// `Config` with everything that is wrong with the default group, or with the first other group that is wrong.
    pub fn parse(properties: &Properties) -> Result<Option<Self>, ConnectError> {
        if !uses_topic_creation(properties) {
            return Ok(None);
        }
        let default = parse_group(properties, "default", &group_def(None))?;
        let named = aliases(properties, "topic.creation.groups").into_iter().filter(|group| group != "default");
        let defaults = (default.replication_factor, default.partitions);
        let mut groups = named
            .map(|group| parse_group(properties, &group, &group_def(Some(defaults))))
            .collect::<Result<Vec<_>, _>>()?;
        groups.push(default);
        Ok(Some(Self { groups }))
    }

    /// The group that `topic` is created by: the first whose `include` matches the whole name and whose `exclude` does not.
    pub fn group_of(&self, topic: &str) -> &TopicCreationGroup {
        self.groups.iter().find(|group| group.takes(topic)).expect("the last group takes every topic")
    }
}

impl TopicCreationGroup {
    fn takes(&self, topic: &str) -> bool {
        let matches = |pattern: &Option<JavaRegex>| pattern.as_ref().is_some_and(|regex| self.matches(regex, topic));
        self.name == "default" || (matches(&self.include) && !matches(&self.exclude))
    }

    /// A name that takes too many steps is none of the group's.
    fn matches(&self, regex: &JavaRegex, topic: &str) -> bool {
        regex.matches(topic).unwrap_or_else(|error| {
            tracing::warn!(topic, group = self.name, %error, "looking for the group that creates a topic");
            false
        })
    }
}

/// Whether any key begins with `topic.creation.`.
pub(in crate::config) fn uses_topic_creation(properties: &Properties) -> bool {
    properties.keys().any(|key| key.starts_with(PREFIX))
}

fn group_def(defaults: Option<(i16, i32)>) -> ConfigDef {
    let low = Importance::Low;
    let (replicas, partitions) = match defaults {
        Some((replicas, partitions)) => (
            short("replication.factor", replicas, low, "Replicas of the group's topics."),
            int("partitions", partitions, low, "Partitions of the group's topics."),
        ),
        None => (
            required("replication.factor", ConfigType::Short, low, "Replicas of topics that no group takes."),
            required("partitions", ConfigType::Int, low, "Partitions of topics that no group takes."),
        ),
    };
    ConfigDef::new()
        .define(list("include", &[], low, "Regular expressions of the group's topics.").validator(regexes()))
        .define(
            list("exclude", &[], low, "Regular expressions of topics that are not the group's.").validator(regexes()),
        )
        .define(replicas.validator(Validator::replication_factor()))
        .define(partitions.validator(Validator::partitions()))
}

fn regexes() -> Validator {
    Validator::new("regular expressions", |name, value| {
        let ParsedValue::List(items) = value else { return Ok(()) };
        match pattern(items) {
            Ok(_) => Ok(()),
            Err(error) => Err(invalid(name, value, &format!("Syntax error in regular expression: {error}"))),
        }
    })
}

/// One expression that matches a whole name as any of `items` does; `None` when there is none.
fn pattern(items: &[String]) -> Result<Option<JavaRegex>, Error> {
    if items.is_empty() {
        return Ok(None);
    }
    JavaRegex::new(&items.join("|")).map(Some)
}

fn parse_group(properties: &Properties, name: &str, def: &ConfigDef) -> Result<TopicCreationGroup, ConnectError> {
    let prefix = format!("{PREFIX}{name}.");
    let mut prefixed = ConfigDef::new();
    prefixed.embed(&prefix, name, 0, def);
    let config = prefixed.parse(properties)?;
    let own = |key: &str| format!("{prefix}{key}");
    let mut settings = with_prefix(properties, &prefix);
    settings.retain(|key, _| !OWN.contains(&key.as_str()));
    Ok(TopicCreationGroup {
        name: name.to_owned(),
        partitions: config.int(&own("partitions")),
        replication_factor: config.short(&own("replication.factor")),
        settings,
        include: checked(&config, &own("include"))?,
        exclude: checked(&config, &own("exclude"))?,
    })
}

fn checked(config: &ParsedConfig, key: &str) -> Result<Option<JavaRegex>, ConnectError> {
    pattern(config.list(key)).map_err(|error| ConnectError::config(format!("parsing `{key}`")).with_source(error))
}
