//! Answers that need no loop: what the stores and the registry show. Shared by both herders.

use indexmap::IndexMap;
use sluice_api::connector::OUTSIDE_DEADLINE;
use sluice_api::{ConnectorKind, Properties};
use sluice_plugins::Registry;
use sluice_storage::{ClusterConfigState, ConnectorTaskId, StatusBackingStore, StatusEntry, TargetState};
use sluice_worker::config::WorkerConfig;
use sluice_worker::config::providers::is_config_provider;
use sluice_worker::config::validation::{
    ConfigInfos, ConfigKeyInfo, plugin_config, validate_connector_config_with_nulls,
};

use crate::{
    ConnectorInfo, ConnectorState, ConnectorStateInfo, ConnectorType, HerderError, PluginInfo, SentConfig, ServerInfo,
    TaskInfo, TaskState,
};

/// The version that `GET /` shows: the Kafka Connect that we are compatible with, then our own.
pub const COMPATIBLE_VERSION: &str = concat!("4.3.0-sluice-", env!("CARGO_PKG_VERSION"));

/// `GET /`.
pub(crate) fn server_info(kafka_cluster_id: Option<String>) -> ServerInfo {
    let commit = option_env!("SLUICE_COMMIT").unwrap_or("unknown").to_owned();
    ServerInfo { version: COMPATIBLE_VERSION.to_owned(), commit, kafka_cluster_id }
}

/// The type that the class in `config` has here.
pub(crate) fn connector_type(registry: &Registry, config: Option<&Properties>) -> ConnectorType {
    let plugin =
        config.and_then(|config| config.get("connector.class")).and_then(|class| registry.connector(class).ok());
    match plugin.map(|plugin| plugin.kind()) {
        Some(ConnectorKind::Source) => ConnectorType::Source,
        Some(ConnectorKind::Sink) => ConnectorType::Sink,
        None => ConnectorType::Unknown,
    }
}

/// A connector with its raw config.
pub(crate) fn connector_info(
    registry: &Registry,
    snapshot: &ClusterConfigState,
    connector: &str,
) -> Option<ConnectorInfo> {
    let config = snapshot.connector_configs.get(connector)?.clone();
    let connector_type = connector_type(registry, Some(&config));
    Some(ConnectorInfo { name: connector.to_owned(), config, tasks: snapshot.tasks(connector), connector_type })
}

/// A connector's tasks with their raw configs; `None` when it does not exist.
pub(crate) fn task_infos(snapshot: &ClusterConfigState, connector: &str) -> Option<Vec<TaskInfo>> {
    snapshot.contains(connector).then(|| {
        let tasks = snapshot.tasks(connector).into_iter();
        tasks.map(|id| TaskInfo { config: snapshot.task_configs.get(&id).cloned(), id }).collect()
    })
}

/// A connector's raw config with `patch` applied, `None` deleting a key; `None` when it does not exist.
pub(crate) fn patched(
    snapshot: &ClusterConfigState,
    connector: &str,
    patch: IndexMap<String, Option<String>>,
) -> Option<Properties> {
    let mut config = snapshot.connector_configs.get(connector)?.clone();
    for (key, value) in patch {
        match value {
            Some(value) => config.insert(key, value),
            None => config.shift_remove(&key),
        };
    }
    Some(config)
}

/// Refuses to alter offsets of a connector that is not stopped.
pub(crate) fn check_stopped(snapshot: &ClusterConfigState, connector: &str) -> Result<(), HerderError> {
    let stopped = snapshot.target_state(connector) == Some(TargetState::Stopped);
    if stopped && snapshot.task_counts.get(connector).copied().unwrap_or(0) == 0 {
        return Ok(());
    }
    Err(HerderError::BadRequest(format!(
        "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the \
         specified connector by issuing a 'PUT' request to the '/connectors/{connector}/stop' endpoint"
    )))
}

/// A stored status as REST shows it.
pub(crate) fn state_of(status: &StatusEntry) -> ConnectorState {
    ConnectorState {
        state: status.state,
        worker_id: status.worker_id.clone(),
        trace: status.trace.clone().filter(|trace| !trace.is_empty()),
        version: status.version.clone(),
    }
}

/// `GET /connectors/C/status`.
pub(crate) fn connector_status(
    registry: &Registry,
    snapshot: &ClusterConfigState,
    statuses: &dyn StatusBackingStore,
    connector: &str,
) -> Result<ConnectorStateInfo, HerderError> {
    let status = statuses.connector(connector);
    let status = status.ok_or_else(|| HerderError::NotFound(format!("No status found for connector {connector}")))?;
    let tasks = statuses.tasks(connector);
    Ok(ConnectorStateInfo {
        name: connector.to_owned(),
        connector: state_of(&status),
        tasks: tasks.iter().map(|task| TaskState { id: task.id.task, status: state_of(&task.status) }).collect(),
        connector_type: connector_type(registry, snapshot.connector_configs.get(connector)),
    })
}

