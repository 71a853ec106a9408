//! Keys and values of the config topic, both ways (connect-worker.md 2.2). Invariant 6: the bytes are Kafka Connect's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use sluice_api::{Properties, Value};
use sluice_converters::json::{parse_json, to_json_bytes};

use super::state::{ConnectorTaskId, RestartRequest, SessionKey, TargetState};
use crate::json::{field, object, text_field};

const TARGET_STATE_PREFIX: &str = "target-state-";
const CONNECTOR_PREFIX: &str = "connector-";
const TASK_PREFIX: &str = "task-";
const COMMIT_PREFIX: &str = "commit-";
const RESTART_PREFIX: &str = "restart-connector-";
const FENCING_PREFIX: &str = "tasks-fencing-";
const LOGGER_PREFIX: &str = "logger-cluster-";
const SESSION_KEY: &str = "session-key";

/// A record of the config topic.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ConfigRecord {
    /// `target-state-C`; `None` is the tombstone.
    TargetState(String, Option<TargetState>),
    /// `connector-C`; `None` is the tombstone.
    Connector(String, Option<Properties>),
    /// `task-C-N`.
    Task(ConnectorTaskId, Properties),
    /// `commit-C`; `None` when the value is not a task count, which still purges what an unknown connector left behind.
    Commit(String, Option<u32>),
    /// `restart-connector-C`.
    Restart(RestartRequest),
    /// `tasks-fencing-C`.
    Fencing(String, u32),
    /// `session-key`.
    SessionKey(SessionKey),
    /// `logger-cluster-NS`.
    LoggerLevel(String, String),
}

/// Why a record has no effect. The texts name the place, never a value (Invariant 9).
#[derive(Debug, PartialEq)]
pub(super) enum Rejected {
    /// The value is not JSON: as if the record were not there, the config offset does not move.
    Unreadable(String),
    /// The value is JSON, the record is not one of ours.
    Ignored(String),
}

impl ConfigRecord {
    /// What a connector's config is written as: the target state first, so that no worker sees the connector without it.
    pub(super) fn for_connector(connector: &str, config: &Properties, target_state: Option<TargetState>) -> Vec<Self> {
        let target_state = target_state.map(|state| Self::TargetState(connector.to_owned(), Some(state)));
        target_state.into_iter().chain([Self::Connector(connector.to_owned(), Some(config.clone()))]).collect()
    }

    /// What a connector is removed with. Task configs stay: without the connector they count for nothing.
    pub(super) fn for_removal(connector: &str) -> [Self; 2] {
        [Self::Connector(connector.to_owned(), None), Self::TargetState(connector.to_owned(), None)]
    }

    /// A connector's task configs, without their commit.
    pub(super) fn for_tasks(connector: &str, configs: &[Properties]) -> Vec<Self> {
        let id = |task| ConnectorTaskId { connector: connector.to_owned(), task };
        (0..).zip(configs).map(|(task, config)| Self::Task(id(task), config.clone())).collect()
    }

    /// The commit of `tasks` task configs.
    pub(super) fn for_commit(connector: &str, tasks: usize) -> Self {
        // A set of more tasks than fit into 32 bits does not fit into memory either.
        Self::Commit(connector.to_owned(), u32::try_from(tasks).ok())
    }

    /// The key of the record.
    pub(super) fn key(&self) -> String {
        match self {
            Self::TargetState(connector, _) => format!("{TARGET_STATE_PREFIX}{connector}"),
            Self::Connector(connector, _) => format!("{CONNECTOR_PREFIX}{connector}"),
            Self::Task(id, _) => format!("{TASK_PREFIX}{}-{}", id.connector, id.task),
            Self::Commit(connector, _) => format!("{COMMIT_PREFIX}{connector}"),
            Self::Restart(request) => format!("{RESTART_PREFIX}{}", request.connector),
            Self::Fencing(connector, _) => format!("{FENCING_PREFIX}{connector}"),
            Self::SessionKey(_) => SESSION_KEY.to_owned(),
            Self::LoggerLevel(namespace, _) => format!("{LOGGER_PREFIX}{namespace}"),
        }
    }

