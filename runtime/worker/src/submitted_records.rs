//! Which source offsets may be stored: the longest acknowledged prefix of each source partition.
//!
//! Pure bookkeeping without IO; the source task owns one. Keeps Invariant 1.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use sluice_api::{OffsetMap, Value};

/// Offsets that may be stored, one per source partition.
pub type CommittableOffsets = Vec<(Arc<OffsetMap>, OffsetMap)>;

/// Records in order of submission, by running index.
///
/// The index of a record is the producer's opaque; acknowledgements may come in any order across partitions.
#[derive(Default)]
pub struct SubmittedRecords {
    /// Index of the first slot.
    first_index: u64,
    slots: VecDeque<Slot>,
    partitions: Vec<Queue>,
    /// Partition numbers by the address of the map that [`Queue::partition`] keeps alive.
    by_address: HashMap<usize, usize>,
    by_content: HashMap<u64, Vec<usize>>,
    /// The partition of the last record: batches come partition by partition.
    last: Option<(usize, usize)>,
    unacknowledged: usize,
}

struct Slot {
    partition: usize,
    bytes: u64,
    done: bool,
}

struct Queue {
    partition: Arc<OffsetMap>,
    /// Index and offset, in order of submission.
    waiting: VecDeque<(u64, OffsetMap)>,
    committable: Option<OffsetMap>,
}

impl SubmittedRecords {
    /// Registers a record and returns its index: one more than that of the record before. Do it before the producer gets the record.
    pub fn submit(&mut self, partition: &Arc<OffsetMap>, offset: OffsetMap, bytes: u64) -> u64 {
        let index = self.next_index();
        let number = self.number(partition);
        self.slots.push_back(Slot { partition: number, bytes, done: false });
        self.partitions[number].waiting.push_back((index, offset));
        self.unacknowledged += 1;
        index
    }

    /// Notes an offset that belongs to no record; its partition has no records either.
    pub fn note(&mut self, partition: &Arc<OffsetMap>, offset: OffsetMap) {
        let number = self.number(partition);
        let queue = &mut self.partitions[number];
        // Invariant 1: never past a record that is not done.
        if queue.waiting.is_empty() {
            queue.committable = Some(offset);
        }
    }

    /// The index that the next record will get.
    pub fn next_index(&self) -> u64 {
        self.first_index + self.slots.len() as u64
    }

    /// Notes that the record is done: acknowledged, or given up in a way that counts as done. Returns its bytes. A second time changes
    /// nothing and returns 0.
    pub fn done(&mut self, index: u64) -> u64 {
        let Some(slot) = index.checked_sub(self.first_index).and_then(|at| self.slots.get_mut(at as usize)) else {
            return 0;
        };
        if std::mem::replace(&mut slot.done, true) {
            return 0;
        }
        self.unacknowledged -= 1;
        let (number, bytes) = (slot.partition, slot.bytes);
        self.advance(number);
        while self.slots.front().is_some_and(|slot| slot.done) {
            self.slots.pop_front();
            self.first_index += 1;
        }
        bytes
    }

    /// Source partition and source offset of a record that is not done.
    pub fn place(&self, index: u64) -> Option<(&OffsetMap, &OffsetMap)> {
        let slot = self.slots.get(usize::try_from(index.checked_sub(self.first_index)?).ok()?)?;
        let queue = &self.partitions[slot.partition];
        let at = queue.waiting.binary_search_by_key(&index, |(waiting, _)| *waiting).ok()?;
        Some((&queue.partition, &queue.waiting[at].1))
    }

    /// Records without an acknowledgement.
    pub fn unacknowledged(&self) -> usize {
        self.unacknowledged
    }

    /// The offset of the last record of each partition, acknowledged or not: for a transaction that all of them are in.
    pub fn submitted(&self) -> CommittableOffsets {
        let last = |queue: &Queue| {
            let offset = queue.waiting.back().map(|(_, offset)| offset).or(queue.committable.as_ref())?;
            Some((queue.partition.clone(), offset.clone()))
        };
        self.partitions.iter().filter_map(last).collect()
    }

