//! What topics and files hold, read on from where the last look ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use sluice_harness::{Record, Topics};

/// The task and the number in the text of a counter, when it is whole.
fn parse(text: &str) -> Option<(i32, u32)> {
    let (task, number) = text.strip_prefix("task ")?.strip_suffix('.')?.split_once(" number ")?;
    Some((task.parse().ok()?, number.parse().ok()?))
}

/// Records of one owner that came when it was nobody's owner any more.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    /// `process/start`.
    pub(super) owner: String,
    pub(super) records: usize,
    bytes: usize,
    /// The offsets that the run of records spans.
    span: (i64, i64),
    /// When the broker appended them: the same for all records of a batch.
    appended_ms: BTreeSet<i64>,
}

impl Trail {
    fn add(trails: &mut Vec<Self>, owner: &str, record: &Record) {
        let bytes = record.value.as_deref().unwrap_or_default().len();
        let appended = record.timestamp_ms.unwrap_or_default();
        match trails.iter_mut().find(|trail| trail.owner == owner) {
            Some(trail) => {
                trail.records += 1;
                trail.bytes += bytes;
                trail.span.1 = record.offset;
                trail.appended_ms.insert(appended);
            }
            None => trails.push(Self {
                owner: owner.to_owned(),
                records: 1,
                bytes,
                span: (record.offset, record.offset),
                appended_ms: BTreeSet::from([appended]),
            }),
        }
    }

    /// A producer has one request on the wire, with one batch for the partition.
    pub(super) fn is_one_delivery(&self, batch_bytes: usize) -> bool {
        let in_one_run = self.span.1 - self.span.0 + 1 == self.records as i64;
        in_one_run && self.appended_ms.len() == 1 && self.bytes <= batch_bytes
    }
}

/// A process that the group had dropped by then, with its tasks.
pub(super) struct Expelled {
    pub(super) process: u32,
    pub(super) since_ms: i64,
}

/// One partition, which one task writes.
#[derive(Default)]
struct Partition {
    /// By offset.
    numbers: Vec<u32>,
    /// Every number below is there.
    next: u32,
    duplicates: usize,
    /// In the order of their first records, each with when the broker appended that.
    owners: Vec<(String, i64)>,
}

/// The topic of one counter.
pub(super) struct Ledger {
    topic: String,
    partitions: BTreeMap<i32, Partition>,
}

/// What a look at a topic found.
#[derive(Default)]
pub(super) struct Found {
    /// Of owners behind the first record of their successor.
    pub(super) overlaps: Vec<Trail>,
    /// Of owners after the group had dropped their worker.
    pub(super) late: Vec<Trail>,
}

impl Ledger {
    pub(super) fn new(topic: &str) -> Self {
        Self { topic: topic.to_owned(), partitions: BTreeMap::new() }
    }

    /// Reads on.
    ///
    /// # Errors
    /// When a number comes before all below it did (Invariants 1 and 3), or not from its own task.
    pub(super) fn look(&mut self, topics: &Topics, expelled: Option<&Expelled>) -> Result<Found> {
        let starts = self.partitions.iter().map(|(number, read)| (*number, read.numbers.len() as i64)).collect();
        let mut found = Found::default();
        for record in topics.read_from(&self.topic, &starts)? {
            let partition = self.partitions.entry(record.partition).or_default();
            let place = || format!("{} partition {} offset {}", self.topic, record.partition, record.offset);
            partition.take(&record, expelled, &mut found).with_context(place)?;
        }
        Ok(found)
    }

    /// Numbers of a task that are there, without a gap.
    pub(super) fn next(&self, task: i32) -> u32 {
        self.partitions.get(&task).map_or(0, |partition| partition.next)
    }

