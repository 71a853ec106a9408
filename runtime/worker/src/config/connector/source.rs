//! The configuration of a source (connect-worker.md 4.6).

use std::time::Duration;

use sluice_api::{ConnectError, ConnectorKind, Properties};
use sluice_plugins::Registry;

use super::parsed::{full_config_def, millis};
use super::{ConnectorConfig, TopicCreationConfig};

/// `transaction.boundary`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionBoundary {
    /// After each batch.
    Poll,
    /// After a time; `None` is the worker's offset flush interval.
    Interval(Option<Duration>),
    /// Where the connector says.
    Connector,
}

/// A source's configuration.
#[derive(Clone, Debug)]
pub struct SourceConnectorConfig {
    /// What all connectors have.
    pub connector: ConnectorConfig,
    /// How topics are created; `None` leaves it to the broker.
    pub topic_creation: Option<TopicCreationConfig>,
    /// Whether `exactly.once.support` is `required`.
    pub exactly_once_required: bool,
    /// `transaction.boundary`.
    pub transaction_boundary: TransactionBoundary,
    /// `offsets.storage.topic`.
    pub offsets_topic: Option<String>,
}

impl SourceConnectorConfig {
    /// Parses a source's properties, variables already replaced. `create_topics` is the worker's `topic.creation.enable`.
    ///
    /// # Errors
    /// `Config` with everything that is wrong.
    pub fn parse(registry: &Registry, properties: &Properties, create_topics: bool) -> Result<Self, ConnectError> {
        let config = full_config_def(ConnectorKind::Source, registry, properties).parse(properties)?;
        let interval = config.opt_long("transaction.boundary.interval.ms").map(millis);
        Ok(Self {
            connector: ConnectorConfig::from_parsed(&config, properties)?,
            topic_creation: if create_topics { TopicCreationConfig::parse(properties)? } else { None },
            exactly_once_required: config.string("exactly.once.support").eq_ignore_ascii_case("required"),
            transaction_boundary: match config.string("transaction.boundary").to_ascii_lowercase().as_str() {
                "interval" => TransactionBoundary::Interval(interval),
                "connector" => TransactionBoundary::Connector,
                _ => TransactionBoundary::Poll,
            },
            offsets_topic: config.opt_string("offsets.storage.topic").map(str::to_owned),
        })
    }
}
