//! Offsets of a source connector: in the offset store.

use std::sync::Arc;

use sluice_api::connector::AlteredOffsets;
use sluice_api::{ConnectError, ConnectorPlugin, OffsetMap, Properties};
use sluice_storage::{Error, OffsetWriter};

use crate::worker::WorkerOptions;

pub(super) async fn offsets(
    options: &WorkerOptions,
    name: &str,
) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, ConnectError> {
    options.offsets.connector_offsets(name).await.map_err(|error| {
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
    write(options, name, offsets).await?;
    Ok(asked)
}

pub(super) async fn reset(
    options: &WorkerOptions,
    plugin: &dyn ConnectorPlugin,
    name: &str,
    config: &Properties,
) -> Result<bool, ConnectError> {
    let known = options.offsets.connector_offsets(name).await.map_err(|error| failed(name, error))?;
    let tombstones: AlteredOffsets = known.into_iter().map(|(partition, _)| (Some(partition), None)).collect();
    let asked = super::ask(plugin, name, config, &tombstones)?;
    write(options, name, &tombstones).await?;
    Ok(asked)
}

async fn write(options: &WorkerOptions, name: &str, offsets: &AlteredOffsets) -> Result<(), ConnectError> {
    let writer = OffsetWriter::new(options.offsets.clone(), name);
    for (partition, offset) in offsets {
        // A request without a partition names none: Kafka Connect writes it under a null partition that nobody reads.
        let Some(partition) = partition else { continue };
        writer.offset(Arc::new(partition.clone()), offset.clone());
    }
    if writer.begin_flush() {
        writer.flush().await.map_err(|error| failed(name, error))?;
    }
    Ok(())
}

fn failed(name: &str, error: Error) -> ConnectError {
    ConnectError::connect(format!("Failed to modify offsets for source connector {name}")).with_source(error)
}
