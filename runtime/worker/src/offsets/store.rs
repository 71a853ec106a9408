//! Which stores hold the offsets of a source connector (connect-worker.md 2.3, KIP-618).
//!
//! Tasks and the offset requests of REST ask here. A connector uses the worker's store unless it names another topic, or writes to
//! another cluster while it is exactly-once, because its offsets go where its records go then.

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_api::{ConnectError, Properties};
use sluice_kafka::Admin;
use sluice_storage::OffsetBackingStore;
use sluice_storage::offset::{ConnectorOffsetBackingStore, ConnectorOffsetsTopic, KafkaOffsetBackingStore};

use crate::config::{ClientIds, ClientProperties, SourceConnectorConfig};
use crate::worker::WorkerOptions;

/// The offsets of one connector.
pub(crate) struct ConnectorOffsets {
    /// Where the offsets of the connector are written first; empty outside of a distributed worker.
    pub(crate) topic: Arc<str>,
    /// Reads them, and writes them where they are not written in transactions.
    pub(crate) store: Arc<dyn OffsetBackingStore>,
    /// Set when the topic is not the worker's: the worker's store, which gets copies.
    pub(crate) workers: Option<Arc<dyn OffsetBackingStore>>,
}

impl ConnectorOffsets {
    /// Decides which stores those are; reads nothing yet. `ids` names the clients of a topic of its own.
    pub(crate) fn new(
        options: &WorkerOptions,
        source: &SourceConnectorConfig,
        connector_config: &Properties,
        ids: &ClientIds,
    ) -> Result<Self, ConnectError> {
        let clients = ClientProperties::new(&options.config, connector_config);
        let of_worker = |topic: &str| Self { topic: topic.into(), store: options.offsets.clone(), workers: None };
        let Some(workers) = &options.config.offsets_topic else { return Ok(of_worker("")) };
        let own = source.offsets_topic.as_deref();
        let topic = match own {
            Some(topic) => topic,
            None if options.config.exactly_once_source_enabled => &workers.name,
            None => return Ok(of_worker(&workers.name)),
        };
        let producer = clients.producer(ids)?;
        if topic == workers.name
            && servers(&producer) == options.config.bootstrap_servers.iter().map(String::as_str).collect()
        {
            return Ok(of_worker(topic));
        }
        let admin = Admin::new(&clients.admin(ids)?).map_err(|error| {
            ConnectError::connect(format!("creating the admin client of offsets topic {topic}: {error}"))
                .with_source(error)
        })?;
        let own = ConnectorOffsetsTopic {
            name: topic.to_owned(),
            partitions: workers.partitions,
            replication_factor: workers.replication_factor.into(),
            settings: workers.settings.clone(),
            consumer: clients.offsets_consumer(ids)?,
            producer,
            client_id: "connector-offsets".to_owned(),
            tenure: options.tenure.clone(),
        };
        let own = Arc::new(KafkaOffsetBackingStore::of_connector(own, admin));
        let store = Arc::new(ConnectorOffsetBackingStore::new(own, options.offsets.clone()));
        Ok(Self { topic: topic.into(), store, workers: Some(options.offsets.clone()) })
    }

    /// Whether the store has to be started and stopped: the worker's is, already.
    pub(crate) fn are_own(&self) -> bool {
        self.workers.is_some()
    }
}

/// The set that `bootstrap.servers` names: the same cluster may be written in another order.
fn servers(properties: &Properties) -> BTreeSet<&str> {
    let servers = properties.get("bootstrap.servers").map_or("", String::as_str);
    servers.split(',').map(str::trim).filter(|server| !server.is_empty()).collect()
}
