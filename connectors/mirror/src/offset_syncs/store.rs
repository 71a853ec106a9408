//! All syncs that are there, and what they make of a group's offset.

use std::collections::HashMap;

use sluice_kafka::TopicPartition;

use super::ranges::Ranges;
use super::slots::Slots;
use crate::formats::{OffsetRange, OffsetSync};

/// Where a group goes on in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Translation {
    /// Nothing is known of the partition, or not everything was read yet.
    Unknown,
    /// The group stands before the earliest sync that is kept.
    TooOld,
    /// Here: never beyond what was copied.
    At(i64),
}

/// The syncs of a flow by source partition.
#[derive(Debug)]
pub(crate) struct OffsetSyncStore {
    partitions: HashMap<TopicPartition, Slots>,
    ranges: HashMap<TopicPartition, Ranges>,
    /// Whether the topic was read to where it ended at the start.
    is_read: bool,
    /// Whether only the latest sync of those that were there counts: checkpoints of the time before are not known, and none may go back.
    only_latest_at_start: bool,
}

impl OffsetSyncStore {
    /// Knows nothing yet.
    pub(crate) fn new(only_latest_at_start: bool) -> Self {
        Self { partitions: HashMap::new(), ranges: HashMap::new(), is_read: false, only_latest_at_start }
    }

    /// Everything that was there at the start has been taken.
    pub(crate) fn is_read(&mut self) {
        self.is_read = true;
    }

    /// Takes a sync of the topic, in the order of the topic.
    pub(crate) fn take(&mut self, sync: OffsetSync) {
        let alone = !self.is_read && self.only_latest_at_start;
        match self.partitions.get_mut(&sync.partition) {
            Some(slots) => slots.update(sync.upstream, sync.downstream, alone),
            None => {
                self.partitions.insert(sync.partition, Slots::new(sync.upstream, sync.downstream));
            }
        }
    }

    /// Takes a range of the topic beside it, in the order of the topic.
    pub(crate) fn take_range(&mut self, range: &OffsetRange) {
        self.ranges.entry(range.partition.clone()).or_default().take(range);
    }

    /// Where a group that stands at `upstream` goes on: exactly where a range says it, or behind the last record before it that one knows. Where
    /// a sync says more, for instance because MirrorMaker has copied since, or where there is no range: at the sync itself, else one record
    /// behind it, since how many of the records in between the target has is not known.
    pub(crate) fn translate(&self, partition: &TopicPartition, upstream: i64) -> Translation {
        if !self.is_read {
            return Translation::Unknown;
        }
        let range = self.ranges.get(partition).and_then(|ranges| ranges.lookup(upstream));
        let synced = self.partitions.get(partition).map(|slots| slots.lookup(upstream));
        match range {
            Some((known, downstream))
                if synced.is_none_or(|sync| sync.upstream > upstream || sync.upstream <= known) =>
            {
                Translation::At(downstream)
            }
            _ => self.translate_by_sync(partition, upstream),
        }
    }

    /// Up to where a source partition is known to be copied.
    pub(crate) fn known_to(&self, partition: &TopicPartition) -> Option<i64> {
        let range = self.ranges.get(partition).and_then(|ranges| ranges.lookup(i64::MAX)).map(|(known, _)| known);
        let synced = self.partitions.get(partition).map(|slots| slots.lookup(i64::MAX).upstream.saturating_add(1));
        range.max(synced)
    }

