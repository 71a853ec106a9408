//! Offset ranges: where every record of a stretch lies in the target, not only one of a hundred.
//!
//! A range grows while records follow one another without holes on both sides, so a topic without compaction and transactions has one of
//! each partition and worker's life. They are stored beside the offset syncs, which stay what they are for MirrorMaker and its clients.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;
use sluice_kafka::TopicPartition;

use super::Range;
use crate::formats::{OffsetRange, SLOTS};

/// Ranges that wait to be written.
const MOST_CHANGED: usize = 20_000;

/// Ranges that grow, and those that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct OpenRanges {
    open: HashMap<TopicPartition, Range>,
    changed: IndexMap<(TopicPartition, i64), Range>,
}

impl OpenRanges {
    /// Takes note of records that the target has.
    pub(crate) fn copied(&mut self, partition: &TopicPartition, range: Range) {
        let open = match self.open.get_mut(partition) {
            Some(open) => {
                let follows = open.upstream + open.records == range.upstream
                    && open.downstream + open.records == range.downstream;
                *open = if follows { Range { records: open.records + range.records, ..*open } } else { range };
                *open
            }
            None => *self.open.entry(partition.clone()).or_insert(range),
        };
        if self.changed.len() >= MOST_CHANGED {
            // Nobody has taken any for long: a group then goes on a little before where it stands.
            self.changed.swap_remove_index(0);
        }
        self.changed.insert((partition.clone(), open.upstream), open);
    }

    /// Hands out up to `most` ranges that have changed, the oldest first.
    pub(crate) fn take(&mut self, most: usize) -> Vec<OffsetRange> {
        let taken = self.changed.drain(..most.min(self.changed.len()));
        let range = |((partition, upstream), range): ((TopicPartition, i64), Range)| OffsetRange {
            partition,
            upstream,
            downstream: range.downstream,
            records: range.records,
        };
        taken.map(range).collect()
    }
}

/// The ranges of one source partition that are stored.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    /// By the first source offset: the first offset of the target, and how many.
    stored: BTreeMap<i64, (i64, i64)>,
}

impl Ranges {
    /// Takes a range of the topic, in the order of the topic.
    pub(super) fn take(&mut self, range: &OffsetRange) {
        // What was copied before and lies behind it in the source was copied again since, or is of a log that is no more.
        self.stored.retain(|upstream, (downstream, _)| !(*upstream > range.upstream && *downstream < range.downstream));
        if self.stored.len() as i64 >= SLOTS {
            let slot = |upstream: i64| upstream.rem_euclid(SLOTS);
            self.stored.retain(|upstream, _| slot(*upstream) != slot(range.upstream));
        }
        self.stored.insert(range.upstream, (range.downstream, range.records));
    }

    /// Where a group that stands at `upstream` goes on, with the offset that this is exact for: behind the last record that is known, when
    /// the group is farther. `None` before the first one.
    pub(super) fn lookup(&self, upstream: i64) -> Option<(i64, i64)> {
        let (first, (downstream, records)) = self.stored.range(..=upstream).next_back()?;
        let known = (upstream - first).min(*records);
        Some((first + known, downstream + known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tp() -> TopicPartition {
        TopicPartition::new("t", 0)
    }

    fn copied(ranges: &[(i64, i64, i64)]) -> Vec<OffsetRange> {
        let mut open = OpenRanges::default();
        for (upstream, downstream, records) in ranges {
            open.copied(&tp(), Range { upstream: *upstream, downstream: *downstream, records: *records });
        }
        open.take(10_000)
    }

    fn stored(ranges: &[(i64, i64, i64)]) -> Ranges {
        let mut stored = Ranges::default();
        copied(ranges).iter().for_each(|range| stored.take(range));
        stored
    }

    #[test]
    fn neighbours_are_one_range() {
        let ranges = copied(&[(0, 100, 10), (10, 110, 5), (16, 115, 4), (20, 119, 1)]);
        let shown: Vec<_> = ranges.iter().map(|it| (it.upstream, it.downstream, it.records)).collect();
        assert_eq!(shown, [(0, 100, 15), (16, 115, 5)]);
    }

    #[test]
    fn every_offset_is_translated_exactly_and_none_beyond_what_was_copied() {
        // 15 is a marker; 21 and what follows is not copied yet.
        let ranges = stored(&[(5, 105, 10), (16, 115, 5)]);
        for (upstream, downstream) in [(5, 105), (9, 109), (15, 115), (16, 115), (18, 117), (21, 120), (1_000, 120)] {
            assert_eq!(ranges.lookup(upstream).map(|(_, downstream)| downstream), Some(downstream), "{upstream}");
        }
        assert_eq!(ranges.lookup(4), None);
        assert_eq!(ranges.lookup(1_000), Some((21, 120)));
    }

    #[test]
    fn what_was_copied_again_is_found_where_it_was_copied_last() {
        let ranges = stored(&[(0, 0, 100), (90, 105, 50)]);
        assert_eq!(ranges.lookup(50), Some((50, 50)));
        assert_eq!(ranges.lookup(95), Some((95, 110)));
        let created_again = stored(&[(5, 0, 100), (0, 500, 3)]);
        assert_eq!(created_again.lookup(7), Some((3, 503)), "nothing of the topic before is left");
    }

    #[test]
    fn ranges_are_kept_as_compaction_keeps_them() {
        let many: Vec<_> = (0..2 * SLOTS).map(|number| (number * 3, number, 1)).collect();
        let ranges = stored(&many);
        assert!(ranges.stored.len() as i64 <= SLOTS);
        let last = many.last().expect("some").0;
        assert_eq!(ranges.lookup(last), Some((last, 2 * SLOTS - 1)));
    }
}
