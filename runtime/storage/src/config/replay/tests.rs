//! The vectors of connect-worker.md, appendix C: records in order, and the state after them (Invariant 4).

use std::sync::Arc;

use proptest::prelude::{any, proptest};
use proptest::sample::select;
use sluice_api::Properties;

use super::Replay;
use crate::config::{ClusterConfigState, ConfigUpdate, ConnectorTaskId, RestartRequest, TargetState};

const CONNECTOR: (&str, &str) = ("connector-c", r#"{"properties":{"name":"c","v":"1"}}"#);
const TASK_0: (&str, &str) = ("task-c-0", r#"{"properties":{"t":"0"}}"#);
const TASK_0_NEW: (&str, &str) = ("task-c-0", r#"{"properties":{"t":"0'"}}"#);
const TASK_1: (&str, &str) = ("task-c-1", r#"{"properties":{"t":"1"}}"#);
const COMMIT_0: (&str, &str) = ("commit-c", r#"{"tasks":0}"#);
const COMMIT_1: (&str, &str) = ("commit-c", r#"{"tasks":1}"#);
const COMMIT_2: (&str, &str) = ("commit-c", r#"{"tasks":2}"#);
const FENCING_2: (&str, &str) = ("tasks-fencing-c", r#"{"task-count":2}"#);
const PAUSED: (&str, &str) = ("target-state-c", r#"{"state":"PAUSED","state.v2":"PAUSED"}"#);
const STOPPED: (&str, &str) = ("target-state-c", r#"{"state":"PAUSED","state.v2":"STOPPED"}"#);
const RESTART: (&str, &str) = ("restart-connector-c", r#"{"include-tasks":true,"only-failed":"x"}"#);

/// A topic that is being read.
#[derive(Default)]
struct Topic {
    replay: Replay,
    next: i64,
    updates: Vec<ConfigUpdate>,
}

impl Topic {
    fn of(records: &[(&str, &str)]) -> Self {
        Self::default().then(records)
    }

    fn started(mut self) -> Self {
        self.replay.mark_started();
        self
    }

    fn then(mut self, records: &[(&str, &str)]) -> Self {
        for (key, value) in records {
            self.put(key, Some(value));
        }
        self
    }

    fn tombstone(mut self, key: &str) -> Self {
        self.put(key, None);
        self
    }

    fn put(&mut self, key: &str, value: Option<&str>) {
        self.updates.extend(self.replay.read(self.next, Some(key.as_bytes()), value.map(str::as_bytes)));
        self.next += 1;
    }

    fn state(&self) -> Arc<ClusterConfigState> {
        self.replay.snapshot()
    }

    fn task_count(&self) -> usize {
        self.state().tasks("c").len()
    }
}

fn id(task: u32) -> ConnectorTaskId {
    ConnectorTaskId { connector: "c".into(), task }
}

fn task_config(topic: &Topic, task: u32) -> Option<String> {
    topic.state().task_configs.get(&id(task)).map(|config: &Properties| config["t"].clone())
}

#[test]
fn nothing_read_is_offset_minus_one() {
    assert_eq!(Topic::default().state().offset, -1);
}

#[test]
fn c1_a_full_set_is_committed() {
    let topic = Topic::of(&[CONNECTOR, TASK_0, TASK_1, COMMIT_2]);
    let state = topic.state();
    assert_eq!(state.tasks("c"), [id(0), id(1)]);
    assert_eq!(state.task_config_generations["c"], 0);
    assert!(state.pending_fencing.contains("c"));
    assert_eq!(state.offset, 4);
    assert_eq!(state.applied_configs["c"], state.connector_configs["c"]);
    assert!(topic.updates.is_empty(), "nothing is reported before the start");
}

#[test]
fn c2_task_configs_wait_for_their_commit() {
    let topic = Topic::of(&[CONNECTOR, TASK_0, TASK_1, COMMIT_2, TASK_0_NEW]);
    assert_eq!(task_config(&topic, 0).as_deref(), Some("0"));
    let topic = topic.started().then(&[COMMIT_1]);
    assert_eq!(topic.state().tasks("c"), [id(0)]);
    assert_eq!(task_config(&topic, 0).as_deref(), Some("0'"));
    assert_eq!(task_config(&topic, 1).as_deref(), Some("1"), "kept, not listed");
    assert_eq!(topic.updates, [ConfigUpdate::TaskConfigs("c".into(), vec![id(0)])]);
}

#[test]
fn c3_a_compacted_set_is_inconsistent_until_a_full_one() {
    let topic = Topic::of(&[CONNECTOR, TASK_1, COMMIT_2, TASK_0]);
    assert!(topic.state().inconsistent.contains("c"));
    assert_eq!(topic.task_count(), 0);
    assert_eq!(topic.state().task_counts["c"], 2);
    let topic = topic.then(&[COMMIT_1]);
    assert_eq!(topic.task_count(), 1);
    assert!(topic.state().inconsistent.is_empty());
}

#[test]
fn c4_an_index_beyond_the_set_is_tolerated() {
    let topic = Topic::of(&[CONNECTOR, TASK_1, TASK_0, COMMIT_1]);
    assert_eq!(topic.state().tasks("c"), [id(0)]);
    assert!(topic.state().inconsistent.is_empty());
}

#[test]
fn c5_an_empty_set_is_a_set() {
    let topic = Topic::of(&[CONNECTOR, COMMIT_0]);
    let state = topic.state();
    assert_eq!((topic.task_count(), state.task_counts["c"]), (0, 0));
    assert!(state.inconsistent.is_empty());
    assert!(!state.task_config_generations.contains_key("c"));
}

#[test]
fn c6_tasks_of_an_unknown_connector_are_purged() {
    let topic = Topic::of(&[TASK_0, COMMIT_1]);
    assert_eq!(*topic.state(), ClusterConfigState { offset: 2, ..ClusterConfigState::default() });
    let topic = topic.then(&[CONNECTOR]);
    assert_eq!(topic.task_count(), 0);
    assert!(!topic.state().task_counts.contains_key("c"));
    let topic = topic.then(&[COMMIT_1]);
    assert!(topic.state().inconsistent.contains("c"), "the deferred task is gone");
}

#[test]
fn c7_without_a_target_state_a_connector_is_started() {
    let topic = Topic::of(&[CONNECTOR, STOPPED]);
    assert_eq!(topic.state().target_state("c"), Some(TargetState::Stopped));
    assert_eq!(topic.tombstone("target-state-c").state().target_state("c"), Some(TargetState::Started));
    let gone = Topic::of(&[CONNECTOR, STOPPED]).tombstone("connector-c").tombstone("target-state-c");
    assert_eq!(gone.state().target_state("c"), None);
    assert!(gone.state().target_states.is_empty());
}

#[test]
fn c8_an_initial_state_is_not_reported_apart() {
    let topic = Topic::default().started().then(&[PAUSED, CONNECTOR]);
    assert_eq!(topic.state().target_state("c"), Some(TargetState::Paused));
    assert_eq!(topic.updates, [ConfigUpdate::ConnectorConfig("c".into())]);
}

#[test]
fn c9_an_unknown_target_state_changes_nothing() {
    let topic = Topic::of(&[CONNECTOR, PAUSED, ("target-state-c", r#"{"state":"STARTED","state.v2":"WHAT"}"#)]);
    assert_eq!(topic.state().target_state("c"), Some(TargetState::Paused));
    assert_eq!(topic.state().offset, 3);
}

#[test]
fn c10_a_commit_asks_for_fencing_again() {
    let topic = Topic::of(&[CONNECTOR, TASK_0, TASK_1, COMMIT_2, FENCING_2]);
    assert!(topic.state().pending_fencing.is_empty());
    assert_eq!(topic.state().fencing_counts["c"], 2);
    let topic = topic.then(&[TASK_0, COMMIT_1]);
    assert!(topic.state().pending_fencing.contains("c"));
    assert_eq!(topic.state().fencing_counts["c"], 2);
}

#[test]
fn c11_only_restarts_after_the_start_count() {
    let topic = Topic::of(&[RESTART]).started();
    assert!(topic.updates.is_empty());
    let request = RestartRequest { connector: "c".into(), only_failed: false, include_tasks: true };
    assert_eq!(topic.then(&[RESTART]).updates, [ConfigUpdate::Restart(request)]);
}

#[test]
fn c12_records_of_unknown_keys_move_the_offset_only() {
    let topic = Topic::of(&[("task-x", r#"{"properties":{}}"#), ("foo", "{}")]);
    assert_eq!(*topic.state(), ClusterConfigState { offset: 2, ..ClusterConfigState::default() });
    let topic = Topic::of(&[("connector-a-b", CONNECTOR.1), ("task-a-b-0", TASK_0.1), ("commit-a-b", COMMIT_1.1)]);
    assert_eq!(topic.state().tasks("a-b").len(), 1);
}

#[test]
fn c13_an_unreadable_record_does_not_move_the_offset() {
    let mut replay = Replay::default();
    replay.read(6, Some(b"connector-c"), Some(CONNECTOR.1.as_bytes()));
    replay.read(7, Some(b"connector-c"), Some(b"not json"));
    assert_eq!(replay.snapshot().offset, 7);
    assert!(replay.snapshot().contains("c"), "the record is skipped");
    replay.read(8, Some(b"foo"), Some(b"{}"));
    assert_eq!(replay.snapshot().offset, 9);
}

#[test]
fn c14_an_unchanged_target_state_is_reported_once() {
    let topic = Topic::of(&[CONNECTOR]).started().then(&[PAUSED, PAUSED]).tombstone("target-state-c");
    assert_eq!(topic.updates, [ConfigUpdate::TargetState("c".into())]);
}

#[test]
fn c15_a_connector_created_again_starts_without_tasks() {
    let topic = Topic::of(&[CONNECTOR, TASK_0, TASK_1, COMMIT_2, FENCING_2]).started().tombstone("connector-c");
    assert_eq!(topic.updates, [ConfigUpdate::ConnectorRemoved("c".into())]);
    assert!(topic.state().task_configs.is_empty());
    let topic = topic.then(&[CONNECTOR]);
    assert_eq!(topic.task_count(), 0);
    assert_eq!(topic.state().fencing_counts["c"], 2);
    let topic = topic.then(&[TASK_0, COMMIT_1]);
    assert_eq!(topic.task_count(), 1);
    assert_eq!(topic.state().task_config_generations["c"], 1, "goes on from the old value");
}

#[test]
fn a_commit_without_a_count_is_skipped() {
    let topic = Topic::of(&[CONNECTOR, TASK_0, ("commit-c", r#"{"tasks":"1"}"#)]);
    assert!(topic.state().task_counts.is_empty());
    assert_eq!(topic.then(&[COMMIT_1]).task_count(), 1);
}

#[test]
fn a_huge_count_lists_nothing() {
    let topic = Topic::of(&[CONNECTOR, TASK_0, ("commit-c", r#"{"tasks":2147483647}"#)]);
    assert!(topic.state().inconsistent.contains("c"));
    assert_eq!(topic.task_count(), 0);
}

#[test]
fn a_snapshot_does_not_change_under_its_holder() {
    let topic = Topic::of(&[CONNECTOR]);
    let before = topic.state();
    let topic = topic.tombstone("connector-c");
    assert!(before.contains("c"));
    assert!(!topic.state().contains("c"));
}

proptest! {
    // Restarting a worker at any point of the log gives the state of a worker that read on (Invariant 4).
    #[test]
    fn updates_do_not_influence_the_state(
        keys in proptest::collection::vec(select(vec![
            CONNECTOR, TASK_0, TASK_0_NEW, TASK_1, COMMIT_0, COMMIT_1, COMMIT_2, FENCING_2, PAUSED, STOPPED, RESTART,
        ]), 0..40),
        tombstones in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let (mut late, mut early) = (Topic::default(), Topic::default().started());
        for ((key, value), tombstone) in keys.into_iter().zip(tombstones) {
            let value = (!tombstone).then_some(value);
            late.put(key, value);
            early.put(key, value);
        }
        assert_eq!(late.state(), early.state());
        let state = late.state();
        for id in state.tasks("c") {
            assert!(state.task_configs.contains_key(&id), "a listed task has a config");
        }
    }
}
