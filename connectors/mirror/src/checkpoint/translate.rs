//! From what a group has committed in the source to checkpoints, as far as they say something new.

use std::collections::{BTreeMap, HashMap};

use sluice_kafka::TopicPartition;
use sluice_kafka::wire::Committed;

use crate::config::CheckpointConfig;
use crate::formats::Checkpoint;
use crate::offset_syncs::{OffsetSyncStore, Translation};

/// The last checkpoint of each group and target partition.
pub(crate) type Checkpoints = BTreeMap<String, BTreeMap<(String, i32), Checkpoint>>;

/// Where the logs of partitions of the target begin.
pub(super) type Starts = HashMap<TopicPartition, i64>;

/// The partitions of the target for which a group stands before everything that syncs know of.
pub(super) fn before_the_first_sync(
    config: &CheckpointConfig,
    syncs: &OffsetSyncStore,
    committed: &[Committed],
) -> Vec<TopicPartition> {
    let followed = committed.iter().filter(|committed| config.topics.accepts(&committed.topic));
    let before = followed.filter(|committed| {
        let source = TopicPartition::new(committed.topic.as_str(), committed.partition);
        syncs.translate(&source, committed.offset) == Translation::TooOld
    });
    before.map(|committed| TopicPartition::new(target_topic(config, &committed.topic), committed.partition)).collect()
}

/// Checkpoints of `group` that say something new. A group that stands before the first sync goes on where the target's log begins.
pub(super) fn checkpoints(
    config: &CheckpointConfig,
    (syncs, starts): (&OffsetSyncStore, &Starts),
    known: &Checkpoints,
    group: &str,
    committed: &[Committed],
) -> Vec<Checkpoint> {
    let followed = committed.iter().filter(|committed| config.topics.accepts(&committed.topic));
    let checkpoint = |committed: &Committed| {
        let source = TopicPartition::new(committed.topic.as_str(), committed.partition);
        let partition = TopicPartition::new(target_topic(config, &committed.topic), committed.partition);
        let downstream = match syncs.translate(&source, committed.offset) {
            Translation::At(downstream) => downstream,
            Translation::TooOld => *starts.get(&partition)?,
            Translation::Unknown => return None,
        };
        Some(Checkpoint {
            group: group.to_owned(),
            partition,
            upstream: committed.offset,
            downstream,
            metadata: committed.metadata.clone(),
        })
    };
    let made = followed.filter_map(checkpoint).filter(|checkpoint| checkpoint.downstream >= 0);
    made.filter(|checkpoint| is_more_recent(known.get(group), checkpoint)).collect()
}

/// A group that goes back is followed; one that goes on is followed when it gets farther in the target.
fn is_more_recent(known: Option<&BTreeMap<(String, i32), Checkpoint>>, checkpoint: &Checkpoint) -> bool {
    let key = (checkpoint.partition.topic.to_string(), checkpoint.partition.partition);
    known
        .and_then(|known| known.get(&key))
        .is_none_or(|known| checkpoint.upstream < known.upstream || checkpoint.downstream > known.downstream)
}

/// A topic that comes from the target is at home there under its own name.
fn target_topic(config: &CheckpointConfig, topic: &str) -> String {
    let policy = &config.flow.policy;
    match policy.topic_source(topic) {
        Some(source) if source == config.flow.target => policy.original_topic(topic).to_owned(),
        _ => policy.remote_topic(&config.flow.source, topic),
    }
}

/// Takes note of a checkpoint.
pub(super) fn remember(known: &mut Checkpoints, checkpoint: Checkpoint) {
    let key = (checkpoint.partition.topic.to_string(), checkpoint.partition.partition);
    known.entry(checkpoint.group.clone()).or_default().insert(key, checkpoint);
}

