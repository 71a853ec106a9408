//! The reader of the config topic as a pure state machine (connect-worker.md 2.2, appendix C).
//!
//! Invariant 4: this is the only place where cluster state changes, record by record in log order. The stores feed it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sluice_api::Properties;

use super::ConfigUpdate;
use super::records::{ConfigRecord, Rejected};
use super::state::{ClusterConfigState, ConnectorTaskId, TargetState};

/// The state so far, and what is not committed yet.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// Copied on write: only when somebody holds a snapshot while a record changes the state.
    state: Arc<ClusterConfigState>,
    /// Task configs without a commit so far. An emptied map stays: it counts for the generation as in Kafka Connect.
    deferred: HashMap<String, BTreeMap<u32, Properties>>,
    started: bool,
}

impl Replay {
    /// From now on changes are reported: the initial read is done.
    pub(super) fn mark_started(&mut self) {
        self.started = true;
    }

    /// The state as of the last record.
    pub(super) fn snapshot(&self) -> Arc<ClusterConfigState> {
        Arc::clone(&self.state)
    }

    /// Takes the next record of the topic. Corrupt and unknown records are logged and skipped.
    pub(super) fn read(&mut self, offset: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> Option<ConfigUpdate> {
        let parsed = ConfigRecord::parse(key, value);
        if !matches!(parsed, Err(Rejected::Unreadable(_))) {
            self.state_mut().offset = offset + 1;
        }
        match parsed {
            Ok(record) => self.apply(record),
            Err(Rejected::Unreadable(reason) | Rejected::Ignored(reason)) => {
                let key = key.map(String::from_utf8_lossy);
                tracing::error!(offset, key = key.as_deref(), reason, "record of the config topic skipped");
                None
            }
        }
    }

    /// Applies a record; the update to report, if the store has started.
    pub(super) fn apply(&mut self, record: ConfigRecord) -> Option<ConfigUpdate> {
        let update = match record {
            ConfigRecord::TargetState(connector, state) => self.target_state(connector, state),
            ConfigRecord::Connector(connector, Some(config)) => Some(self.connector_config(connector, config)),
            ConfigRecord::Connector(connector, None) => {
                self.purge(&connector);
                Some(ConfigUpdate::ConnectorRemoved(connector))
            }
            ConfigRecord::Task(id, config) => {
                self.deferred.entry(id.connector).or_default().insert(id.task, config);
                None
            }
            ConfigRecord::Commit(connector, tasks) => self.commit(connector, tasks),
            ConfigRecord::Restart(request) => Some(ConfigUpdate::Restart(request)),
            ConfigRecord::Fencing(connector, tasks) => {
                let state = self.state_mut();
                state.pending_fencing.remove(&connector);
                state.fencing_counts.insert(connector, tasks);
                None
            }
            ConfigRecord::SessionKey(key) => {
                self.state_mut().session_key = Some(key.clone());
                Some(ConfigUpdate::SessionKey(key))
            }
            ConfigRecord::LoggerLevel(namespace, level) => Some(ConfigUpdate::LoggerLevel { namespace, level }),
        };
        update.filter(|_| self.started)
    }

    fn state_mut(&mut self) -> &mut ClusterConfigState {
        Arc::make_mut(&mut self.state)
    }

    /// A tombstone is not reported (the connector's removal is), nor is a state before its connector or an unchanged one.
    fn target_state(&mut self, connector: String, new: Option<TargetState>) -> Option<ConfigUpdate> {
        let state = self.state_mut();
        let known = state.contains(&connector);
        match new {
            Some(new) => {
                let previous = state.target_states.insert(connector.clone(), new);
                (known && previous != Some(new)).then_some(ConfigUpdate::TargetState(connector))
            }
            None if known => {
                state.target_states.insert(connector, TargetState::Started);
                None
            }
            None => {
                state.target_states.remove(&connector);
                None
            }
        }
    }

    fn connector_config(&mut self, connector: String, config: Properties) -> ConfigUpdate {
        let state = self.state_mut();
        state.connector_configs.insert(connector.clone(), config);
        state.target_states.entry(connector.clone()).or_insert(TargetState::Started);
        ConfigUpdate::ConnectorConfig(connector)
    }

    /// Forgets configs and tasks. Target state (it has a tombstone of its own), fencing, generation and the inconsistency
    /// mark stay, as in Kafka Connect.
    fn purge(&mut self, connector: &str) {
        self.deferred.remove(connector);
        let state = self.state_mut();
        state.connector_configs.shift_remove(connector);
        state.task_counts.remove(connector);
        state.applied_configs.remove(connector);
        state.task_configs.retain(|id, _| id.connector != connector);
    }

    fn commit(&mut self, connector: String, tasks: Option<u32>) -> Option<ConfigUpdate> {
        let Some(applied) = self.state.connector_configs.get(&connector).cloned() else {
            // Left over from a deleted connector whose other records are compacted away.
            self.purge(&connector);
            return None;
        };
        let Some(tasks) = tasks else {
            tracing::error!(connector, "commit of task configs skipped: its value is not a task count");
            return None;
        };
        let deferred = self.deferred.get_mut(&connector).map(std::mem::take);
        let updated = if is_complete(deferred.as_ref(), tasks) {
            self.commit_complete(&connector, applied, deferred)
        } else {
            // Compaction took some of the task configs away; a complete set has to be written again.
            self.state_mut().inconsistent.insert(connector.clone());
            Vec::new()
        };
        let state = self.state_mut();
        state.task_counts.insert(connector.clone(), tasks);
        state.pending_fencing.insert(connector.clone());
        Some(ConfigUpdate::TaskConfigs(connector, updated))
    }

    fn commit_complete(
        &mut self,
        connector: &str,
        applied: Properties,
        deferred: Option<BTreeMap<u32, Properties>>,
    ) -> Vec<ConnectorTaskId> {
        let state = self.state_mut();
        state.inconsistent.remove(connector);
        state.applied_configs.insert(connector.to_owned(), applied);
        let Some(deferred) = deferred else { return Vec::new() };
        let generations = &mut state.task_config_generations;
        generations.entry(connector.to_owned()).and_modify(|generation| *generation += 1).or_insert(0);
        let mut updated = Vec::with_capacity(deferred.len());
        for (task, config) in deferred {
            let id = ConnectorTaskId { connector: connector.to_owned(), task };
            state.task_configs.insert(id.clone(), config);
            updated.push(id);
        }
        updated
    }
}

/// Whether every task from 0 to `tasks` - 1 is there; more may be, left from a larger set that compaction did not take yet.
fn is_complete(deferred: Option<&BTreeMap<u32, Properties>>, tasks: u32) -> bool {
    let present = deferred.map_or(0, |deferred| deferred.range(..tasks).count());
    u32::try_from(present) == Ok(tasks)
}

#[cfg(test)]
mod tests;
