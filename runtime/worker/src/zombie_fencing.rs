//! Fences the producers of a source's earlier tasks (KIP-618); the herder says when and for how many.

use std::time::Duration;

use sluice_api::{ConnectError, Properties};
use sluice_kafka::wire::{ClientConfig, TransactionAdmin};

use crate::config::{ClientIds, ClientProperties, WorkerConfig};
use crate::worker::Worker;

/// How long a round may take, as a REST request in Kafka Connect.
const ROUND_TIMEOUT: Duration = Duration::from_secs(90);

impl Worker {
    /// Fences the producers of tasks 0 to `tasks` - 1: when this returns, their open transactions are aborted, and what they still
    /// send is refused (Invariant 5). The principal is that of the connector's admin clients.
    ///
    /// # Errors
    /// The cluster refuses or was not reached in time; some may be fenced.
    pub async fn fence_zombies(&self, name: &str, tasks: u32, config: &Properties) -> Result<(), ConnectError> {
        let worker = &self.options().config;
        let ids = ClientIds::of_connector(name);
        let config = worker.providers.transform(config)?.properties;
        let properties = ClientProperties::new(worker, &config).worker_admin(&ids)?;
        let failed = || format!("Failed to fence the producers of earlier tasks of connector {name}");
        let client = ClientConfig::parse(properties.iter().map(|(key, value)| (key.as_str(), value.as_str())))
            .map_err(|error| ConnectError::config(failed()).with_source(error))?;
        let ids: Vec<String> = (0..tasks).map(|task| transactional_id(worker, name, task)).collect();
        let fenced = TransactionAdmin::new(client).fence_producers(&ids, ROUND_TIMEOUT).await;
        fenced.map_err(|error| ConnectError::connect(failed()).with_source(error))
    }
}

/// `<group.id>-<connector>-<task>`, as in Kafka Connect: workers of both kinds fence each other's tasks.
pub(crate) fn transactional_id(worker: &WorkerConfig, connector: &str, task: u32) -> String {
    format!("{}-{connector}-{task}", worker.group_id.as_deref().unwrap_or_default())
}
