//! Restarts of connectors whose config has values that may be used for a time only (`config.action.reload`, connect-worker.md
//! 4.9).
//!
//! Each time a config is resolved, the values of a path live anew: one timer per connector and path. When it runs out the herder
//! is told, and restarts the connector instance; tasks follow when their configs have changed.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use sluice_api::{ConnectError, Properties};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::config::providers::Resolved;
use crate::events::WorkerEvent;
use crate::worker::{Worker, lock};

/// The pending restarts.
pub(crate) struct Reloads {
    events: mpsc::UnboundedSender<WorkerEvent>,
    /// By connector and path.
    timers: Mutex<HashMap<(String, String), AbortHandle>>,
}

impl Reloads {
    pub(crate) fn new(events: mpsc::UnboundedSender<WorkerEvent>) -> Self {
        Self { events, timers: Mutex::default() }
    }

    /// Sets the timers of a config that was just resolved.
    fn schedule(&self, connector: &str, resolved: &Resolved) {
        let mut timers = lock(&self.timers);
        timers.retain(|_, timer| !timer.is_finished());
        for (path, ttl) in &resolved.ttls {
            let timer = self.timer(connector, *ttl);
            if let Some(earlier) = timers.insert((connector.to_owned(), path.clone()), timer) {
                earlier.abort();
            }
            tracing::debug!(connector, path, ttl_ms = ttl.as_millis(), "scheduled a restart");
        }
    }

    /// Forgets the timers of connectors that no longer run here.
    pub(crate) fn forget(&self, connectors: &[String]) {
        lock(&self.timers).retain(|(connector, _), timer| {
            let keep = !connectors.contains(connector);
            if !keep {
                timer.abort();
            }
            keep
        });
    }

    fn timer(&self, connector: &str, ttl: Duration) -> AbortHandle {
        let (events, connector) = (self.events.clone(), connector.to_owned());
        let wait = async move {
            tokio::time::sleep(ttl).await;
            // A herder that is gone does not want to know.
            drop(events.send(WorkerEvent::ReloadDue { connector }));
        };
        tokio::spawn(wait).abort_handle()
    }
}

impl Drop for Reloads {
    fn drop(&mut self) {
        lock(&self.timers).values().for_each(AbortHandle::abort);
    }
}

impl Worker {
    /// A stored connector config with its variables replaced.
    pub(crate) fn resolved(&self, connector: &str, config: &Properties) -> Result<Resolved, ConnectError> {
        let resolved = self.options().config.providers.transform(config)?;
        if restarts(&resolved.properties) {
            self.reloads.schedule(connector, &resolved);
        }
        Ok(resolved)
    }

    /// The stored configs of a connector and one of its tasks with their variables replaced.
    pub(crate) fn resolved_task(
        &self,
        connector: &str,
        connector_config: &Properties,
        task_config: &Properties,
    ) -> Result<(Properties, Properties), ConnectError> {
        let own = self.resolved(connector, connector_config)?.properties;
        let task = self.options().config.providers.transform(task_config)?;
        // Kafka looks for the action in the task's config, where it seldom is.
        if restarts(&own) {
            self.reloads.schedule(connector, &task);
        }
        Ok((own, task.properties))
    }
}

fn restarts(connector_config: &Properties) -> bool {
    connector_config.get("config.action.reload").is_none_or(|action| action.trim().eq_ignore_ascii_case("restart"))
}
