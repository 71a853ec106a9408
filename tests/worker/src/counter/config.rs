//! The keys of the counter.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Validator};
use sluice_api::{Properties, Result};

pub(super) fn definition() -> ConfigDef {
    let number = |name: &str, default: i64, least: i64, documentation: &str| {
        ConfigKey::new(name, ConfigType::Long, Importance::Medium, documentation)
            .default(ParsedValue::Long(default))
            .validator(Validator::at_least(least))
    };
    ConfigDef::new()
        .define(
            ConfigKey::new("topic", ConfigType::String, Importance::High, "The topic, with a partition for every task")
                .validator(Validator::non_empty_string()),
        )
        .define(number("batch.size", 10, 1, "How many records a task gives at once"))
        .define(number("interval.ms", 100, 0, "How long a task waits between two batches; 0 for as fast as it can"))
        .define(number("count", i64::MAX, 0, "How many records a task writes in all"))
        .define(number(
            "transaction.size",
            10,
            1,
            "How many records a transaction has where the connector says where transactions end",
        ))
        .define(number("transaction.aborted", 0, 0, "Every how many transactions there one is aborted; 0 for none"))
}

/// What a task does.
#[derive(Clone, Debug)]
pub(super) struct CounterConfig {
    pub(super) topic: Arc<str>,
    pub(super) batch_size: i64,
    pub(super) interval: Duration,
    pub(super) count: i64,
    pub(super) transaction_size: i64,
    /// Every how many transactions one is aborted; `None` for none.
    pub(super) aborted: Option<i64>,
}

impl CounterConfig {
    pub(super) fn parse(properties: &Properties) -> Result<Self> {
        let parsed = definition().parse(properties)?;
        Ok(Self {
            topic: parsed.string("topic").into(),
            batch_size: parsed.long("batch.size"),
            interval: Duration::from_millis(parsed.long("interval.ms").unsigned_abs()),
            count: parsed.long("count"),
            transaction_size: parsed.long("transaction.size"),
            aborted: Some(parsed.long("transaction.aborted")).filter(|every| *every > 0),
        })
    }
}
