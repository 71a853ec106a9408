//! The config store: connector configs, task configs, target states, restart requests, session keys, logger levels
//! (connect-worker.md 2.2, appendix C).

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod kafka;
mod leader;
#[cfg(any(test, feature = "testkit"))]
pub mod log;
mod memory;
mod records;
mod replay;
mod state;

use std::time::Duration;

use async_trait::async_trait;
use sluice_api::Properties;

pub use kafka::KafkaConfigBackingStore;
pub use memory::MemoryConfigBackingStore;
pub use state::{ClusterConfigState, ConnectorTaskId, RestartRequest, SessionKey, TargetState};

use crate::Error;

/// What the store read back; sent in log order, and only for records read after the store had started.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigUpdate {
    /// A connector's config is new or was written again.
    ConnectorConfig(String),
    /// A connector was removed.
    ConnectorRemoved(String),
    /// A new set of task configs was committed; the ids that the set replaced.
    TaskConfigs(String, Vec<ConnectorTaskId>),
    /// A connector's target state changed.
    TargetState(String),
    /// A restart was asked for.
    Restart(RestartRequest),
    /// A new session key.
    SessionKey(SessionKey),
    /// A logger's level for the whole cluster.
    LoggerLevel {
        /// The logger.
        namespace: String,
        /// The level as the user typed it.
        level: String,
    },
}

/// The store that holds the cluster's desired state.
///
/// Target states and logger levels may be written by any worker, everything else by the leader alone. A write returns only after it was read back, except where said, so that a later [`ConfigBackingStore::snapshot`] shows it.
/// Updates of what was read come over the channel that [`ConfigBackingStore::updates`] gives.
#[async_trait]
pub trait ConfigBackingStore: Send + Sync {
    /// Reads to the end of the topic; returns when the snapshot shows all that was there.
    ///
    /// # Errors
    /// `Unusable` when the topic is not compacted or has more than one partition. Unreachable brokers are no error: the
    /// future goes on trying.
    async fn start(&self) -> Result<(), Error>;

    /// Stops reading and closes the clients.
    async fn stop(&self);

    /// Makes this worker the one that may write as leader, where such writes are transactions: an earlier leader's are refused from
    /// now on. Nothing to do for one that may already. To be called by the leader of the group alone.
    ///
    /// # Errors
    /// The cluster refuses; writes as leader then fail with `Fenced`.
    async fn claim_write_privileges(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Gives up writes that are not acknowledged, and the right to write as leader: this worker is out of its group. What is on the
    /// wire may still be written. To be called when no operation of this store is under way.
    fn give_up_writes(&self) {}

    /// The state as of the last record that was read. Cheap.
    fn snapshot(&self) -> std::sync::Arc<ClusterConfigState>;

    /// The channel of updates; can be taken once.
    fn updates(&self) -> Option<tokio::sync::mpsc::UnboundedReceiver<ConfigUpdate>>;

    /// Reads to the end of the topic.
    ///
    /// # Errors
    /// `Timeout` when the end is not reached within `timeout`.
    async fn refresh(&self, timeout: Duration) -> Result<(), Error>;

    /// Writes a connector's config, after its target state when one is given.
    ///
    /// # Errors
    /// `Timeout` after 30 s, `Fenced`, `Kafka`.
    async fn put_connector_config(
        &self,
        connector: &str,
        config: &Properties,
        target_state: Option<TargetState>,
    ) -> Result<(), Error>;

    /// Removes a connector's config and target state.
    ///
    /// # Errors
    /// As for [`ConfigBackingStore::put_connector_config`].
    async fn remove_connector_config(&self, connector: &str) -> Result<(), Error>;

    /// Writes and commits a whole set of task configs; an empty one is a set too.
    ///
    /// # Errors
    /// As for [`ConfigBackingStore::put_connector_config`].
    async fn put_task_configs(&self, connector: &str, configs: &[Properties]) -> Result<(), Error>;

    /// Writes a target state; returns after the acknowledgement, before the read-back.
    ///
    /// # Errors
    /// As for [`ConfigBackingStore::put_connector_config`].
    async fn put_target_state(&self, connector: &str, state: TargetState) -> Result<(), Error>;

    /// Writes a restart request.
    ///
    /// # Errors
    /// As for [`ConfigBackingStore::put_connector_config`].
    async fn put_restart_request(&self, request: &RestartRequest) -> Result<(), Error>;

    /// Writes a task count record (zombie fencing).
    ///
    /// # Errors
    /// As for [`ConfigBackingStore::put_connector_config`].
    async fn put_task_count_record(&self, connector: &str, tasks: u32) -> Result<(), Error>;

    /// Writes a session key.
    ///
    /// # Errors
    /// As for [`ConfigBackingStore::put_connector_config`].
    async fn put_session_key(&self, key: &SessionKey) -> Result<(), Error>;

    /// Writes a logger's level for the whole cluster.
    ///
    /// # Errors
    /// As for [`ConfigBackingStore::put_connector_config`].
    async fn put_logger_level(&self, namespace: &str, level: &str) -> Result<(), Error>;
}