    /// Takes the offsets that have become committable since the last call.
    pub fn take_committable(&mut self) -> CommittableOffsets {
        let ready = self.partitions.iter_mut();
        let offsets = ready.filter_map(|queue| Some((queue.partition.clone(), queue.committable.take()?))).collect();
        if self.unacknowledged == 0 && self.slots.is_empty() {
            self.forget_partitions();
        }
        offsets
    }

    // Invariant 1: an offset becomes committable when every record of its partition up to it is done, not before.
    fn advance(&mut self, number: usize) {
        let queue = &mut self.partitions[number];
        while let Some((index, _)) = queue.waiting.front() {
            let at = index.checked_sub(self.first_index).map(|at| at as usize);
            if at.and_then(|at| self.slots.get(at)).is_some_and(|slot| !slot.done) {
                return;
            }
            queue.committable = queue.waiting.pop_front().map(|(_, offset)| offset);
        }
    }

    fn number(&mut self, partition: &Arc<OffsetMap>) -> usize {
        let address = Arc::as_ptr(partition) as usize;
        if let Some((last, number)) = self.last
            && last == address
        {
            return number;
        }
        let number = match self.by_address.get(&address) {
            Some(number) => *number,
            None => self.number_by_content(partition),
        };
        // Only addresses of maps that are kept alive here are remembered: others may be reused for another map.
        if Arc::ptr_eq(&self.partitions[number].partition, partition) {
            self.last = Some((address, number));
        }
        number
    }

    fn number_by_content(&mut self, partition: &Arc<OffsetMap>) -> usize {
        let candidates = self.by_content.entry(fingerprint(partition)).or_default();
        if let Some(number) = candidates.iter().find(|number| self.partitions[**number].partition == *partition) {
            return *number;
        }
        let number = self.partitions.len();
        candidates.push(number);
        self.by_address.insert(Arc::as_ptr(partition) as usize, number);
        self.partitions.push(Queue { partition: partition.clone(), waiting: VecDeque::new(), committable: None });
        number
    }

    /// A source with ever new partitions (files, say) must not make this grow for ever.
    fn forget_partitions(&mut self) {
        const KEPT: usize = 1024;
        if self.partitions.len() > KEPT {
            self.partitions.clear();
            self.by_address.clear();
            self.by_content.clear();
            self.last = None;
        }
    }
}

