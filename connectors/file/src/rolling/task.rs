//! The sink task: records into the files of their partitions.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::connector::OffsetsToCommit;
use sluice_api::data::{Decimals, to_json};
use sluice_api::{ConnectError, Properties, Result, SinkRecord, SinkTask, SinkTaskContext, TopicPartition, Value};

use super::config::{Format, RollingConfig};
use super::lane::{Lane, failed};
use super::segment::Segment;

/// A task.
#[derive(Default)]
pub(super) struct RollingTask {
    writing: Option<Writing>,
}

struct Writing {
    config: RollingConfig,
    context: SinkTaskContext,
    lanes: HashMap<TopicPartition, Lane>,
    line: Vec<u8>,
}

impl RollingTask {
    fn writing(&mut self) -> Result<&mut Writing> {
        self.writing.as_mut().ok_or_else(|| ConnectError::connect("the task was not started"))
    }
}

#[async_trait(?Send)]
impl SinkTask for RollingTask {
    async fn start(&mut self, context: SinkTaskContext, config: &Properties) -> Result<()> {
        let config = RollingConfig::parse(config)?;
        self.writing = Some(Writing { config, context, lanes: HashMap::new(), line: Vec::new() });
        Ok(())
    }

    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let writing = self.writing()?;
        for partition in partitions {
            let lane = Lane::open(&writing.config, partition)?;
            writing.lanes.insert(partition.clone(), lane);
        }
        Ok(())
    }

    async fn put(&mut self, records: &[SinkRecord]) -> Result<()> {
        let writing = self.writing()?;
        records.iter().try_for_each(|record| writing.write(record))?;
        writing.finish_old()
    }

    /// Invariant 2: only what is in finished files.
    async fn pre_commit(&mut self, offsets: &OffsetsToCommit) -> Result<OffsetsToCommit> {
        let writing = self.writing()?;
        writing.finish_old()?;
        let lanes = &writing.lanes;
        let safe = |(partition, offset): (&TopicPartition, &i64)| {
            let open = lanes.get(partition).and_then(|lane| lane.segment.as_ref());
            (partition.clone(), open.map_or(*offset, |segment| segment.first.min(*offset)))
        };
        Ok(offsets.iter().map(safe).collect())
    }

    /// What is not finished is read again by whoever has the partitions next.
    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let writing = self.writing()?;
        for partition in partitions {
            writing.lanes.remove(partition);
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        self.writing = None;
        Ok(())
    }
}

impl Writing {
    fn write(&mut self, record: &SinkRecord) -> Result<()> {
        let Self { config, lanes, line, .. } = self;
        let partition =
            TopicPartition { topic: record.original_topic().clone(), partition: record.original_partition() };
        let lane = lanes
            .get_mut(&partition)
            .ok_or_else(|| ConnectError::connect(format!("a record of {partition}, which the task does not have")))?;
        if record.offset < lane.next {
            // A finished file has it: it was renamed, and the task ended before the commit.
            return Ok(());
        }
        line.clear();
        append(config.format, record, line)?;
        line.push(b'\n');
        let folder = lane.folder().to_owned();
        let segment = lane.segment(config, record.offset)?;
        segment.write(line, record.offset).map_err(|error| failed("write to a file in", &folder, error))?;
        let full = |most: u64, is: u64| most > 0 && is >= most;
        if full(config.max_records, segment.records) || full(config.max_bytes, segment.bytes) {
            lane.finish(config.fsync)?;
        }
        Ok(())
    }

    /// Finishes files that are old enough, and asks to be called when the next one is.
    fn finish_old(&mut self) -> Result<()> {
        let Self { config, lanes, context, .. } = self;
        let left = |segment: &Segment| config.max_age.saturating_sub(segment.opened.elapsed());
        let mut next: Option<Duration> = None;
        for lane in lanes.values_mut() {
            match lane.segment.as_ref().map(left) {
                Some(Duration::ZERO) => lane.finish(config.fsync)?,
                Some(left) => next = Some(next.map_or(left, |next| next.min(left))),
                None => {}
            }
        }
        if let Some(next) = next {
            context.timeout(next);
        }
        Ok(())
    }
}

fn append(format: Format, record: &SinkRecord, line: &mut Vec<u8>) -> Result<()> {
    match (format, &record.value) {
        (Format::Json, value) => {
            line.extend_from_slice(&to_json(value, record.value_schema.as_ref(), Decimals::Numeric)?);
        }
        (Format::Lines, Value::String(text)) => line.extend_from_slice(text.as_bytes()),
        (Format::Lines, Value::Bytes(bytes)) => line.extend_from_slice(bytes),
        (Format::Lines, value) => line.extend_from_slice(value.to_string().as_bytes()),
    }
    Ok(())
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
