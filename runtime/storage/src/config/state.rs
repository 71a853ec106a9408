//! The desired state of the cluster as read from the config topic.

use std::collections::{HashMap, HashSet};
use std::fmt;

use indexmap::IndexMap;
use sluice_api::Properties;

/// A task of a connector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectorTaskId {
    /// The connector.
    pub connector: String,
    /// The number of the task.
    pub task: u32,
}

impl TargetState {
    /// The name in the config topic.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
        }
    }

    /// The state of that name, in capitals as in the config topic.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Started, Self::Paused, Self::Stopped].into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for ConnectorTaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

/// What a user wants a connector to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetState {
    /// Running.
    Started,
    /// Tasks exist but do nothing.
    Paused,
    /// There are no tasks.
    Stopped,
}

/// A request to restart a connector and, as the flags say, its tasks (KIP-745).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RestartRequest {
    /// The connector.
    pub connector: String,
    /// Only what is FAILED.
    pub only_failed: bool,
    /// The tasks too.
    pub include_tasks: bool,
}

/// The key that internal requests are signed with (KIP-507). `Debug` hides it (Invariant 9).
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey {
    /// The raw key.
    pub key: Vec<u8>,
    /// The name of the MAC.
    pub algorithm: String,
    /// Milliseconds since the epoch.
    pub creation_timestamp_ms: i64,
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// A snapshot of the config topic.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterConfigState {
    /// Last offset that was read + 1: the config offset of the group protocol. -1 before the first record.
    pub offset: i64,
    /// The newest session key.
    pub session_key: Option<SessionKey>,
    /// Raw connector configs, in order of first appearance.
    pub connector_configs: IndexMap<String, Properties>,
    /// Target states.
    pub target_states: HashMap<String, TargetState>,
    /// Committed task counts.
    pub task_counts: HashMap<String, u32>,
    /// Committed task configs, raw.
    pub task_configs: HashMap<ConnectorTaskId, Properties>,
    /// The connector config as of the last commit of its tasks.
    pub applied_configs: HashMap<String, Properties>,
    /// The number of the last committed set of task configs.
    pub task_config_generations: HashMap<String, i32>,
    /// Last fencing counts.
    pub fencing_counts: HashMap<String, u32>,
    /// Connectors with a commit after their last fencing record.
    pub pending_fencing: HashSet<String>,
    /// Connectors whose last commit was incomplete: they have no tasks until a complete one is written.
    pub inconsistent: HashSet<String>,
}

impl Default for ClusterConfigState {
    /// The state before the first record.
    fn default() -> Self {
        Self {
            offset: -1,
            session_key: None,
            connector_configs: IndexMap::new(),
            target_states: HashMap::new(),
            task_counts: HashMap::new(),
            task_configs: HashMap::new(),
            applied_configs: HashMap::new(),
            task_config_generations: HashMap::new(),
            fencing_counts: HashMap::new(),
            pending_fencing: HashSet::new(),
            inconsistent: HashSet::new(),
        }
    }
}

impl ClusterConfigState {
    /// Whether the connector exists.
    pub fn contains(&self, connector: &str) -> bool {
        self.connector_configs.contains_key(connector)
    }

    /// The names of all connectors.
    pub fn connectors(&self) -> impl Iterator<Item = &str> {
        self.connector_configs.keys().map(String::as_str)
    }

    /// The ids of the connector's tasks; none while it is inconsistent.
    pub fn tasks(&self, connector: &str) -> Vec<ConnectorTaskId> {
        if self.inconsistent.contains(connector) {
            return Vec::new();
        }
        let count = self.task_counts.get(connector).copied().unwrap_or(0);
        (0..count).map(|task| ConnectorTaskId { connector: connector.to_owned(), task }).collect()
    }

    /// The target state; STARTED for a known connector without one.
    pub fn target_state(&self, connector: &str) -> Option<TargetState> {
        let known = self.contains(connector).then_some(TargetState::Started);
        self.target_states.get(connector).copied().or(known)
    }
}
