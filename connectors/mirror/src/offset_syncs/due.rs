//! Which offset syncs are to be written, decided as MirrorMaker decides record by record.

use std::collections::HashMap;

use indexmap::IndexMap;
use sluice_kafka::TopicPartition;

use crate::formats::OffsetSync;

/// The last pairs of one source partition.
#[derive(Clone, Copy, Debug)]
struct Pairs {
    upstream: i64,
    downstream: i64,
    /// Downstream offset of the last sync that was due.
    synced: i64,
}

/// A range of offsets in the source and the place of its first one in the target; both ranges have no holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) upstream: i64,
    pub(crate) downstream: i64,
    /// How many records, at least one.
    pub(crate) records: i64,
}

/// Collects syncs until they are taken. Holds two per source partition at most.
#[derive(Debug, Default)]
pub(crate) struct DueSyncs {
    lag_max: i64,
    last: HashMap<TopicPartition, Pairs>,
    /// To be written now.
    due: IndexMap<TopicPartition, (i64, i64)>,
    /// To be written when offsets are stored next, unless a later one comes first.
    delayed: IndexMap<TopicPartition, (i64, i64)>,
}

impl DueSyncs {
    /// None yet; one is due when the last one is `lag_max` records behind.
    pub(crate) fn new(lag_max: i64) -> Self {
        Self { lag_max, ..Self::default() }
    }

    /// Takes note of records that the target has. The first one decides whether there was a gap, the last one stands for the rest.
    pub(crate) fn copied(&mut self, partition: &TopicPartition, range: Range) {
        self.record(partition, range.upstream, range.downstream);
        if range.records > 1 {
            let more = range.records - 1;
            if let Some(pairs) = self.last.get_mut(partition) {
                (pairs.upstream, pairs.downstream) = (range.upstream + more - 1, range.downstream + more - 1);
            }
            self.record(partition, range.upstream + more, range.downstream + more);
        }
    }

    fn record(&mut self, partition: &TopicPartition, upstream: i64, downstream: i64) {
        let is_due = self.update(partition, upstream, downstream);
        if is_due {
            self.delayed.shift_remove(partition);
            self.due.insert(partition.clone(), (upstream, downstream));
        } else {
            self.delayed.insert(partition.clone(), (upstream, downstream));
        }
    }

    /// Whether a sync of this pair is due now.
    fn update(&mut self, partition: &TopicPartition, upstream: i64, downstream: i64) -> bool {
        let unknown = Pairs { upstream: -1, downstream: -1, synced: -1 };
        let is_first = !self.last.contains_key(partition);
        let pairs = self.last.entry(partition.clone()).or_insert(unknown);
        let is_due = is_first
            || downstream.saturating_sub(pairs.synced + 1) >= self.lag_max
            || upstream - pairs.upstream != 1
            || downstream < pairs.downstream;
        (pairs.upstream, pairs.downstream) = (upstream, downstream);
        if is_due {
            pairs.synced = downstream;
        }
        is_due
    }

    /// Makes those due that could wait: offsets are being stored.
    pub(crate) fn promote(&mut self) {
        for (partition, pair) in std::mem::take(&mut self.delayed) {
            self.due.insert(partition, pair);
        }
    }

    /// Hands out up to `most` syncs that are due, in the order in which they came to be.
    pub(crate) fn take(&mut self, most: usize) -> Vec<OffsetSync> {
        let taken = self.due.drain(..most.min(self.due.len()));
        let sync = |(partition, (upstream, downstream))| OffsetSync { partition, upstream, downstream };
        taken.map(sync).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tp() -> TopicPartition {
        TopicPartition::new("t", 0)
    }

    #[test]
    fn a_sync_is_due_after_a_gap_a_step_back_and_enough_records() {
        let mut syncs = DueSyncs::new(50);
        // (upstream, downstream, due), with the lag at 50.
        for (upstream, downstream, due) in [
            (0, 100, true),
            (2, 102, true),
            (3, 152, false),
            (4, 153, true),
            (5, 154, false),
            (6, 203, false),
            (7, 204, true),
            (2, 206, true),
            (3, 207, false),
            (4, 100, true),
            (5, 101, false),
            (6, 150, false),
            (7, 151, true),
        ] {
            assert_eq!(syncs.update(&tp(), upstream, downstream), due, "({upstream}, {downstream})");
        }
    }

    #[test]
    fn a_batch_syncs_its_last_record_when_it_is_long_enough() {
        let mut syncs = DueSyncs::new(100);
        let pairs = |syncs: &mut DueSyncs| -> Vec<(i64, i64)> {
            syncs.take(10).into_iter().map(|sync| (sync.upstream, sync.downstream)).collect()
        };
        syncs.copied(&tp(), Range { upstream: 0, downstream: 0, records: 1_000 });
        assert_eq!(pairs(&mut syncs), [(999, 999)]);
        syncs.copied(&tp(), Range { upstream: 1_000, downstream: 1_000, records: 50 });
        assert_eq!(pairs(&mut syncs), []);
        syncs.promote();
        assert_eq!(pairs(&mut syncs), [(1_049, 1_049)]);
        // A marker lay between: the first record says where the gap ends, the last one waits.
        syncs.copied(&tp(), Range { upstream: 1_051, downstream: 1_050, records: 10 });
        assert_eq!(pairs(&mut syncs), [(1_051, 1_050)]);
        syncs.promote();
        assert_eq!(pairs(&mut syncs), [(1_060, 1_059)]);
        syncs.promote();
        assert_eq!(pairs(&mut syncs), []);
    }

    #[test]
    fn the_latest_sync_of_a_partition_is_the_one_that_is_written() {
        let mut syncs = DueSyncs::new(0);
        for offset in 0..5 {
            syncs.copied(&tp(), Range { upstream: offset, downstream: offset, records: 1 });
        }
        syncs.copied(&TopicPartition::new("u", 0), Range { upstream: 7, downstream: 7, records: 1 });
        let taken: Vec<i64> = syncs.take(10).into_iter().map(|sync| sync.upstream).collect();
        assert_eq!(taken, [4, 7]);
    }
}
