//! Which log each offset is of: stored beside it, so that a task never goes on in another log as if it were the one that was copied.
//!
//! The offset itself is stored as MirrorMaker stores it. The mark of a partition lies under a source partition of its own, which
//! MirrorMaker passes over, with the offset that it is about: when that is not the offset that is stored, somebody else has copied since, and
//! the mark says nothing about the epoch.

use std::collections::HashMap;
use std::sync::Arc;

use sluice_api::connector::Progress;
use sluice_api::{CarrierContext, OffsetMap, Result, Value};
use sluice_kafka::TopicPartition;
use sluice_kafka::copy::{Copied, Lineage};

use crate::config::SourceConfig;

/// What tells the partition of a mark from that of an offset.
const MARK: (&str, &str) = ("sluice", "log");
const TOPIC_ID: &str = "topic.id";
const EPOCH: &str = "leader.epoch";
const OFFSET: &str = "offset";
/// The offset that was stored for the log before this one.
const BEFORE: &str = "before";

/// Where each partition of a task goes on, and what is stored for it.
#[derive(Debug)]
pub(super) struct Marks {
    partitions: HashMap<TopicPartition, Partition>,
    /// Partitions whose mark has changed since it was reported last.
    changed: Vec<TopicPartition>,
}

#[derive(Debug)]
struct Partition {
    /// Under which the offset is stored, and the mark.
    offset_key: Arc<OffsetMap>,
    mark_key: Arc<OffsetMap>,
    /// The last offset that was copied of this log.
    last: Option<(i64, Lineage)>,
    before: Option<i64>,
}

/// What was stored for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// The last offset that was copied.
    pub(super) offset: Option<i64>,
    /// The log that it is of.
    pub(super) lineage: Lineage,
}

impl Marks {
    pub(super) fn new(config: &SourceConfig) -> Self {
        let partition = |tp: &TopicPartition| Partition {
            offset_key: Arc::new(offset_key(config, tp)),
            mark_key: Arc::new(mark_key(config, tp)),
            last: None,
            before: None,
        };
        let partitions = config.assigned.iter().map(|tp| (tp.clone(), partition(tp))).collect();
        Self { partitions, changed: Vec::new() }
    }

    /// What is stored of these partitions, in their order.
    ///
    /// # Errors
    /// The offsets cannot be read.
    pub(super) async fn stored(
        &mut self,
        context: &CarrierContext,
        assigned: &[TopicPartition],
    ) -> Result<Vec<Stored>> {
        let keys: Vec<OffsetMap> = assigned
            .iter()
            .filter_map(|tp| self.partitions.get(tp))
            .flat_map(|partition| [(*partition.offset_key).clone(), (*partition.mark_key).clone()])
            .collect();
        let found = context.offsets.offsets(&keys).await?;
        let stored = found.chunks(2).zip(assigned).map(|(pair, tp)| {
            let stored = read(pair.first().and_then(Option::as_ref), pair.get(1).and_then(Option::as_ref));
            if let Some(partition) = self.partitions.get_mut(tp) {
                partition.last = stored.offset.map(|offset| (offset, stored.lineage));
            }
            stored
        });
        Ok(stored.collect())
    }

    /// Takes note of a stretch; what is to be stored for it.
    pub(super) fn copied(&mut self, copied: &Copied) -> Option<Progress> {
        let partition = self.partitions.get_mut(&copied.partition)?;
        let is_another =
            |lineage: Lineage| lineage.topic_id.is_some_and(|id| copied.lineage.topic_id.is_some_and(|now| now != id));
        if let Some((offset, _)) = partition.last.filter(|(_, lineage)| is_another(*lineage)) {
            partition.before = Some(offset);
        }
        partition.last = Some((copied.end, copied.lineage));
        if self.changed.last() != Some(&copied.partition) {
            self.changed.push(copied.partition.clone());
        }
        Some(Progress {
            source_partition: Arc::clone(&partition.offset_key),
            source_offset: OffsetMap::single(OFFSET, Value::Int64(copied.end)),
            records: copied.records,
            bytes: copied.bytes,
        })
    }

    /// The marks of what was copied since the last call, to be stored behind the offsets.
    pub(super) fn changed(&mut self) -> Vec<Progress> {
        let changed = std::mem::take(&mut self.changed);
        let mark = |tp: TopicPartition| {
            let partition = self.partitions.get(&tp)?;
            let (offset, lineage) = partition.last?;
            let source_offset = write(offset, lineage, partition.before)?;
            Some(Progress { source_partition: Arc::clone(&partition.mark_key), source_offset, records: 0, bytes: 0 })
        };
        changed.into_iter().filter_map(mark).collect()
    }
}

/// As MirrorMaker names a partition of the source.
fn offset_key(config: &SourceConfig, tp: &TopicPartition) -> OffsetMap {
    OffsetMap::new([
        ("cluster".into(), Value::from(config.flow.source.as_str())),
        ("partition".into(), Value::Int32(tp.partition)),
        ("topic".into(), Value::from(&*tp.topic)),
    ])
}

