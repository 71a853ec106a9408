//! Checks over whole lives of a task, with a crash between them.

use std::sync::Arc;

use super::{Delivery, MemoryOffsets, SinkDriver, SourceDriver, Violation};
use crate::Properties;
use crate::connector::{OffsetsToCommit, SinkTask, SourceTask};
use crate::data::Value;
use crate::record::{OffsetMap, SinkRecord, SourceRecord, TopicPartition};

/// How often a batch is delivered again after a retriable error.
const ATTEMPTS: usize = 100;

/// Checks that a source goes on after a crash where its stored offsets say: nothing is left out, whatever was acknowledged.
///
/// `new_task` makes a task that finds the same data each time, `records` is how many records there are to read. They are read
/// once as a whole; then, for several places, a task is dropped with that many records acknowledged and a new one must give
/// exactly the rest, per source partition and in order.
///
/// # Errors
/// The first rule that is broken, with the place.
pub async fn check_source_resumes(
    new_task: impl Fn() -> Box<dyn SourceTask>,
    config: &Properties,
    records: usize,
) -> Result<(), Violation> {
    let whole = read(&new_task, config, Arc::default(), records, records).await?;
    if whole.len() < records {
        return Err(Violation::rule(format!("the source gave {} records, expected {records}", whole.len())));
    }
    for acknowledged in [0, 1, records / 2, records.saturating_sub(1)] {
        let offsets = Arc::new(MemoryOffsets::new());
        read(&new_task, config, offsets.clone(), acknowledged, acknowledged).await?;
        let rest = read(&new_task, config, offsets, records - acknowledged, 0).await?;
        // Invariant 1.
        compare(&whole[..records], &rest, acknowledged)?;
    }
    Ok(())
}

/// Reads at least `count` records, acknowledges the first `acknowledged`, flushes and crashes.
async fn read(
    new_task: &impl Fn() -> Box<dyn SourceTask>,
    config: &Properties,
    offsets: Arc<MemoryOffsets>,
    count: usize,
    acknowledged: usize,
) -> Result<Vec<SourceRecord>, Violation> {
    let mut driver = SourceDriver::start(new_task(), config, offsets).await?;
    let records = driver.poll_until(count).await?;
    driver.acknowledge(acknowledged).await?;
    driver.flush().await?;
    Ok(records)
}

fn compare(whole: &[SourceRecord], rest: &[SourceRecord], acknowledged: usize) -> Result<(), Violation> {
    let (acked, unacked) = whole.split_at(acknowledged);
    for (partition, expected) in by_partition(unacked) {
        let found = by_partition(rest).into_iter().find(|(other, _)| *other == partition);
        let found = found.map(|(_, values)| values).unwrap_or_default();
        if found.len() < expected.len() || found[..expected.len()] != expected {
            return Err(Violation::rule(format!(
                "after a crash with {} of {} records acknowledged the source does not go on with the next record of source \
                 partition {partition:?}",
                acked.len(),
                whole.len()
            )));
        }
    }
    Ok(())
}

fn by_partition(records: &[SourceRecord]) -> Vec<(&OffsetMap, Vec<&Value>)> {
    let mut partitions: Vec<(&OffsetMap, Vec<&Value>)> = Vec::new();
    for record in records {
        match partitions.iter_mut().find(|(partition, _)| **partition == *record.source_partition) {
            Some((_, values)) => values.push(&record.value),
            None => partitions.push((&record.source_partition, vec![&record.value])),
        }
    }
    partitions
}

/// Checks that a sink has everything after a crash: batches are delivered, offsets committed half way, the task dropped, and
/// what was not committed delivered again to a new one.
///
/// `records` is in order per partition; `is_delivered` looks a record up in the target after everything has ended.
///
/// # Errors
/// The first rule that is broken, with the place.
pub async fn check_sink_loses_nothing(
    new_task: impl Fn() -> Box<dyn SinkTask>,
    config: &Properties,
    records: &[SinkRecord],
    is_delivered: impl Fn(&SinkRecord) -> bool,
) -> Result<(), Violation> {
    let half = records.len() / 2;
    let mut first = start(&new_task, config, records).await?;
    deliver(&mut first, &records[..half]).await?;
    first.commit().await?;
    deliver(&mut first, &records[half..]).await?;
    let committed = first.committed().clone();
    drop(first);
    let mut second = start(&new_task, config, records).await?;
    let again: Vec<SinkRecord> = records.iter().filter(|record| !is_committed(&committed, record)).cloned().collect();
    deliver(&mut second, &again).await?;
    second.stop().await?;
    match records.iter().find(|record| !is_delivered(record)) {
        None => Ok(()),
        Some(lost) => Err(Violation::rule(format!(
            "the record at offset {} of {}-{} was committed but is not in the target",
            lost.offset, lost.topic, lost.partition
        ))),
    }
}

async fn start(
    new_task: &impl Fn() -> Box<dyn SinkTask>,
    config: &Properties,
    records: &[SinkRecord],
) -> Result<SinkDriver, Violation> {
    let mut driver = SinkDriver::start(new_task(), config).await?;
    let mut partitions: Vec<TopicPartition> = records.iter().map(partition).collect();
    partitions.sort();
    partitions.dedup();
    driver.open(&partitions).await?;
    Ok(driver)
}

async fn deliver(driver: &mut SinkDriver, batch: &[SinkRecord]) -> Result<(), Violation> {
    for _ in 0..ATTEMPTS {
        if let Delivery::Taken = driver.put(batch).await? {
            return Ok(());
        }
    }
    Err(Violation::rule(format!("put asked for a batch again {ATTEMPTS} times")))
}

fn partition(record: &SinkRecord) -> TopicPartition {
    TopicPartition::new(record.original_topic().clone(), record.original_partition())
}

fn is_committed(committed: &OffsetsToCommit, record: &SinkRecord) -> bool {
    committed.get(&partition(record)).is_some_and(|next| record.offset < *next)
}

#[cfg(test)]
mod tests;