    pub(super) fn tasks(&self) -> impl Iterator<Item = i32> + '_ {
        self.partitions.keys().copied()
    }

    /// The numbers in a range of offsets.
    pub(super) fn numbers(&self, task: i32, from: i64, to: i64) -> Result<&[u32]> {
        let numbers = self.partitions.get(&task).map_or(&[][..], |partition| &partition.numbers);
        let range = usize::try_from(from)?..usize::try_from(to)?;
        numbers.get(range).with_context(|| format!("{} partition {task} ends before offset {to}", self.topic))
    }

    /// Numbers, and those of them that are there more than once.
    pub(super) fn totals(&self) -> (usize, usize) {
        let totals = self.partitions.values().map(|partition| (partition.next as usize, partition.duplicates));
        totals.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

impl Partition {
    fn take(&mut self, record: &Record, expelled: Option<&Expelled>, found: &mut Found) -> Result<()> {
        let text = record.value_text();
        let (task, number) = parse(&text).with_context(|| format!("not of a counter: {text}"))?;
        ensure!(task == record.partition, "from another task: {text}");
        ensure!(record.offset == self.numbers.len() as i64, "{} records before it", self.numbers.len());
        ensure!(number <= self.next, "number {number} is seen for the first time before number {}", self.next);
        self.numbers.push(number);
        self.duplicates += usize::from(number < self.next);
        self.next = self.next.max(number + 1);
        let header = record.headers.iter().find(|(name, _)| name == "owner").and_then(|(_, value)| value.as_deref());
        let owner = String::from_utf8_lossy(header.context("no owner")?).into_owned();
        let appended = record.timestamp_ms.context("no timestamp")?;
        let first = match self.owners.iter().rposition(|(known, _)| *known == owner) {
            None => {
                self.owners.push((owner.clone(), appended));
                appended
            }
            Some(known) => {
                if known + 1 < self.owners.len() {
                    Trail::add(&mut found.overlaps, &owner, record);
                }
                self.owners[known].1
            }
        };
        let is_late = |expelled: &Expelled| {
            let prefix = format!("{}/", expelled.process);
            owner.starts_with(&prefix) && first < expelled.since_ms && appended > expelled.since_ms
        };
        if expelled.is_some_and(is_late) {
            Trail::add(&mut found.late, &owner, record);
        }
        Ok(())
    }
}

/// The file of one sink.
pub(super) struct Sunk {
    path: PathBuf,
    read_bytes: u64,
    /// By task, then by number.
    seen: BTreeMap<i32, Vec<bool>>,
    pub(super) duplicates: usize,
    /// Lines that a worker did not finish when it was killed.
    pub(super) cut: usize,
}

impl Sunk {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, read_bytes: 0, seen: BTreeMap::new(), duplicates: 0, cut: 0 }
    }

    /// Reads on to the last whole line.
    pub(super) fn look(&mut self) -> Result<()> {
        let Ok(mut file) = File::open(&self.path) else { return Ok(()) };
        file.seek(SeekFrom::Start(self.read_bytes))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.read_bytes += whole as u64;
        for line in String::from_utf8_lossy(&bytes[..whole]).lines() {
            match parse(line) {
                None => self.cut += 1,
                Some((task, number)) => self.mark(task, number as usize),
            }
        }
        Ok(())
    }

    fn mark(&mut self, task: i32, number: usize) {
        let seen = self.seen.entry(task).or_default();
        if seen.len() <= number {
            seen.resize(number + 1, false);
        }
        self.duplicates += usize::from(std::mem::replace(&mut seen[number], true));
    }

    /// The first of these numbers that is not in the file.
    pub(super) fn missing(&self, task: i32, numbers: impl IntoIterator<Item = u32>) -> Option<u32> {
        let seen = self.seen.get(&task).map_or(&[][..], Vec::as_slice);
        numbers.into_iter().find(|number| !seen.get(*number as usize).copied().unwrap_or(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: i64, number: u32, owner: &str, appended_ms: i64) -> Record {
        Record {
            partition: 0,
            offset,
            timestamp_ms: Some(appended_ms),
            key: None,
            value: Some(format!("task 0 number {number}.").into_bytes()),
            headers: vec![("owner".to_owned(), Some(owner.as_bytes().to_vec()))],
        }
    }

    #[test]
    fn gaps_overlaps_and_late_records_are_noticed() -> Result<()> {
        let (mut partition, mut found) = (Partition::default(), Found::default());
        let expelled = Expelled { process: 1, since_ms: 50 };
        let written = [(0, "1/0", 10), (1, "1/0", 20), (1, "2/0", 40), (2, "1/0", 60), (2, "2/0", 70), (3, "2/0", 80)];
        for (offset, (number, owner, appended)) in written.into_iter().enumerate() {
            partition.take(&record(offset as i64, number, owner, appended), Some(&expelled), &mut found)?;
        }
        ensure!((partition.next, partition.duplicates) == (4, 2));
        for trails in [&found.overlaps, &found.late] {
            ensure!(trails.len() == 1 && trails[0].records == 1 && trails[0].is_one_delivery(100), "{trails:?}");
        }
        partition.take(&record(6, 2, "1/0", 90), Some(&expelled), &mut found)?;
        ensure!(!found.late[0].is_one_delivery(100), "two deliveries: {:?}", found.late);
        ensure!(partition.take(&record(7, 5, "2/0", 99), None, &mut found).is_err(), "a gap");
        Ok(())
    }
}
