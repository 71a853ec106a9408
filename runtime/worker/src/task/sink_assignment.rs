//! The partitions of a sink task: what was delivered, committed and paused. Pure bookkeeping; keeps Invariant 2.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;
use sluice_api::TopicPartition;
use sluice_api::connector::OffsetsToCommit;

/// Assigned partitions by topic and number.
#[derive(Default)]
pub(super) struct Assignment {
    partitions: IndexMap<TopicPartition, Progress>,
    /// Paused by the task itself; survives a rebalance that gives the partition back.
    paused_by_task: HashSet<TopicPartition>,
    /// The place of the last record: records of a partition follow one another.
    last: usize,
}

/// Offsets of the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progress {
    /// After the last record that was converted for the batch to be put.
    taken: i64,
    /// After the last record that `put` has accepted.
    delivered: i64,
    /// What the group has, or where the consumer began.
    committed: i64,
}

impl Assignment {
    pub(super) fn add(&mut self, positions: impl IntoIterator<Item = (TopicPartition, i64)>) {
        for (partition, at) in positions {
            self.partitions.insert(partition, Progress { taken: at, delivered: at, committed: at });
        }
        self.paused_by_task.retain(|partition| self.partitions.contains_key(partition));
    }

    pub(super) fn remove(&mut self, partitions: &[TopicPartition]) {
        self.partitions.retain(|partition, _| !partitions.contains(partition));
    }

    pub(super) fn contains(&self, partition: &TopicPartition) -> bool {
        self.partitions.contains_key(partition)
    }