/// What is to be committed for a group of the target: nothing is taken back. `committed` is what it has committed; `None` when it is not known
/// to be without members.
pub(super) fn to_commit(
    checkpoints: &BTreeMap<(String, i32), Checkpoint>,
    committed: Option<&[Committed]>,
) -> Vec<Committed> {
    let is_behind = |checkpoint: &&Checkpoint| {
        let own = committed.unwrap_or_default().iter().find(|committed| {
            committed.topic == *checkpoint.partition.topic && committed.partition == checkpoint.partition.partition
        });
        own.is_none_or(|own| own.offset < checkpoint.downstream)
    };
    let commit = |checkpoint: &Checkpoint| Committed {
        topic: checkpoint.partition.topic.to_string(),
        partition: checkpoint.partition.partition,
        offset: checkpoint.downstream,
        metadata: checkpoint.metadata.clone(),
    };
    checkpoints.values().filter(is_behind).map(commit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::OffsetSync;

    fn config(further: &[(&str, &str)]) -> CheckpointConfig {
        let base = [("source.cluster.alias", "A"), ("target.cluster.alias", "B")];
        let all = base.iter().chain(further).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        CheckpointConfig::parse(&all.collect()).expect("valid")
    }

    fn syncs(topic: &str, pairs: &[(i64, i64)]) -> OffsetSyncStore {
        let mut store = OffsetSyncStore::new(true);
        store.is_read();
        for (upstream, downstream) in pairs {
            let partition = TopicPartition::new(topic, 0);
            store.take(OffsetSync { partition, upstream: *upstream, downstream: *downstream });
        }
        store
    }

    fn committed(topic: &str, offset: i64) -> Committed {
        Committed { topic: topic.to_owned(), partition: 0, offset, metadata: "m".to_owned() }
    }

    fn made(
        config: &CheckpointConfig,
        syncs: &OffsetSyncStore,
        known: &Checkpoints,
        at: Committed,
    ) -> Vec<(String, i64)> {
        let made = checkpoints(config, (syncs, &Starts::new()), known, "g", &[at]);
        made.iter().map(|it| (it.partition.topic.to_string(), it.downstream)).collect()
    }

    #[test]
    fn a_checkpoint_has_the_topic_of_the_target() {
        let (config, none) = (config(&[]), Checkpoints::new());
        assert_eq!(made(&config, &syncs("t", &[(10, 20)]), &none, committed("t", 15)), [("A.t".to_owned(), 21)]);
        assert_eq!(made(&config, &syncs("B.t", &[(10, 20)]), &none, committed("B.t", 10)), [("t".to_owned(), 20)]);
        assert_eq!(made(&config, &syncs("t", &[(10, 20)]), &none, committed("t", 9)), [], "before the first sync");
        assert_eq!(made(&config, &syncs("__t", &[(10, 20)]), &none, committed("__t", 10)), [], "not followed");
    }

    #[test]
    fn a_group_before_the_first_sync_goes_on_where_the_target_begins() {
        let (config, syncs) = (config(&[]), syncs("t", &[(10, 20)]));
        let old = [committed("t", 9), committed("u", 9)];
        let before = before_the_first_sync(&config, &syncs, &old);
        assert_eq!(before, [TopicPartition::new("A.t", 0)], "of u nothing was copied");
        let starts = Starts::from([(before[0].clone(), 5)]);
        let made = checkpoints(&config, (&syncs, &starts), &Checkpoints::new(), "g", &old);
        assert_eq!(made.iter().map(|it| (it.upstream, it.downstream)).collect::<Vec<_>>(), [(9, 5)]);
    }

    #[test]
    fn only_what_is_new_is_written() {
        let (config, syncs) = (config(&[]), syncs("t", &[(100, 200), (200, 300)]));
        let mut known = Checkpoints::new();
        let first = checkpoints(&config, (&syncs, &Starts::new()), &known, "g", &[committed("t", 250)]).remove(0);
        remember(&mut known, first);
        assert_eq!(made(&config, &syncs, &known, committed("t", 251)), [], "no farther in the target");
        assert_eq!(
            made(&config, &syncs, &known, committed("t", 150)),
            [("A.t".to_owned(), 201)],
            "the group went back"
        );
    }

    #[test]
    fn nothing_is_taken_back_on_the_target() {
        let mut known = Checkpoints::new();
        let syncs = (&syncs("t", &[(100, 200)]), &Starts::new());
        let made = checkpoints(&config(&[]), syncs, &known, "g", &[committed("t", 100)]);
        made.into_iter().for_each(|checkpoint| remember(&mut known, checkpoint));
        let of_group = &known["g"];
        let at = |offset| Committed { topic: "A.t".to_owned(), ..committed("t", offset) };
        assert_eq!(to_commit(of_group, None), [at(200)]);
        assert_eq!(to_commit(of_group, Some(&[at(199)])), [at(200)]);
        assert_eq!(to_commit(of_group, Some(&[at(200)])), []);
        assert_eq!(to_commit(of_group, Some(&[at(500)])), []);
    }
}
