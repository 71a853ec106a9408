//! The contract between REST and whatever runs the cluster.

use std::time::Duration;

use async_trait::async_trait;
use indexmap::IndexMap;
use sluice_api::{ConnectError, Properties};
use sluice_storage::{ConnectorTaskId, RestartRequest, State, TargetState};
pub use sluice_worker::config::validation::ConfigInfos;
use sluice_worker::config::validation::ConfigKeyInfo;

use crate::internal_request::InternalRequest;

/// Source, sink, or unknown when the class cannot be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectorType {
    /// Into topics.
    Source,
    /// Out of topics.
    Sink,
    /// The class is not known here.
    Unknown,
}

/// A connector as REST shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectorInfo {
    /// The name.
    pub name: String,
    /// The raw config.
    pub config: Properties,
    /// Its tasks.
    pub tasks: Vec<ConnectorTaskId>,
    /// Its type.
    pub connector_type: ConnectorType,
}

/// The answer to a create or replace.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// Whether the connector did not exist before.
    pub created: bool,
    /// The connector.
    pub info: ConnectorInfo,
}

/// A connector's config as a client sent it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentConfig {
    /// What is stored.
    pub properties: Properties,
    /// Keys that were JSON nulls: validation judges them as Kafka does, but they are never stored.
    pub nulls: Vec<String>,
}

impl From<Properties> for SentConfig {
    fn from(properties: Properties) -> Self {
        Self { properties, nulls: Vec::new() }
    }
}

/// A request to create a connector (`POST /connectors`), its name already trimmed.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateConnector {
    /// The name.
    pub name: String,
    /// The config, `name` included.
    pub config: SentConfig,
    /// The state to begin in (KIP-980).
    pub initial_state: Option<TargetState>,
}

/// The state of a connector instance or task as REST shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorState {
    /// The state.
    pub state: State,
    /// Who runs it.
    pub worker_id: String,
    /// Why it failed.
    pub trace: Option<String>,
    /// The plugin's version.
    pub version: Option<String>,
}

/// A task's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskState {
    /// The number of the task.
    pub id: u32,
    /// The state.
    pub status: ConnectorState,
}

/// A connector's state with its tasks'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorStateInfo {
    /// The name.
    pub name: String,
    /// The instance.
    pub connector: ConnectorState,
    /// The tasks, by number.
    pub tasks: Vec<TaskState>,
    /// The type.
    pub connector_type: ConnectorType,
}

/// A task with its config.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskInfo {
    /// The task.
    pub id: ConnectorTaskId,
    /// The raw config, `None` when its record was compacted away.
    pub config: Option<Properties>,
}

/// Offsets as JSON values: (partition, offset).
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectorOffset {
    /// The partition; REST input may leave it out.
    pub partition: Option<serde_json::Map<String, serde_json::Value>>,
    /// The offset; `None` deletes.
    pub offset: Option<serde_json::Map<String, serde_json::Value>>,
}

/// All offsets of a connector.
pub type ConnectorOffsets = Vec<ConnectorOffset>;

/// A plugin as `GET /connector-plugins` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginInfo {
    /// The class.
    pub class: String,
    /// source, sink, transformation, predicate, converter, header_converter.
    pub plugin_type: &'static str,
    /// The version, when it has one.
    pub version: Option<String>,
}

/// `GET /`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// Our version, in a form that clients of Kafka Connect accept.
    pub version: String,
    /// The commit.
    pub commit: String,
    /// The Kafka cluster, once known.
    pub kafka_cluster_id: Option<String>,
}

/// `GET /health` (KIP-1017).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// 200.
    Healthy,
    /// 503, with what the worker is doing.
    Starting(Option<String>),
    /// 500, with what the worker is doing.
    Unhealthy(Option<String>),
}

/// A logger's level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggerLevel {
    /// The level, upper case.
    pub level: String,
    /// When the API changed it last, in milliseconds since the epoch.
    pub last_modified_ms: Option<i64>,
}

/// What a herder operation can answer instead of a result. The REST crate maps it to a status in one place.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HerderError {
    /// 400.
    #[error("{0}")]
    BadRequest(String),
    /// 403.
    #[error("{0}")]
    Forbidden(String),
    /// 404.
    #[error("{0}")]
    NotFound(String),
    /// 409.
    #[error("{0}")]
    Conflict(String),
    /// 500, because the request's time was up; the operation still goes on.
    #[error("{0}")]
    Timeout(String),
    /// Another worker must answer; REST forwards to this URL (`None`: unknown at present, 409).
    #[error("this worker is not the one that can answer")]
    Forward(Option<String>),
    /// 503.
    #[error("{0}")]
    ServiceUnavailable(String),
    /// 500: a configuration that cannot even be looked at (`ConfigException`).
    #[error("{0}")]
    Config(String),
    /// 500, with the text that Kafka's clients see.
    #[error("{0}")]
    Internal(String),
}

impl From<ConnectError> for HerderError {
    fn from(error: ConnectError) -> Self {
        use sluice_api::ErrorKind as Kind;
        let message = error.message().to_owned();
        match error.kind() {
            Kind::BadRequest => Self::BadRequest(message),
            Kind::NotFound => Self::NotFound(message),
            Kind::AlreadyExists | Kind::Conflict => Self::Conflict(message),
            Kind::Timeout => Self::Timeout(message),
            Kind::Config => Self::Config(message),
            _ => Self::Internal(message),
        }
    }
}