/// Equal maps have equal fingerprints.
fn fingerprint(map: &OffsetMap) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for (name, value) in map.iter() {
        name.hash(&mut hasher);
        match value {
            Value::String(text) => text.hash(&mut hasher),
            Value::Int64(number) => number.hash(&mut hasher),
            Value::Int32(number) => number.hash(&mut hasher),
            // Others are rare in partitions; maps that differ only in them are told apart by comparison.
            _ => {}
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use proptest::prelude::{any, prop, proptest};
    use sluice_api::{OffsetMap, Value};

    use super::SubmittedRecords;

    fn partition(number: u8) -> OffsetMap {
        OffsetMap::single("file", Value::from(number.to_string()))
    }

    fn offset(position: i64) -> OffsetMap {
        OffsetMap::single("position", Value::Int64(position))
    }

    fn taken(records: &mut SubmittedRecords) -> Vec<i64> {
        let offsets = records.take_committable();
        offsets.iter().map(|(_, offset)| offset.get("position").and_then(Value::as_i64).expect("a position")).collect()
    }

    #[test]
    fn a_late_acknowledgement_holds_back_its_own_partition_only() {
        // Invariant 1.
        let (a, b) = (Arc::new(partition(0)), Arc::new(partition(1)));
        let mut records = SubmittedRecords::default();
        let first = records.submit(&a, offset(1), 1);
        records.submit(&a, offset(2), 1);
        records.submit(&b, offset(10), 1);
        records.done(first + 1);
        records.done(first + 2);
        assert_eq!(taken(&mut records), [10]);
        records.done(first);
        assert_eq!(taken(&mut records), [2]);
        assert_eq!(taken(&mut records), [] as [i64; 0]);
        assert_eq!(records.unacknowledged(), 0);
    }

    #[test]
    fn equal_partitions_in_different_allocations_are_one() {
        // Invariant 1.
        let mut records = SubmittedRecords::default();
        records.submit(&Arc::new(partition(0)), offset(1), 1);
        let second = records.submit(&Arc::new(partition(0)), offset(2), 1);
        records.done(second);
        assert_eq!(taken(&mut records), [] as [i64; 0]);
    }

    #[test]
    fn what_was_submitted_counts_up_to_the_last_record_whether_acknowledged_or_not() {
        let (a, b) = (Arc::new(partition(0)), Arc::new(partition(1)));
        let mut records = SubmittedRecords::default();
        let first = records.submit(&a, offset(1), 1);
        records.submit(&a, offset(2), 1);
        records.submit(&b, offset(10), 1);
        records.done(first + 2);
        let positions = |records: &SubmittedRecords| {
            let offsets = records.submitted();
            offsets.iter().filter_map(|(_, offset)| offset.get("position").and_then(Value::as_i64)).collect::<Vec<_>>()
        };
        assert_eq!(positions(&records), [2, 10]);
        records.done(first);
        records.done(first + 1);
        assert_eq!(taken(&mut records), [2, 10]);
        assert_eq!(positions(&records), [] as [i64; 0]);
    }

    #[test]
    fn an_index_nobody_waits_for_changes_nothing() {
        let mut records = SubmittedRecords::default();
        let index = records.submit(&Arc::new(partition(0)), offset(1), 1);
        records.done(index + 5);
        records.done(index);
        records.done(index);
        assert_eq!(taken(&mut records), [1]);
    }

    #[test]
    fn an_offset_of_no_record_is_committable_at_once_and_never_passes_a_record() {
        // Invariant 1.
        let (a, b) = (Arc::new(partition(0)), Arc::new(partition(1)));
        let mut records = SubmittedRecords::default();
        let first = records.submit(&a, offset(1), 1);
        records.note(&b, offset(7));
        records.note(&a, offset(9));
        assert_eq!(taken(&mut records), [7]);
        records.done(first);
        assert_eq!(taken(&mut records), [1]);
    }

    proptest! {
        #[test]
        fn what_is_committable_is_the_longest_acknowledged_prefix(
            partitions in prop::collection::vec(0..4_u8, 1..80),
            order in any::<u64>(),
            acknowledged in 0..80_usize,
        ) {
            // Invariant 1.
            let mut records = SubmittedRecords::default();
            let shared: Vec<_> = (0..4).map(|number| Arc::new(partition(number))).collect();
            for (position, number) in partitions.iter().enumerate() {
                records.submit(&shared[usize::from(*number)], offset(position as i64), 1);
            }
            let mut indexes: Vec<usize> = (0..partitions.len()).collect();
            shuffle(&mut indexes, order);
            indexes.truncate(acknowledged);
            let mut committable = HashMap::new();
            for index in &indexes {
                records.done(*index as u64);
                if index % 3 == 0 {
                    take(&mut records, &mut committable);
                }
            }
            take(&mut records, &mut committable);
            let mut expected = HashMap::new();
            for number in 0..4_u8 {
                let own = (0..partitions.len()).filter(|index| partitions[*index] == number);
                if let Some(last) = own.take_while(|index| indexes.contains(index)).last() {
                    expected.insert(number.to_string(), last as i64);
                }
            }
            assert_eq!(committable, expected);
            assert_eq!(records.unacknowledged(), partitions.len() - indexes.len());
        }
    }

    fn take(records: &mut SubmittedRecords, into: &mut HashMap<String, i64>) {
        for (partition, offset) in records.take_committable() {
            let name = partition.get("file").and_then(Value::as_str).expect("a name").to_owned();
            let position = offset.get("position").and_then(Value::as_i64).expect("a position");
            let before = into.insert(name, position);
            assert!(before.is_none_or(|before| before < position), "progress never goes back");
        }
    }

    /// Fisher-Yates with a linear congruential generator.
    fn shuffle(items: &mut [usize], seed: u64) {
        let mut state = seed | 1;
        for at in (1..items.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            items.swap(at, (state >> 33) as usize % (at + 1));
        }
    }
}
