//! The keys of the three connectors (connect-plugins.md 4.3), and what is refused because it is not there yet.
//!
//! After `parse` nothing looks at a property map again, but for the keys that belong to Kafka's clients ([`ClientProperties`]).

mod checkpoint;
mod clients;
mod flow;
mod heartbeat;
mod refusals;
mod source;
#[cfg(test)]
mod tests;

use std::time::Duration;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator};

pub(crate) use checkpoint::ASSIGNED_GROUPS;
pub(crate) use checkpoint::{CheckpointConfig, checkpoint_definition, validate_checkpoint};
pub(crate) use clients::{ClientProperties, ClientRole, Side};
pub(crate) use flow::FlowConfig;
pub(crate) use heartbeat::{HeartbeatConfig, heartbeat_definition};
pub(crate) use refusals::refuse;
pub(crate) use source::{ASSIGNED_PARTITIONS, SourceConfig, TASK_INDEX, source_definition, validate_source};

fn flag(name: &str, default: bool, documentation: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Boolean, Importance::Low, documentation).default(ParsedValue::Boolean(default))
}

fn long(name: &str, default: i64, documentation: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Long, Importance::Low, documentation).default(ParsedValue::Long(default))
}

fn short(name: &str, default: i16, documentation: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Short, Importance::Low, documentation).default(ParsedValue::Short(default))
}

fn class(name: &str, default: &str, documentation: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Class, Importance::Low, documentation)
        .default(ParsedValue::String(default.to_owned()))
}

fn list(name: &str, default: &[&str], documentation: &str) -> ConfigKey {
    let items = default.iter().map(|item| (*item).to_owned()).collect();
    ConfigKey::new(name, ConfigType::List, Importance::High, documentation).default(ParsedValue::List(items))
}

/// `offset-syncs.topic.location`, which two connectors have.
fn syncs_location() -> ConfigKey {
    let documentation = "The cluster that has the offset syncs topic: source or target.";
    ConfigKey::new("offset-syncs.topic.location", ConfigType::String, Importance::Low, documentation)
        .default(ParsedValue::String("source".to_owned()))
        .validator(Validator::one_of(&["source", "target"]))
}

/// Adds `NAME.enabled` and `NAME.interval.seconds`.
fn with_interval(def: ConfigDef, name: &str, enabled: bool, seconds: i64, what: &str) -> ConfigDef {
    def.define(flag(&format!("{name}.enabled"), enabled, &format!("Whether to {what} again and again."))).define(long(
        &format!("{name}.interval.seconds"),
        seconds,
        &format!("Seconds from one time to {what} to the next."),
    ))
}

/// How often, or `None` for never. An interval below nothing means never, too; none at all means as often as possible.
fn interval(parsed: &ParsedConfig, name: &str) -> Option<Duration> {
    let seconds = u64::try_from(parsed.long(&format!("{name}.interval.seconds"))).ok()?;
    parsed.boolean(&format!("{name}.enabled")).then(|| Duration::from_secs(seconds))
}

fn millis(parsed: &ParsedConfig, key: &str) -> Duration {
    Duration::from_millis(u64::try_from(parsed.long(key)).unwrap_or(0))
}
