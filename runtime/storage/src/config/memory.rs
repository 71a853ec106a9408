//! The config store of a standalone worker: a log of one process, under the same rules as the topic.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::Properties;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::records::ConfigRecord;
use super::replay::Replay;
use super::state::{ClusterConfigState, RestartRequest, SessionKey, TargetState};
use super::{ConfigBackingStore, ConfigUpdate};
use crate::Error;

/// Keeps the desired state in memory. The config offset stays at -1: there is no group that could compare it.
#[derive(Debug)]
pub struct MemoryConfigBackingStore {
    replay: Mutex<Replay>,
    updates_tx: UnboundedSender<ConfigUpdate>,
    updates_rx: Mutex<Option<UnboundedReceiver<ConfigUpdate>>>,
}

impl Default for MemoryConfigBackingStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryConfigBackingStore {
    /// An empty store.
    pub fn new() -> Self {
        let (updates_tx, updates_rx) = unbounded_channel();
        let mut replay = Replay::default();
        replay.mark_started();
        Self { replay: Mutex::new(replay), updates_tx, updates_rx: Mutex::new(Some(updates_rx)) }
    }

    fn replay(&self) -> MutexGuard<'_, Replay> {
        self.replay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is no other writer here, so a write for a connector that does not exist is a mistake of the caller.
    fn require(&self, connector: &str) -> Result<(), Error> {
        if self.replay().snapshot().contains(connector) {
            return Ok(());
        }
        Err(Error::Invalid(format!("No connector `{connector}` configured")))
    }

    /// Invariant 4: applied as if read back, and reported in the same order.
    fn append(&self, records: impl IntoIterator<Item = ConfigRecord>) {
        let mut replay = self.replay();
        for record in records {
            if let Some(update) = replay.apply(record) {
                // Nobody listens any more: the worker is shutting down.
                drop(self.updates_tx.send(update));
            }
        }
    }
}

#[async_trait]
impl ConfigBackingStore for MemoryConfigBackingStore {
    async fn start(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn stop(&self) {}

    fn snapshot(&self) -> Arc<ClusterConfigState> {
        self.replay().snapshot()
    }

    fn updates(&self) -> Option<UnboundedReceiver<ConfigUpdate>> {
        self.updates_rx.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn refresh(&self, _timeout: Duration) -> Result<(), Error> {
        Ok(())
    }

    async fn put_connector_config(
        &self,
        connector: &str,
        config: &Properties,
        target_state: Option<TargetState>,
    ) -> Result<(), Error> {
        self.append(ConfigRecord::for_connector(connector, config, target_state));
        Ok(())
    }

    async fn remove_connector_config(&self, connector: &str) -> Result<(), Error> {
        self.append(ConfigRecord::for_removal(connector));
        Ok(())
    }

    async fn put_task_configs(&self, connector: &str, configs: &[Properties]) -> Result<(), Error> {
        self.require(connector)?;
        let commit = ConfigRecord::for_commit(connector, configs.len());
        self.append(ConfigRecord::for_tasks(connector, configs).into_iter().chain([commit]));
        Ok(())
    }

    async fn put_target_state(&self, connector: &str, state: TargetState) -> Result<(), Error> {
        self.require(connector)?;
        self.append([ConfigRecord::TargetState(connector.to_owned(), Some(state))]);
        Ok(())
    }

    async fn put_restart_request(&self, request: &RestartRequest) -> Result<(), Error> {
        self.append([ConfigRecord::Restart(request.clone())]);
        Ok(())
    }

    async fn put_task_count_record(&self, connector: &str, tasks: u32) -> Result<(), Error> {
        self.append([ConfigRecord::Fencing(connector.to_owned(), tasks)]);
        Ok(())
    }

    async fn put_session_key(&self, key: &SessionKey) -> Result<(), Error> {
        self.append([ConfigRecord::SessionKey(key.clone())]);
        Ok(())
    }

    async fn put_logger_level(&self, namespace: &str, level: &str) -> Result<(), Error> {
        self.append([ConfigRecord::LoggerLevel(namespace.to_owned(), level.to_owned())]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ConfigBackingStore, ConfigUpdate, MemoryConfigBackingStore, Properties, TargetState};

    // Invariant 4.
    #[tokio::test]
    async fn writes_show_in_the_snapshot_and_as_updates_in_order() {
        let store = MemoryConfigBackingStore::new();
        let mut updates = store.updates().expect("taken for the first time");
        assert!(store.updates().is_none());
        let config: Properties = [("name".to_owned(), "c".to_owned())].into_iter().collect();
        store.put_connector_config("c", &config, Some(TargetState::Paused)).await.expect("in memory");
        store.put_task_configs("c", &[config.clone(), config.clone()]).await.expect("in memory");
        store.put_target_state("c", TargetState::Started).await.expect("in memory");

        let state = store.snapshot();
        assert_eq!(state.tasks("c").len(), 2);
        assert_eq!(state.target_state("c"), Some(TargetState::Started));
        store.remove_connector_config("c").await.expect("in memory");
        assert!(!store.snapshot().contains("c"));
        assert!(state.contains("c"), "a snapshot does not change");

        assert_eq!(updates.try_recv(), Ok(ConfigUpdate::ConnectorConfig("c".into())));
        assert_eq!(updates.try_recv(), Ok(ConfigUpdate::TaskConfigs("c".into(), state.tasks("c"))));
        assert_eq!(updates.try_recv(), Ok(ConfigUpdate::TargetState("c".into())));
        assert_eq!(updates.try_recv(), Ok(ConfigUpdate::ConnectorRemoved("c".into())));
        assert!(updates.try_recv().is_err());

        let error = store.put_target_state("c", TargetState::Paused).await.expect_err("removed");
        assert_eq!(error.to_string(), "No connector `c` configured");
    }
}