    /// The value of the record; `None` is a tombstone.
    pub(super) fn value(&self) -> Option<Bytes> {
        let value = match self {
            Self::TargetState(_, state) => target_state_value((*state)?),
            Self::Connector(_, config) => properties_value(config.as_ref()?),
            Self::Task(_, config) => properties_value(config),
            Self::Commit(_, tasks) => object([("tasks", Value::Int64(i64::from((*tasks)?)))]),
            Self::Restart(request) => object([
                ("include-tasks", Value::Boolean(request.include_tasks)),
                ("only-failed", Value::Boolean(request.only_failed)),
            ]),
            Self::Fencing(_, tasks) => object([("task-count", Value::Int64(i64::from(*tasks)))]),
            Self::SessionKey(key) => object([
                ("key", Value::from(BASE64.encode(&key.key))),
                ("algorithm", Value::from(key.algorithm.as_str())),
                ("creation-timestamp", Value::Int64(key.creation_timestamp_ms)),
            ]),
            Self::LoggerLevel(_, level) => object([("level", Value::from(level.as_str()))]),
        };
        Some(to_json_bytes(&value))
    }

    /// Reads a record. Dispatch is by prefix, in Kafka Connect's order.
    pub(super) fn parse(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, Rejected> {
        let value = value
            .map_or(Ok(Value::Null), parse_json)
            .map_err(|_| Rejected::Unreadable("the value is not JSON".to_owned()))?;
        let key = key.ok_or_else(|| Rejected::Ignored("the record has no key".to_owned()))?;
        let key = std::str::from_utf8(key).map_err(|_| Rejected::Ignored("the key is not UTF-8".to_owned()))?;
        parse_value(key, &value).map_err(Rejected::Ignored)
    }
}

fn parse_value(key: &str, value: &Value) -> Result<ConfigRecord, String> {
    if let Some(connector) = key.strip_prefix(TARGET_STATE_PREFIX) {
        parse_target_state(connector, value)
    } else if let Some(connector) = key.strip_prefix(CONNECTOR_PREFIX) {
        let config = if value.is_null() { None } else { Some(parse_properties(value)?) };
        Ok(ConfigRecord::Connector(connector.to_owned(), config))
    } else if key.starts_with(TASK_PREFIX) {
        let id = parse_task_key(key).ok_or("the key names no task: expected `task-<connector>-<number>`")?;
        Ok(ConfigRecord::Task(id, parse_properties(value)?))
    } else if let Some(connector) = key.strip_prefix(COMMIT_PREFIX) {
        Ok(ConfigRecord::Commit(connector.to_owned(), count(value, "tasks").ok()))
    } else if let Some(connector) = key.strip_prefix(RESTART_PREFIX) {
        parse_restart(connector, value)
    } else if let Some(connector) = key.strip_prefix(FENCING_PREFIX) {
        Ok(ConfigRecord::Fencing(connector.to_owned(), count(value, "task-count")?))
    } else if key == SESSION_KEY {
        parse_session_key(value)
    } else if let Some(namespace) = key.strip_prefix(LOGGER_PREFIX) {
        Ok(ConfigRecord::LoggerLevel(namespace.to_owned(), text(value, "level")?))
    } else {
        Err("the key is not one of the config topic's".to_owned())
    }
}

fn target_state_value(state: TargetState) -> Value {
    // Workers before 3.5 know no STOPPED; they see PAUSED.
    let old = if state == TargetState::Stopped { TargetState::Paused } else { state };
    object([("state", Value::from(old.name())), ("state.v2", Value::from(state.name()))])
}

fn parse_target_state(connector: &str, value: &Value) -> Result<ConfigRecord, String> {
    if value.is_null() {
        return Ok(ConfigRecord::TargetState(connector.to_owned(), None));
    }
    let name = match field(value, "state.v2") {
        Value::String(name) => name.to_string(),
        Value::Null => text(value, "state")?,
        other => {
            tracing::error!(
                connector,
                class = other.java_class(),
                "field `state.v2` of a target state is not a string"
            );
            text(value, "state")?
        }
    };
    let state = TargetState::from_name(&name).ok_or("the target state is unknown")?;
    Ok(ConfigRecord::TargetState(connector.to_owned(), Some(state)))
}

fn properties_value(config: &Properties) -> Value {
    object([("properties", object(config.iter().map(|(key, value)| (key.as_str(), Value::from(value.as_str())))))])
}

/// Keys with a null value are left out: a property map here holds no nulls, and an absent key means the same to a parser.
fn parse_properties(value: &Value) -> Result<Properties, String> {
    let Value::Map(fields) = field(value, "properties") else {
        return Err(wrong_field(value, "properties", "a map"));
    };
    let mut properties = Properties::with_capacity(fields.len());
    for (key, value) in fields.iter() {
        let key = key.as_str().unwrap_or_default();
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.to_string(),
            Value::Array(_) | Value::Map(_) => return Err(format!("property `{key}` is not a string")),
            scalar => String::from_utf8_lossy(&to_json_bytes(scalar)).into_owned(),
        };
        properties.insert(key.to_owned(), text);
    }
    Ok(properties)
}

