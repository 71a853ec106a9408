//! The statuses as last read, and what is known about writes that are not read back yet.

use std::collections::{BTreeMap, HashMap};

use super::records::{StatusKey, parse_status, parse_topic};
use super::{State, StatusEntry, TaskStatus, TopicStatus};
use crate::ConnectorTaskId;

/// All statuses. Invariant 4 holds here too: what is shown is what was read.
#[derive(Debug, Default)]
pub(super) struct StatusTable {
    connectors: HashMap<String, Slot>,
    tasks: HashMap<String, BTreeMap<u32, Slot>>,
    topics: HashMap<String, BTreeMap<String, TopicStatus>>,
    /// The group generation of the last write.
    generation: i32,
    slots: u64,
}

/// The place of one status. It comes into being with the first write or read and goes with the tombstone.
#[derive(Debug)]
struct Slot {
    id: u64,
    /// The value last read.
    value: Option<StatusEntry>,
    /// The number of writes.
    sequence: u64,
}

/// What a write has to remember so that it can be judged again before a retry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    slot: u64,
    sequence: u64,
    generation: i32,
}

impl StatusTable {
    /// Takes the next record of the topic.
    pub(super) fn read(&mut self, key: &[u8], value: Option<&[u8]>) {
        let Some(key) = StatusKey::parse(key) else {
            tracing::warn!(key = %String::from_utf8_lossy(key), "record of the status topic with an invalid key skipped");
            return;
        };
        let problem = match (&key, value) {
            (StatusKey::Connector(_) | StatusKey::Task(_), Some(value)) => {
                parse_status(value).map(|status| self.read_status(&key, status)).err()
            }
            (StatusKey::Topic { topic, connector }, Some(value)) => {
                parse_topic(value).map(|status| self.read_topic(topic, connector, status)).err()
            }
            (_, None) => {
                self.remove(&key);
                None
            }
        };
        if let Some(reason) = problem {
            tracing::error!(key = key.to_text(), reason, "record of the status topic skipped");
        }
    }

    /// Takes a status of this very process, as Kafka Connect's store in memory does: there is no other owner who could be late.
    pub(super) fn put(&mut self, key: &StatusKey, status: StatusEntry) {
        match status.state {
            State::Destroyed => self.remove(key),
            _ => self.slot(key).value = Some(status),
        }
    }

    fn read_status(&mut self, key: &StatusKey, status: StatusEntry) {
        let slot = self.slot(key);
        if let (StatusKey::Task(_), Some(current)) = (key, &slot.value) {
            // Its new owner was faster than the old one that gave it up.
            let stale = status.state == State::Unassigned
                && current.state == State::Running
                && current.generation >= status.generation;
            if stale {
                return;
            }
        }
        slot.value = Some(status);
    }

    fn read_topic(&mut self, topic: &str, connector: &str, status: TopicStatus) {
        self.topics.entry(connector.to_owned()).or_default().insert(topic.to_owned(), status);
    }

    fn remove(&mut self, key: &StatusKey) {
        match key {
            StatusKey::Connector(connector) => {
                self.connectors.remove(connector);
                self.tasks.remove(connector);
            }
            StatusKey::Task(id) => {
                if let Some(tasks) = self.tasks.get_mut(&id.connector) {
                    tasks.remove(&id.task);
                }
            }
            StatusKey::Topic { topic, connector } => {
                if let Some(topics) = self.topics.get_mut(connector) {
                    topics.remove(topic);
                }
            }
        }
    }

    /// Notes that a status is about to be written. `None` when the write is `safe` and a newer owner has written already.
    pub(super) fn claim(&mut self, key: &StatusKey, status: &StatusEntry, safe: bool) -> Option<Claim> {
        self.generation = status.generation;
        let slot = self.slot(key);
        if safe && !slot.may_be_overwritten_by(status) {
            return None;
        }
        slot.sequence += 1;
        Some(Claim { slot: slot.id, sequence: slot.sequence, generation: status.generation })
    }

    /// Whether a failed write shall be tried again: not after the status was deleted, not after another was written, not
    /// in another generation, and a safe one only while it is still safe.
    pub(super) fn may_retry(&self, key: &StatusKey, status: &StatusEntry, claim: Claim, safe: bool) -> bool {
        self.existing_slot(key).is_some_and(|slot| {
            slot.id == claim.slot
                && slot.sequence == claim.sequence
                && self.generation == claim.generation
                && (!safe || slot.may_be_overwritten_by(status))
        })
    }

    fn slot(&mut self, key: &StatusKey) -> &mut Slot {
        self.slots += 1;
        let new = Slot { id: self.slots, value: None, sequence: 0 };
        match key {
            StatusKey::Connector(connector) => self.connectors.entry(connector.clone()).or_insert(new),
            StatusKey::Task(id) => self.tasks.entry(id.connector.clone()).or_default().entry(id.task).or_insert(new),
            StatusKey::Topic { .. } => unreachable!("topics have no slots"),
        }
    }

    fn existing_slot(&self, key: &StatusKey) -> Option<&Slot> {
        match key {
            StatusKey::Connector(connector) => self.connectors.get(connector),
            StatusKey::Task(id) => self.tasks.get(&id.connector)?.get(&id.task),
            StatusKey::Topic { .. } => None,
        }
    }

    pub(super) fn connector(&self, connector: &str) -> Option<StatusEntry> {
        self.connectors.get(connector)?.value.clone()
    }

    pub(super) fn task(&self, id: &ConnectorTaskId) -> Option<StatusEntry> {
        self.tasks.get(&id.connector)?.get(&id.task)?.value.clone()
    }

