//! Offsets of a source connector: in the offset stores that its tasks use.

use bytes::Bytes;
use sluice_api::connector::AlteredOffsets;
use sluice_api::{ConnectError, ConnectorPlugin, OffsetMap, Properties};
use sluice_kafka::TransactionalWriter;
use sluice_storage::offset::offset_record;

use super::REQUEST_TIMEOUT;
use super::store::ConnectorOffsets;
use crate::config::{ClientIds, ClientProperties, SourceConnectorConfig};
use crate::worker::WorkerOptions;

type Offsets = Vec<(OffsetMap, Option<OffsetMap>)>;

/// The connector's offsets while a request looks at them.
struct Opened<'a> {
    options: &'a WorkerOptions,
    name: &'a str,
    config: &'a Properties,
    offsets: ConnectorOffsets,
}

pub(super) async fn offsets(options: &WorkerOptions, name: &str, config: &Properties) -> Result<Offsets, ConnectError> {
    let failed = |error| {
        ConnectError::connect(format!("Failed to retrieve offsets for source connector {name}")).with_source(error)
    };
    let opened = Opened::open(options, name, config).await.map_err(failed)?;
    let read = opened.offsets.store.connector_offsets(name).await;
    opened.close().await;
    read.map_err(|error| {
        ConnectError::connect(format!("Failed to retrieve offsets for source connector {name}")).with_source(error)
    })
}

pub(super) async fn alter(
    options: &WorkerOptions,
    plugin: &dyn ConnectorPlugin,
    name: &str,
    config: &Properties,
    offsets: &AlteredOffsets,
) -> Result<bool, ConnectError> {
    let asked = super::ask(plugin, name, config, offsets)?;
    let opened = Opened::open(options, name, config).await.map_err(|error| failed(name, error))?;
    let written = opened.write(offsets).await;
    opened.close().await;
    written.map(|()| asked)
}

pub(super) async fn reset(
    options: &WorkerOptions,
    plugin: &dyn ConnectorPlugin,
    name: &str,
    config: &Properties,
) -> Result<bool, ConnectError> {
    let opened = Opened::open(options, name, config).await.map_err(|error| failed(name, error))?;
    let reset = opened.reset(plugin).await;
    opened.close().await;
    reset
}

impl<'a> Opened<'a> {
    async fn open(options: &'a WorkerOptions, name: &'a str, config: &'a Properties) -> Result<Self, ConnectError> {
        let source = SourceConnectorConfig::parse(&options.registry, config, options.config.topic_creation_enable)?;
        let offsets = ConnectorOffsets::new(options, &source, config, &ClientIds::of_connector(name))?;
        if offsets.are_own() {
            let started = tokio::time::timeout(REQUEST_TIMEOUT, offsets.store.start()).await;
            let timed_out =
                |_| ConnectError::connect(format!("Timed out while reading offsets topic {}", offsets.topic));
            started
                .map_err(timed_out)?
                .map_err(|error| ConnectError::new(error.kind(), error.to_string()).with_source(error))?;
        }
        Ok(Self { options, name, config, offsets })
    }

    async fn close(&self) {
        if self.offsets.are_own() {
            self.offsets.store.stop().await;
        }
    }

    async fn reset(&self, plugin: &dyn ConnectorPlugin) -> Result<bool, ConnectError> {
        let known = self.offsets.store.connector_offsets(self.name).await;
        let known = known.map_err(|error| failed(self.name, error))?;
        let tombstones: AlteredOffsets = known.into_iter().map(|(partition, _)| (Some(partition), None)).collect();
        let asked = super::ask(plugin, self.name, self.config, &tombstones)?;
        self.write(&tombstones).await?;
        Ok(asked)
    }

    async fn write(&self, offsets: &AlteredOffsets) -> Result<(), ConnectError> {
        let mut values = Vec::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            // A request without a partition names none: Kafka Connect writes it under a null partition that nobody reads.
            let Some(partition) = partition else { continue };
            let record = offset_record(self.name, partition, offset.as_ref());
            values.push(record.map_err(|error| failed(self.name, error))?);
        }
        if values.is_empty() {
            return Ok(());
        }
        if self.options.config.exactly_once_source_enabled {
            return self.write_in_transaction(values).await;
        }
        self.offsets.store.set(values).await.map_err(|error| failed(self.name, error))
    }

    /// As task 0 would: what is left of the tasks cannot write any more once its transactional id is taken over.
    async fn write_in_transaction(&self, values: Vec<(Bytes, Option<Bytes>)>) -> Result<(), ConnectError> {
        let (removed, set): (Vec<_>, Vec<_>) = values.iter().cloned().partition(|(_, value)| value.is_none());
        if let Some(workers) = self.offsets.workers.as_ref().filter(|_| !removed.is_empty()) {
            workers.set(removed).await.map_err(|error| failed(self.name, error))?;
        }
        let clients = ClientProperties::new(&self.options.config, self.config);
        let producer = clients.exactly_once_producer(&ClientIds::of_task(self.name, 0))?;
        let written = async {
            let writer = TransactionalWriter::claim_with(&self.offsets.topic, &producer, REQUEST_TIMEOUT).await?;
            writer.write(values, REQUEST_TIMEOUT).await
        };
        written.await.map_err(|error| failed(self.name, error))?;
        if let Some(workers) = &self.offsets.workers
            && let Err(error) = workers.set(set).await
        {
            tracing::warn!(connector = self.name, %error, "Failed to write offsets to secondary backing store");
        }
        Ok(())
    }
}

fn failed(name: &str, error: impl std::error::Error + Send + Sync + 'static) -> ConnectError {
    ConnectError::connect(format!("Failed to modify offsets for source connector {name}")).with_source(error)
}