    pub(super) fn len(&self) -> usize {
        self.partitions.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    pub(super) fn partitions(&self) -> Vec<TopicPartition> {
        self.partitions.keys().cloned().collect()
    }

    /// Notes a record that goes into the batch, or is dropped on the way there; `false` when its partition is not assigned.
    pub(super) fn take(&mut self, topic: &Arc<str>, partition: i32, offset: i64) -> bool {
        let is_it =
            |tp: &TopicPartition| tp.partition == partition && (Arc::ptr_eq(&tp.topic, topic) || tp.topic == *topic);
        let last = self.partitions.get_index(self.last).filter(|(tp, _)| is_it(tp)).map(|_| self.last);
        let found = last.or_else(|| self.partitions.get_index_of(&TopicPartition { topic: topic.clone(), partition }));
        let Some((_, progress)) = found.and_then(|at| self.partitions.get_index_mut(at)) else { return false };
        progress.taken = offset + 1;
        self.last = found.unwrap_or_default();
        true
    }

    /// `put` has accepted everything that was taken.
    pub(super) fn delivered(&mut self) {
        for progress in self.partitions.values_mut() {
            progress.delivered = progress.taken;
        }
    }

    /// What `pre_commit` is asked about.
    pub(super) fn delivered_of(&self, partitions: &[TopicPartition]) -> OffsetsToCommit {
        let known = partitions.iter().filter_map(|tp| Some((tp.clone(), self.partitions.get(tp)?.delivered)));
        known.collect()
    }

    /// What of the task's answer may be committed, together with what was committed for the other partitions; empty when nothing
    /// is new.
    ///
    /// Invariant 2: never a partition that is not assigned, never an offset past what was delivered.
    pub(super) fn committable(
        &self,
        partitions: &[TopicPartition],
        answer: &OffsetsToCommit,
    ) -> Vec<(TopicPartition, i64)> {
        for (partition, offset) in answer {
            match self.partitions.get(partition) {
                None => {
                    tracing::warn!(%partition, offset, "Ignoring invalid task provided offset -- partition not assigned");
                }
                Some(progress) if *offset > progress.delivered => {
                    tracing::warn!(%partition, offset, delivered = progress.delivered, "Ignoring invalid task provided offset -- not yet consumed");
                }
                Some(_) => {}
            }
        }
        let mut changed = false;
        let own = partitions.iter().filter_map(|tp| Some((tp, self.partitions.get(tp)?)));
        let offsets: Vec<_> = own
            .map(|(tp, progress)| {
                let offset = answer
                    .get(tp)
                    .copied()
                    .filter(|offset| *offset <= progress.delivered)
                    .unwrap_or(progress.committed);
                changed |= offset != progress.committed;
                (tp.clone(), offset)
            })
            .collect();
        if changed { offsets } else { Vec::new() }
    }

    /// The group has these offsets now.
    pub(super) fn committed(&mut self, offsets: impl IntoIterator<Item = (TopicPartition, i64)>) {
        for (partition, offset) in offsets {
            if let Some(progress) = self.partitions.get_mut(&partition) {
                progress.committed = offset;
            }
        }
    }

    /// Where every partition goes on after a failed `pre_commit`.
    pub(super) fn committed_positions(&self) -> Vec<(TopicPartition, i64)> {
        self.partitions.iter().map(|(tp, progress)| (tp.clone(), progress.committed)).collect()
    }

    /// The task wants this partition to go on elsewhere, or the worker goes back.
    pub(super) fn rewound(&mut self, partition: &TopicPartition, offset: i64) {
        if let Some(progress) = self.partitions.get_mut(partition) {
            *progress = Progress { taken: offset, delivered: offset, committed: offset };
        }
    }

    /// The held batch lost its records: what was taken and not delivered comes again.
    pub(super) fn forget_taken(&mut self) {
        for progress in self.partitions.values_mut() {
            progress.taken = progress.delivered;
        }
    }

    /// Records that were delivered and not committed.
    pub(super) fn active(&self) -> usize {
        let active: i64 = self.partitions.values().map(|progress| progress.delivered - progress.committed).sum();
        usize::try_from(active).unwrap_or(0)
    }

    pub(super) fn set_paused_by_task(&mut self, partition: &TopicPartition, paused: bool) {
        if paused {
            self.paused_by_task.insert(partition.clone());
        } else {
            self.paused_by_task.remove(partition);
        }
    }

    /// The assigned partitions that the task itself has (or has not) paused.
    pub(super) fn paused_by_task(&self, paused: bool) -> Vec<TopicPartition> {
        self.partitions.keys().filter(|tp| self.paused_by_task.contains(*tp) == paused).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::TopicPartition;
    use sluice_api::connector::OffsetsToCommit;

    use super::Assignment;

    fn partition(number: i32) -> TopicPartition {
        TopicPartition::new("t", number)
    }

    fn assignment() -> Assignment {
        let mut assignment = Assignment::default();
        assignment.add([(partition(0), 5), (partition(1), 0)]);
        assignment
    }

    #[test]
    fn nothing_is_committed_past_what_was_delivered() {
        // Invariant 2.
        let mut assignment = assignment();
        assert!(assignment.take(&"t".into(), 0, 5));
        assert!(!assignment.take(&"t".into(), 7, 5));
        let all = assignment.partitions();
        let answer: OffsetsToCommit = [(partition(0), 6), (partition(7), 3)].into_iter().collect();
        assert_eq!(assignment.committable(&all, &answer), [], "taken, not delivered");
        assignment.delivered();
        assert_eq!(assignment.committable(&all, &answer), [(partition(0), 6), (partition(1), 0)]);
        assignment.committed([(partition(0), 6)]);
        assert_eq!(assignment.committable(&all, &answer), [], "committed already");
        assert_eq!(assignment.committable(&all, &[(partition(0), 7)].into_iter().collect()), []);
    }

    #[test]
    fn partitions_that_the_task_leaves_out_keep_their_offset() {
        // Invariant 2.
        let mut assignment = assignment();
        assignment.take(&"t".into(), 0, 9);
        assignment.take(&"t".into(), 1, 3);
        assignment.delivered();
        let answer = [(partition(1), 2)].into_iter().collect();
        assert_eq!(assignment.committable(&assignment.partitions(), &answer), [(partition(0), 5), (partition(1), 2)]);
    }

    #[test]
    fn a_pause_by_the_task_survives_a_rebalance_that_gives_the_partition_back() {
        let mut assignment = assignment();
        assignment.set_paused_by_task(&partition(1), true);
        assignment.remove(&[partition(0), partition(1)]);
        assignment.add([(partition(1), 0)]);
        assert_eq!(assignment.paused_by_task(true), [partition(1)]);
    }
}