    pub(super) fn tasks(&self, connector: &str) -> Vec<TaskStatus> {
        let Some(tasks) = self.tasks.get(connector) else { return Vec::new() };
        let status = |(task, slot): (&u32, &Slot)| {
            let id = ConnectorTaskId { connector: connector.to_owned(), task: *task };
            slot.value.clone().map(|status| TaskStatus { id, status })
        };
        tasks.iter().filter_map(status).collect()
    }

    /// Those written by this worker and not read back yet count too.
    pub(super) fn connectors(&self) -> Vec<String> {
        self.connectors.keys().cloned().collect()
    }

    pub(super) fn topic(&self, connector: &str, topic: &str) -> Option<TopicStatus> {
        self.topics.get(connector)?.get(topic).cloned()
    }

    pub(super) fn topics(&self, connector: &str) -> Vec<TopicStatus> {
        self.topics.get(connector).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }
}

impl Slot {
    /// The rule of safe writes; it is judged on the value last read.
    fn may_be_overwritten_by(&self, status: &StatusEntry) -> bool {
        self.value
            .as_ref()
            .is_none_or(|value| value.worker_id == status.worker_id || value.generation <= status.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectorTaskId, State, StatusEntry, StatusKey, StatusTable};
    use crate::status::records::status_value;

    fn status(state: State, worker: &str, generation: i32) -> StatusEntry {
        StatusEntry { state, trace: None, worker_id: worker.into(), generation, version: None }
    }

    fn task() -> ConnectorTaskId {
        ConnectorTaskId { connector: "c".into(), task: 0 }
    }

    fn read(table: &mut StatusTable, key: &StatusKey, status: &StatusEntry) {
        table.read(key.to_text().as_bytes(), status_value(status).as_deref());
    }

    fn connector_key() -> StatusKey {
        StatusKey::Connector("c".into())
    }

    #[test]
    fn a_stale_unassigned_does_not_hide_running() {
        for (state, generation, shown) in [
            (State::Unassigned, 4, State::Running),
            (State::Unassigned, 5, State::Running),
            (State::Unassigned, 6, State::Unassigned),
            (State::Failed, 1, State::Failed),
        ] {
            let mut table = StatusTable::default();
            read(&mut table, &StatusKey::Task(task()), &status(State::Running, "a", 5));
            read(&mut table, &StatusKey::Task(task()), &status(state, "b", generation));
            assert_eq!(table.task(&task()).map(|status| status.state), Some(shown), "{state:?} {generation}");
        }
    }

    #[test]
    fn a_connector_status_always_overwrites() {
        let mut table = StatusTable::default();
        read(&mut table, &connector_key(), &status(State::Running, "a", 5));
        read(&mut table, &connector_key(), &status(State::Unassigned, "b", 1));
        assert_eq!(table.connector("c").map(|status| status.state), Some(State::Unassigned));
    }

    #[test]
    fn a_connector_tombstone_takes_its_tasks_along() {
        let mut table = StatusTable::default();
        read(&mut table, &connector_key(), &status(State::Running, "a", 1));
        read(&mut table, &StatusKey::Task(task()), &status(State::Running, "a", 1));
        assert_eq!(table.tasks("c").len(), 1);
        read(&mut table, &connector_key(), &status(State::Destroyed, "a", 1));
        assert!(table.tasks("c").is_empty() && table.connectors().is_empty());
    }

    #[test]
    fn safe_writes_are_judged_on_the_value_last_read() {
        let mut table = StatusTable::default();
        let ours = status(State::Failed, "a", 3);
        assert!(table.claim(&connector_key(), &ours, true).is_some(), "nothing read");
        for (worker, generation, safe) in [("b", 2, true), ("b", 3, true), ("b", 4, false), ("a", 4, true)] {
            read(&mut table, &connector_key(), &status(State::Running, worker, generation));
            assert_eq!(table.claim(&connector_key(), &ours, true).is_some(), safe, "{worker} {generation}");
            assert!(table.claim(&connector_key(), &ours, false).is_some(), "a plain write is not judged");
        }
    }

    #[test]
    fn a_retry_is_dropped_when_it_is_overtaken() {
        let key = connector_key();
        let ours = status(State::Running, "a", 3);
        let claimed = || {
            let mut table = StatusTable::default();
            let claim = table.claim(&key, &ours, true).expect("nothing read");
            assert!(table.may_retry(&key, &ours, claim, true));
            (table, claim)
        };

        let (mut table, claim) = claimed();
        table.claim(&key, &ours, false).expect("a plain write");
        assert!(!table.may_retry(&key, &ours, claim, true), "written again");

        let (mut table, claim) = claimed();
        read(&mut table, &key, &status(State::Destroyed, "a", 3));
        assert!(!table.may_retry(&key, &ours, claim, false), "deleted");
        table.claim(&key, &ours, false).expect("a plain write");
        assert!(!table.may_retry(&key, &ours, claim, false), "deleted and new");

        let (mut table, claim) = claimed();
        let other = StatusKey::Connector("other".into());
        table.claim(&other, &status(State::Running, "a", 4), false).expect("a plain write");
        assert!(!table.may_retry(&key, &ours, claim, false), "another generation");

        let (mut table, claim) = claimed();
        read(&mut table, &key, &status(State::Running, "b", 9));
        assert!(!table.may_retry(&key, &ours, claim, true), "no longer safe");
        assert!(table.may_retry(&key, &ours, claim, false), "a plain write is not judged");
    }

    #[test]
    fn corrupt_records_change_nothing() {
        let mut table = StatusTable::default();
        read(&mut table, &connector_key(), &status(State::Running, "a", 1));
        table.read(b"status-connector-c", Some(b"not json"));
        table.read(b"foo", Some(b"{}"));
        table.read(b"\xff", None);
        assert_eq!(table.connector("c"), Some(status(State::Running, "a", 1)));
    }
}