/// `GET /connectors/C/tasks/N/status`.
pub(crate) fn task_status(statuses: &dyn StatusBackingStore, id: &ConnectorTaskId) -> Result<TaskState, HerderError> {
    let status = statuses.task(id).ok_or_else(|| HerderError::NotFound(format!("No status found for task {id}")))?;
    Ok(TaskState { id: id.task, status: state_of(&status) })
}

/// `GET /connectors/C/topics`.
pub(crate) fn active_topics(
    config: &WorkerConfig,
    statuses: &dyn StatusBackingStore,
    connector: &str,
) -> Result<Vec<String>, HerderError> {
    if !config.topic_tracking_enable {
        return Err(HerderError::Forbidden("Topic tracking is disabled.".to_owned()));
    }
    Ok(statuses.topics(connector).into_iter().map(|status| status.topic).collect())
}

/// `PUT /connectors/C/topics/reset`.
pub(crate) fn reset_active_topics(
    config: &WorkerConfig,
    statuses: &dyn StatusBackingStore,
    connector: &str,
) -> Result<(), HerderError> {
    let topics = active_topics(config, statuses, connector)?;
    if !config.topic_tracking_allow_reset {
        return Err(HerderError::Forbidden("Topic tracking reset is disabled.".to_owned()));
    }
    topics.iter().for_each(|topic| statuses.delete_topic(connector, topic));
    Ok(())
}

/// `GET /connector-plugins`.
pub(crate) fn connector_plugins(registry: &Registry, connectors_only: bool) -> Vec<PluginInfo> {
    let info = |desc: sluice_plugins::PluginDesc| PluginInfo {
        class: desc.class,
        plugin_type: desc.plugin_type.name(),
        version: Some(desc.version).filter(|version| !version.is_empty()),
    };
    registry.list(connectors_only).into_iter().map(info).collect()
}

/// `GET /connector-plugins/P/config`.
pub(crate) fn connector_plugin_config(registry: &Registry, plugin: &str) -> Result<Vec<ConfigKeyInfo>, HerderError> {
    if is_config_provider(plugin) {
        return Err(HerderError::BadRequest(format!(
            "Invalid plugin class {plugin}. Valid types are sink, source, converter, header_converter, transformation, \
             predicate."
        )));
    }
    plugin_config(registry, plugin).ok_or_else(|| HerderError::NotFound(format!("Unknown plugin {plugin}.")))
}

/// Validates a connector's config and gives what validation found, in terms of what the client sent: what its variables stand for
/// is looked at and not shown (Invariant 9). The servers that it names are looked at when nothing else is wrong.
pub(crate) async fn validate(
    registry: &Registry,
    worker: &WorkerConfig,
    config: &SentConfig,
) -> Result<ConfigInfos, HerderError> {
    let resolved = worker.providers.transform(&config.properties)?.properties;
    let mut infos = validate_connector_config_with_nulls(registry, worker, &resolved, &config.nulls)?;
    look_outside(registry, &resolved, &mut infos).await;
    infos.unresolve(&config.properties, &resolved);
    Ok(infos)
}

/// What the connector finds wrong with the servers that its config names. Invariant 8: on a thread that may block, with a deadline.
async fn look_outside(registry: &Registry, resolved: &Properties, infos: &mut ConfigInfos) {
    const CLASS: &str = "connector.class";
    let Some(Ok(plugin)) = resolved.get(CLASS).map(|class| registry.connector(class)) else { return };
    if infos.error_count > 0 || !plugin.looks_outside() {
        return;
    }
    let (plugin, properties) = (plugin.clone(), resolved.clone());
    let look = tokio::task::spawn_blocking(move || plugin.validate_outside(&properties));
    match tokio::time::timeout(OUTSIDE_DEADLINE, look).await {
        Ok(Ok(found)) => found.into_iter().for_each(|(key, message)| infos.add_error(&key, message)),
        Ok(Err(error)) => infos.add_error(CLASS, format!("looking at what the configuration names failed: {error}")),
        Err(_) => infos.add_error(
            CLASS,
            format!("what the configuration names did not answer within {} s", OUTSIDE_DEADLINE.as_secs()),
        ),
    }
}

/// Validates a connector's config and refuses it when anything is wrong.
pub(crate) async fn validated(
    registry: &Registry,
    worker: &WorkerConfig,
    config: &SentConfig,
) -> Result<(), HerderError> {
    refused(&validate(registry, worker, config).await?)
}

/// As [`validated`], without a look at servers: for a loop that may not wait.
pub(crate) fn validated_inside(
    registry: &Registry,
    worker: &WorkerConfig,
    config: &SentConfig,
) -> Result<(), HerderError> {
    let resolved = worker.providers.transform(&config.properties)?.properties;
    let mut infos = validate_connector_config_with_nulls(registry, worker, &resolved, &config.nulls)?;
    infos.unresolve(&config.properties, &resolved);
    refused(&infos)
}

fn refused(infos: &ConfigInfos) -> Result<(), HerderError> {
    infos.error_message().map_or(Ok(()), |message| Err(HerderError::BadRequest(message)))
}
