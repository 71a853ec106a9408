//! The config topic as the fuzz target `internal_topics` replays it.

use super::replay::Replay;

/// Reads records (key, value) as a started store does.
pub(crate) fn replay<'a>(records: impl IntoIterator<Item = (Option<&'a [u8]>, Option<&'a [u8]>)>) {
    let mut replay = Replay::default();
    replay.mark_started();
    for (offset, (key, value)) in (0..).zip(records) {
        drop(replay.read(offset, key, value));
    }
    let state = replay.snapshot();
    for connector in state.connectors() {
        // Every task that is listed has a config: this is what the herder starts tasks from.
        for id in state.tasks(connector) {
            assert!(state.inconsistent.contains(connector) || state.task_configs.contains_key(&id), "{id:?}");
        }
    }
}