/// `task-<connector>-<number>`; the name may hold dashes. Dashes at the very end do not count, as with Java's `split`.
fn parse_task_key(key: &str) -> Option<ConnectorTaskId> {
    let (connector, task) = key.trim_end_matches('-').strip_prefix(TASK_PREFIX)?.rsplit_once('-')?;
    let task: i32 = task.parse().ok()?;
    Some(ConnectorTaskId { connector: connector.to_owned(), task: u32::try_from(task).ok()? })
}

fn parse_restart(connector: &str, value: &Value) -> Result<ConfigRecord, String> {
    if !matches!(value, Value::Map(_)) {
        return Err(format!("the value should be a map but is {}", value.java_class()));
    }
    Ok(ConfigRecord::Restart(RestartRequest {
        connector: connector.to_owned(),
        only_failed: flag(connector, value, "only-failed"),
        include_tasks: flag(connector, value, "include-tasks"),
    }))
}

fn flag(connector: &str, value: &Value, name: &str) -> bool {
    match field(value, name) {
        Value::Boolean(flag) => *flag,
        other => {
            let class = other.java_class();
            tracing::warn!(
                connector,
                field = name,
                class,
                "field of a restart request is not a boolean, taken as false"
            );
            false
        }
    }
}

fn parse_session_key(value: &Value) -> Result<ConfigRecord, String> {
    let key = BASE64.decode(text(value, "key")?).map_err(|_| "field `key` is not base64")?;
    let algorithm = text(value, "algorithm")?;
    let creation_timestamp_ms = field(value, "creation-timestamp")
        .as_i64()
        .ok_or_else(|| wrong_field(value, "creation-timestamp", "an integer"))?;
    Ok(ConfigRecord::SessionKey(SessionKey { key, algorithm, creation_timestamp_ms }))
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    text_field(value, name).ok_or_else(|| wrong_field(value, name, "a string"))
}

fn count(value: &Value, name: &str) -> Result<u32, String> {
    let number = field(value, name).as_i64().and_then(|number| i32::try_from(number).ok());
    number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| wrong_field(value, name, "a count"))
}

fn wrong_field(value: &Value, name: &str, expected: &str) -> String {
    match value {
        Value::Map(_) => format!("field `{name}` should be {expected} but is {}", field(value, name).java_class()),
        other => format!("the value should be a map but is {}", other.java_class()),
    }
}

#[cfg(test)]
mod tests;