/// Result of a herder operation.
pub(crate) type Result<T> = std::result::Result<T, HerderError>;

/// Runs connectors, alone or as part of a cluster.
///
/// Every method is safe to call at any time from any thread, also before the herder is ready: what needs the herder's loop
/// waits for it up to `request_timeout` (90 s unless a test sets less) and then answers [`HerderError::Timeout`] with the stage
/// text of connect-worker.md 1.4. Dropping a future does not undo the operation. Texts of errors are Kafka's.
#[async_trait]
pub trait Herder: Send + Sync {
    /// `GET /`.
    fn server_info(&self) -> ServerInfo;
    /// `GET /health`; waits at most `timeout`.
    async fn health(&self, timeout: Duration) -> Health;
    /// `GET /connectors`: answered without the loop.
    fn connectors(&self) -> Vec<String>;
    /// `GET /connectors/C` and `/config`.
    async fn connector_info(&self, connector: &str) -> Result<ConnectorInfo>;
    /// As [`Herder::connector_info`], without the loop: for `expand=info`. `None` when it is gone.
    fn connector_info_now(&self, connector: &str) -> Option<ConnectorInfo>;
    /// `POST /connectors`.
    async fn create_connector(&self, request: CreateConnector) -> Result<Created>;
    /// `PUT /connectors/C/config`.
    async fn put_connector_config(&self, connector: &str, config: SentConfig) -> Result<Created>;
    /// `PATCH /connectors/C/config`; `None` deletes a key.
    async fn patch_connector_config(
        &self,
        connector: &str,
        patch: IndexMap<String, Option<String>>,
    ) -> Result<ConnectorInfo>;
    /// `DELETE /connectors/C`.
    async fn delete_connector(&self, connector: &str) -> Result<()>;
    /// `GET /connectors/C/status`: answered without the loop.
    fn connector_status(&self, connector: &str) -> Result<ConnectorStateInfo>;
    /// `GET /connectors/C/tasks`.
    async fn task_infos(&self, connector: &str) -> Result<Vec<TaskInfo>>;
    /// `GET /connectors/C/tasks/N/status`: answered without the loop.
    fn task_status(&self, id: &ConnectorTaskId) -> Result<TaskState>;
    /// `POST /connectors/C/restart` without flags.
    async fn restart_connector(&self, connector: &str) -> Result<()>;
    /// `POST /connectors/C/restart` with flags; the answer shows RESTARTING where it will happen.
    async fn restart_connector_and_tasks(&self, request: RestartRequest) -> Result<ConnectorStateInfo>;
    /// `POST /connectors/C/tasks/N/restart`.
    async fn restart_task(&self, id: &ConnectorTaskId) -> Result<()>;
    /// `PUT /connectors/C/pause`, `/resume`, `/stop`.
    async fn set_target_state(&self, connector: &str, state: TargetState) -> Result<()>;
    /// `GET /connectors/C/topics`.
    fn active_topics(&self, connector: &str) -> Result<Vec<String>>;
    /// `PUT /connectors/C/topics/reset`.
    fn reset_active_topics(&self, connector: &str) -> Result<()>;
    /// `GET /connectors/C/offsets`.
    async fn connector_offsets(&self, connector: &str) -> Result<ConnectorOffsets>;
    /// `PATCH /connectors/C/offsets`; the message of the answer.
    async fn alter_connector_offsets(&self, connector: &str, offsets: ConnectorOffsets) -> Result<String>;
    /// `DELETE /connectors/C/offsets`; the message of the answer.
    async fn reset_connector_offsets(&self, connector: &str) -> Result<String>;
    /// `GET /connector-plugins`.
    fn connector_plugins(&self, connectors_only: bool) -> Vec<PluginInfo>;
    /// `GET /connector-plugins/P/config`.
    fn connector_plugin_config(&self, plugin: &str) -> Result<Vec<ConfigKeyInfo>>;
    /// `PUT /connector-plugins/P/config/validate`, after the check of path against body.
    async fn validate_connector_config(&self, config: SentConfig) -> Result<ConfigInfos>;
    /// `GET /admin/loggers`, by name.
    fn loggers(&self) -> Vec<(String, LoggerLevel)>;
    /// `GET /admin/loggers/L`.
    fn logger(&self, name: &str) -> Option<LoggerLevel>;
    /// `PUT /admin/loggers/L` on this worker; the loggers that changed, sorted.
    fn set_logger_level(&self, namespace: &str, level: &str) -> Vec<String>;
    /// `PUT /admin/loggers/L?scope=cluster`.
    async fn set_cluster_logger_level(&self, namespace: &str, level: &str) -> Result<()>;
    /// `POST /connectors/C/tasks` of another worker: `configs` is what the body of `request` holds.
    async fn put_task_configs(&self, connector: &str, configs: Vec<Properties>, request: InternalRequest)
    -> Result<()>;
    /// `PUT /connectors/C/fence` of another worker.
    async fn fence_zombie_tasks(&self, connector: &str, request: InternalRequest) -> Result<()>;
    /// The metrics as Prometheus text.
    fn metrics(&self) -> String;
}