    fn translate_by_sync(&self, partition: &TopicPartition, upstream: i64) -> Translation {
        let Some(slots) = self.partitions.get(partition).filter(|_| self.is_read) else { return Translation::Unknown };
        let sync = slots.lookup(upstream);
        match sync.upstream.cmp(&upstream) {
            std::cmp::Ordering::Greater => Translation::TooOld,
            std::cmp::Ordering::Equal => Translation::At(sync.downstream),
            std::cmp::Ordering::Less => Translation::At(sync.downstream.saturating_add(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tp() -> TopicPartition {
        TopicPartition::new("t", 0)
    }

    fn feed(store: &mut OffsetSyncStore, pairs: impl IntoIterator<Item = (i64, i64)>) {
        for (upstream, downstream) in pairs {
            store.take(OffsetSync { partition: tp(), upstream, downstream });
        }
    }

    fn started(only_latest: bool) -> OffsetSyncStore {
        let mut store = OffsetSyncStore::new(only_latest);
        store.is_read();
        store
    }

    fn text(store: &OffsetSyncStore) -> String {
        store.partitions[&tp()].text()
    }

    fn same(offsets: impl Iterator<Item = i64>) -> impl Iterator<Item = (i64, i64)> {
        offsets.map(|offset| (offset, offset))
    }

    #[test]
    fn the_slots_are_those_of_mirror_maker() {
        let mut store = started(true);
        feed(&mut store, same((0..=1_000).step_by(100)));
        assert_eq!(text(&store), "0=1000 8=900 9=800 10=400 11=0");
        let mut store = started(true);
        feed(&mut store, same(0..=1_000));
        assert_eq!(text(&store), "0=1000 1=999 2=998 3=996 4=992 5=976 6=960 7=896 8=768 9=512 10=0");
        let mut store = started(true);
        let most = i64::MAX;
        feed(&mut store, same([0, 1, most / 2, most - 10, most - 1, most].into_iter()));
        assert_eq!(text(&store), format!("0={most} 1={} 5={} 63={}", most - 1, most - 10, most / 2));
    }

    #[test]
    fn what_was_there_at_the_start_counts_whole_or_with_its_latest_alone() {
        let mut whole = OffsetSyncStore::new(false);
        feed(&mut whole, same((0..=1_000).step_by(10)));
        whole.is_read();
        assert_eq!(text(&whole), "0=1000 5=990 6=960 7=900 8=840 9=720 10=480 11=0");
        feed(&mut whole, same((1_000..=10_000).step_by(10)));
        let expected = "0=10000 5=9990 6=9960 7=9900 8=9840 9=9600 10=9120 11=8640 12=7680 13=3840 14=0";
        assert_eq!(text(&whole), expected);
        let mut latest = OffsetSyncStore::new(true);
        feed(&mut latest, same((0..=1_000).step_by(10)));
        latest.is_read();
        assert_eq!(text(&latest), "0=1000");
        feed(&mut latest, same((1_010..=10_000).step_by(10)));
        let expected = "0=10000 5=9990 6=9970 7=9940 8=9880 9=9640 10=9160 11=8680 12=6760 13=4840 14=1000";
        assert_eq!(text(&latest), expected);
    }

    #[test]
    fn two_hundred_syncs_at_random_distances_leave_the_same_slots() {
        let (mut store, mut state, mut upstream) = (started(true), 12_345_i64, 0_i64);
        for _ in 0..200 {
            feed(&mut store, [(upstream, 2 * upstream)]);
            state = (state.wrapping_mul(1_103_515_245).wrapping_add(12_345)) & 0x7fff_ffff;
            upstream += 1 + (state >> 8) % 97;
        }
        let slots: Vec<String> =
            text(&store).split(' ').map(|slot| slot.split(':').next().unwrap_or_default().to_owned()).collect();
        assert_eq!(slots.join(" "), "0=10446 7=10391 8=10269 9=10142 10=9986 11=9600 12=8787 13=7023 14=0");
    }

    #[test]
    fn a_range_is_exact_and_a_later_sync_says_more() {
        let mut store = started(true);
        feed(&mut store, [(100, 200)]);
        store.take_range(&OffsetRange { partition: tp(), upstream: 90, downstream: 190, records: 60 });
        for (upstream, expected) in [
            (89, Translation::TooOld),
            (95, Translation::At(195)),
            (100, Translation::At(200)),
            (149, Translation::At(249)),
            (150, Translation::At(250)),
            (170, Translation::At(250)),
        ] {
            assert_eq!(store.translate(&tp(), upstream), expected, "{upstream}");
        }
        // Copied by MirrorMaker.
        feed(&mut store, [(160, 300)]);
        for (upstream, expected) in [(149, 249), (155, 250), (160, 300), (170, 301)] {
            assert_eq!(store.translate(&tp(), upstream), Translation::At(expected), "{upstream}");
        }
    }

    #[test]
    fn a_group_goes_on_at_a_sync_or_one_behind_it() {
        let mut store = OffsetSyncStore::new(true);
        feed(&mut store, [(0, 0), (100, 200)]);
        assert_eq!(store.translate(&tp(), 100), Translation::Unknown, "not read yet");
        store.is_read();
        let at = |store: &OffsetSyncStore, upstream| store.translate(&tp(), upstream);
        for (upstream, expected) in [
            (99, Translation::TooOld),
            (100, Translation::At(200)),
            (101, Translation::At(201)),
            (1_000, Translation::At(201)),
        ] {
            assert_eq!(at(&store, upstream), expected, "{upstream}");
        }
        feed(&mut store, [(200, 300), (250, 350)]);
        assert_eq!(text(&store), "0=250:350 7=200:300 8=100:200");
        for (upstream, expected) in [(150, 201), (249, 301), (300, 351)] {
            assert_eq!(at(&store, upstream), Translation::At(expected), "{upstream}");
        }
        feed(&mut store, [(10, 400)]);
        assert_eq!(text(&store), "0=10:400", "a source that goes back makes everything before void");
        assert_eq!(store.translate(&TopicPartition::new("u", 0), 5), Translation::Unknown);
    }
}
