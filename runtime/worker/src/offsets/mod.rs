//! Offsets of a connector over REST: read, altered, reset (KIP-875, connect-worker.md 1.6).
//!
//! The herder has checked that the connector is STOPPED and has no tasks; what is checked here is the request itself.

mod sink;
mod source;
mod store;

use std::time::Duration;

use sluice_api::connector::AlteredOffsets;
use sluice_api::{ConnectError, ConnectorKind, OffsetMap, Properties};

pub(crate) use store::ConnectorOffsets;

use crate::panic_trace;
use crate::worker::Worker;

/// How long a request may take, as a REST request in Kafka Connect.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

impl Worker {
    /// The connector's offsets by partition: from the consumer group of a sink, from the offset store of a source.
    ///
    /// # Errors
    /// With Kafka Connect's texts.
    pub async fn connector_offsets(
        &self,
        name: &str,
        config: &Properties,
    ) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, ConnectError> {
        let config = &self.options().config.providers.transform(config)?.properties;
        match self.plugin(config)?.kind() {
            ConnectorKind::Sink => sink::offsets(self.options(), name, config).await,
            ConnectorKind::Source => source::offsets(self.options(), name, config).await,
        }
    }

    /// Sets offsets, or with `None` forgets them; asks the connector first. Returns the message for the user.
    ///
    /// # Errors
    /// `BadRequest` when a sink's partition or offset has the wrong shape; else with Kafka Connect's texts.
    pub async fn alter_connector_offsets(
        &self,
        name: &str,
        config: &Properties,
        offsets: &AlteredOffsets,
    ) -> Result<String, ConnectError> {
        let config = &self.options().config.providers.transform(config)?.properties;
        let plugin = self.plugin(config)?;
        let altered = async {
            match plugin.kind() {
                ConnectorKind::Sink => sink::alter(self.options(), &*plugin, name, config, offsets).await,
                ConnectorKind::Source => source::alter(self.options(), &*plugin, name, config, offsets).await,
            }
        };
        Ok(message(in_time(name, altered).await?, "altered"))
    }

    /// Forgets all offsets of the connector; asks the connector first. Returns the message for the user.
    ///
    /// # Errors
    /// With Kafka Connect's texts.
    pub async fn reset_connector_offsets(&self, name: &str, config: &Properties) -> Result<String, ConnectError> {
        let config = &self.options().config.providers.transform(config)?.properties;
        let plugin = self.plugin(config)?;
        let reset = async {
            match plugin.kind() {
                ConnectorKind::Sink => sink::reset(self.options(), &*plugin, name, config).await,
                ConnectorKind::Source => source::reset(self.options(), &*plugin, name, config).await,
            }
        };
        Ok(message(in_time(name, reset).await?, "reset"))
    }
}

async fn in_time(name: &str, request: impl Future<Output = Result<bool, ConnectError>>) -> Result<bool, ConnectError> {
    match tokio::time::timeout(REQUEST_TIMEOUT, request).await {
        Ok(done) => done,
        Err(_) => {
            Err(ConnectError::connect(format!("Timed out while attempting to modify offsets for connector {name}")))
        }
    }
}

/// Asks the connector; what it throws is an answer, not the end of the worker (Invariant 8).
fn ask(
    plugin: &dyn sluice_api::ConnectorPlugin,
    name: &str,
    config: &Properties,
    offsets: &AlteredOffsets,
) -> Result<bool, ConnectError> {
    let asked = panic_trace::catch(|| plugin.alter_offsets(config, offsets)).and_then(|answer| answer);
    asked.map_err(|error| match error.kind() {
        sluice_api::ErrorKind::Unsupported => {
            let text = format!("Failed to modify offsets for connector {name} because it doesn't support external modification of offsets");
            ConnectError::connect(text).with_source(error)
        }
        _ => error,
    })
}

fn message(asked: bool, done: &str) -> String {
    if asked {
        return format!("The offsets for this connector have been {done} successfully");
    }
    format!(
        "The Connect framework-managed offsets for this connector have been {done} successfully. However, if this connector manages \
         offsets externally, they will need to be manually {done} in the system that the connector uses."
    )
}