fn mark_key(config: &SourceConfig, tp: &TopicPartition) -> OffsetMap {
    OffsetMap::new([
        ("cluster".into(), Value::from(config.flow.source.as_str())),
        ("partition".into(), Value::Int32(tp.partition)),
        (MARK.0.into(), Value::from(MARK.1)),
        ("topic".into(), Value::from(&*tp.topic)),
    ])
}

/// `None` when nothing is known of the log.
fn write(offset: i64, lineage: Lineage, before: Option<i64>) -> Option<OffsetMap> {
    let id = lineage.topic_id?;
    let known = [
        (EPOCH.into(), Value::Int32(lineage.leader_epoch)),
        (OFFSET.into(), Value::Int64(offset)),
        (TOPIC_ID.into(), Value::from(format!("{:032x}", id.as_u128()).as_str())),
    ];
    let before = before.map(|before| (BEFORE.into(), Value::Int64(before)));
    Some(known.into_iter().chain(before).collect())
}

fn read(offset: Option<&OffsetMap>, mark: Option<&OffsetMap>) -> Stored {
    let offset = offset.and_then(|offset| number(offset, OFFSET)).filter(|offset| *offset >= 0);
    let id = mark.and_then(|mark| match mark.get(TOPIC_ID) {
        Some(Value::String(id)) => u128::from_str_radix(id, 16).ok(),
        _ => None,
    });
    let (Some(mark), Some(id)) = (mark, id) else { return Stored { offset, lineage: Lineage::UNKNOWN } };
    let marked = number(mark, OFFSET);
    // The offset of the log before, which was stored when the worker died between two writes, is none of this log.
    let is_of_another = offset.is_some() && offset == number(mark, BEFORE);
    let offset = if is_of_another { marked } else { offset };
    let epoch = number(mark, EPOCH).and_then(|epoch| i32::try_from(epoch).ok());
    let leader_epoch = epoch.filter(|_| offset == marked).unwrap_or(-1);
    Stored { offset, lineage: Lineage { topic_id: Some(Lineage::id(id)), leader_epoch } }
}

fn number(map: &OffsetMap, key: &str) -> Option<i64> {
    match map.get(key)? {
        Value::Int64(number) => Some(*number),
        Value::Int32(number) => Some((*number).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: u128, leader_epoch: i32) -> Lineage {
        Lineage { topic_id: Some(Lineage::id(id)), leader_epoch }
    }

    fn offset(offset: i64) -> OffsetMap {
        OffsetMap::single(OFFSET, Value::Int64(offset))
    }

    fn marks() -> (Marks, TopicPartition) {
        let keys = [("source.cluster.alias", "A"), ("task.assigned.partitions", "t-0")];
        let keys = keys.map(|(key, value)| (key.to_owned(), value.to_owned()));
        (Marks::new(&SourceConfig::parse(&keys.into()).expect("valid")), TopicPartition::new("t", 0))
    }

    fn copied(tp: &TopicPartition, end: i64, lineage: Lineage) -> Copied {
        let partition = tp.clone();
        Copied { partition, end, ranges: Vec::new(), records: 1, bytes: 1, max_timestamp_ms: -1, lineage }
    }

    #[test]
    fn an_offset_comes_back_with_its_log() {
        let mark = write(7, of(0xab, 3), None).expect("known");
        assert_eq!(read(Some(&offset(7)), Some(&mark)), Stored { offset: Some(7), lineage: of(0xab, 3) });
        let unknown = Stored { offset: Some(7), lineage: Lineage::UNKNOWN };
        assert_eq!(read(Some(&offset(7)), None), unknown, "what MirrorMaker has stored");
        assert_eq!(read(Some(&offset(-1)), None).offset, None);
    }

    #[test]
    fn what_another_worker_has_copied_since_is_of_an_epoch_that_is_not_known() {
        let mark = write(7, of(0xab, 3), None).expect("known");
        assert_eq!(read(Some(&offset(9)), Some(&mark)), Stored { offset: Some(9), lineage: of(0xab, -1) });
    }

    #[test]
    fn an_offset_of_the_topic_before_is_not_taken_for_one_of_the_new_topic() {
        let (mut marks, tp) = marks();
        for (end, id) in [(1_000, 1), (3, 2)] {
            marks.copied(&copied(&tp, end, of(id, 0))).expect("assigned");
        }
        let mark = marks.changed().remove(0).source_offset;
        // The worker died when the mark was stored, and the offset was not.
        assert_eq!(read(Some(&offset(1_000)), Some(&mark)), Stored { offset: Some(3), lineage: of(2, 0) });
        assert_eq!(read(Some(&offset(3)), Some(&mark)), Stored { offset: Some(3), lineage: of(2, 0) });
        assert!(marks.changed().is_empty());
    }
}
