//! Bodies of answers, in Kafka's field order (connect-worker.md 1.6 and 1.8).

use serde::Serialize;
use serde_json::{Map, Value};
use sluice_api::Properties;
use sluice_herder as herder;
use sluice_storage::ConnectorTaskId;
use sluice_worker::config::validation;

#[derive(Serialize)]
pub(crate) struct ServerInfo {
    version: String,
    commit: String,
    kafka_cluster_id: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct WorkerStatus {
    pub(crate) status: &'static str,
    pub(crate) message: String,
}

#[derive(Serialize)]
pub(crate) struct TaskId {
    connector: String,
    task: u32,
}

#[derive(Serialize)]
pub(crate) struct ConnectorInfo {
    name: String,
    config: Properties,
    tasks: Vec<TaskId>,
    #[serde(rename = "type")]
    connector_type: &'static str,
}

#[derive(Serialize)]
pub(crate) struct ConnectorState {
    state: &'static str,
    worker_id: String,
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct TaskState {
    id: u32,
    #[serde(flatten)]
    status: ConnectorState,
}

#[derive(Serialize)]
pub(crate) struct ConnectorStateInfo {
    name: String,
    connector: ConnectorState,
    tasks: Vec<TaskState>,
    #[serde(rename = "type")]
    connector_type: &'static str,
}

#[derive(Serialize)]
pub(crate) struct TaskInfo {
    id: TaskId,
    config: Option<Properties>,
}

#[derive(Serialize)]
pub(crate) struct PluginInfo {
    class: String,
    #[serde(rename = "type")]
    plugin_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Offsets {
    pub(crate) offsets: Vec<Offset>,
}

#[derive(Serialize)]
pub(crate) struct Offset {
    partition: Option<Map<String, Value>>,
    offset: Option<Map<String, Value>>,
}

#[derive(Serialize)]
pub(crate) struct Message {
    pub(crate) message: String,
}

#[derive(Serialize)]
pub(crate) struct LoggerLevel {
    level: String,
    last_modified: Option<i64>,
}

#[derive(Serialize)]
pub(crate) struct ConfigInfos {
    name: String,
    error_count: usize,
    groups: Vec<String>,
    configs: Vec<ConfigInfo>,
}

#[derive(Serialize)]
pub(crate) struct ConfigInfo {
    definition: Option<ConfigKeyInfo>,
    value: Option<ConfigValueInfo>,
}

#[derive(Serialize)]
pub(crate) struct ConfigKeyInfo {
    name: String,
    #[serde(rename = "type")]
    config_type: &'static str,
    required: bool,
    default_value: Option<String>,
    importance: &'static str,
    documentation: String,
    group: Option<String>,
    order_in_group: i32,
    width: &'static str,
    display_name: String,
    dependents: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct ConfigValueInfo {
    name: String,
    value: Option<String>,
    recommended_values: Vec<String>,
    errors: Vec<String>,
    visible: bool,
}

fn type_name(connector_type: herder::ConnectorType) -> &'static str {
    match connector_type {
        herder::ConnectorType::Source => "source",
        herder::ConnectorType::Sink => "sink",
        herder::ConnectorType::Unknown => "unknown",
    }
}

impl From<herder::ServerInfo> for ServerInfo {
    fn from(info: herder::ServerInfo) -> Self {
        Self { version: info.version, commit: info.commit, kafka_cluster_id: info.kafka_cluster_id }
    }
}

impl From<ConnectorTaskId> for TaskId {
    fn from(id: ConnectorTaskId) -> Self {
        Self { connector: id.connector, task: id.task }
    }
}

impl From<herder::ConnectorInfo> for ConnectorInfo {
    fn from(info: herder::ConnectorInfo) -> Self {
        Self {
            name: info.name,
            config: info.config,
            tasks: info.tasks.into_iter().map(TaskId::from).collect(),
            connector_type: type_name(info.connector_type),
        }
    }
}

impl From<herder::ConnectorState> for ConnectorState {
    fn from(state: herder::ConnectorState) -> Self {
        Self { state: state.state.name(), worker_id: state.worker_id, version: state.version, trace: state.trace }
    }
}

impl From<herder::TaskState> for TaskState {
    fn from(task: herder::TaskState) -> Self {
        Self { id: task.id, status: task.status.into() }
    }
}

impl From<herder::ConnectorStateInfo> for ConnectorStateInfo {
    fn from(info: herder::ConnectorStateInfo) -> Self {
        Self {
            name: info.name,
            connector: info.connector.into(),
            tasks: info.tasks.into_iter().map(TaskState::from).collect(),
            connector_type: type_name(info.connector_type),
        }
    }
}

impl From<herder::TaskInfo> for TaskInfo {
    fn from(info: herder::TaskInfo) -> Self {
        Self { id: info.id.into(), config: info.config }
    }
}

impl From<herder::PluginInfo> for PluginInfo {
    fn from(info: herder::PluginInfo) -> Self {
        Self { class: info.class, plugin_type: info.plugin_type, version: info.version }
    }
}

impl From<herder::ConnectorOffset> for Offset {
    fn from(offset: herder::ConnectorOffset) -> Self {
        Self { partition: offset.partition, offset: offset.offset }
    }
}

impl From<herder::LoggerLevel> for LoggerLevel {
    fn from(level: herder::LoggerLevel) -> Self {
        Self { level: level.level, last_modified: level.last_modified_ms }
    }
}

impl From<validation::ConfigInfos> for ConfigInfos {
    fn from(infos: validation::ConfigInfos) -> Self {
        let configs = infos.configs.into_iter().map(|info| ConfigInfo {
            definition: info.definition.map(ConfigKeyInfo::from),
            value: info.value.map(ConfigValueInfo::from),
        });
        Self { name: infos.name, error_count: infos.error_count, groups: infos.groups, configs: configs.collect() }
    }
}

impl From<validation::ConfigKeyInfo> for ConfigKeyInfo {
    fn from(key: validation::ConfigKeyInfo) -> Self {
        Self {
            name: key.name,
            config_type: key.config_type,
            required: key.required,
            default_value: key.default_value,
            importance: key.importance,
            documentation: key.documentation,
            group: key.group,
            order_in_group: key.order,
            width: key.width,
            display_name: key.display_name,
            dependents: key.dependents,
        }
    }
}

impl From<validation::ConfigValueInfo> for ConfigValueInfo {
    fn from(value: validation::ConfigValueInfo) -> Self {
        Self {
            name: value.name,
            value: value.value,
            recommended_values: value.recommended_values,
            errors: value.errors,
            visible: value.visible,
        }
    }
}
