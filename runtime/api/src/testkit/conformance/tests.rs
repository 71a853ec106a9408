//! The checks themselves: they pass honest tasks and catch those that lose records.

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::connector::{SinkTaskContext, SourceTaskContext};
use crate::error::{ConnectError, Result};
use crate::record::{Headers, TimestampType};

/// Counts in two source partitions, twice as fast in the first. `ahead` is how far its offsets run ahead.
struct Counter {
    next: [i64; 2],
    ahead: i64,
}

fn partition_of(side: usize) -> OffsetMap {
    OffsetMap::single("side", Value::Int64(side as i64))
}

#[async_trait(?Send)]
impl SourceTask for Counter {
    async fn start(&mut self, context: SourceTaskContext, _config: &Properties) -> Result<()> {
        let stored = context.offsets.offsets(&[partition_of(0), partition_of(1)]).await?;
        for (side, offset) in stored.into_iter().enumerate() {
            self.next[side] = offset.and_then(|offset| offset.get("next").and_then(Value::as_i64)).unwrap_or(0);
        }
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let record = |next: &mut [i64; 2], side: usize| {
            next[side] += 1;
            let offset = OffsetMap::single("next", Value::Int64(next[side] + self.ahead));
            let value = Value::Int64(next[side]);
            SourceRecord::new(Arc::new(partition_of(side)), offset, "t".into(), None, value)
        };
        Ok([0, 1, 0].into_iter().map(|side| record(&mut self.next, side)).collect())
    }
}

#[tokio::test]
async fn a_source_whose_offsets_are_right_passes() {
    // Invariant 1. With 2 to 1 the rest of a partition may be longer than what was read as a whole.
    check_source_resumes(|| Box::new(Counter { next: [0; 2], ahead: 0 }), &Properties::new(), 31)
        .await
        .expect("it passes");
}

#[tokio::test]
async fn a_source_whose_offsets_run_ahead_is_caught() {
    let found = check_source_resumes(|| Box::new(Counter { next: [0; 2], ahead: 1 }), &Properties::new(), 30).await;
    assert!(found.expect_err("it loses records").to_string().contains("does not go on with the next record"));
}

/// Buffers records and writes them to `written` when it is asked to flush. `forgets` makes it say that it did.
struct Buffered {
    written: Arc<Mutex<Vec<i64>>>,
    buffer: Vec<i64>,
    forgets: bool,
    refusals: usize,
}

#[async_trait(?Send)]
impl SinkTask for Buffered {
    async fn start(&mut self, _context: SinkTaskContext, _config: &Properties) -> Result<()> {
        Ok(())
    }

    async fn put(&mut self, records: &[SinkRecord]) -> Result<()> {
        if self.refusals > 0 {
            self.refusals -= 1;
            return Err(ConnectError::retriable("not yet"));
        }
        self.buffer.extend(records.iter().map(|record| record.offset));
        Ok(())
    }

    async fn flush(&mut self, _offsets: &OffsetsToCommit) -> Result<()> {
        if !self.forgets {
            self.written.lock().expect("no panic").append(&mut self.buffer);
        }
        Ok(())
    }
}

fn records(count: i64) -> Vec<SinkRecord> {
    let record = |offset| SinkRecord {
        topic: "t".into(),
        partition: 0,
        offset,
        key_schema: None,
        key: Value::Null,
        value_schema: None,
        value: Value::Int64(offset),
        timestamp_ms: None,
        timestamp_type: TimestampType::NoTimestampType,
        headers: Headers::new(),
        original: None,
    };
    (0..count).map(record).collect()
}

async fn check_buffered(forgets: bool) -> std::result::Result<(), Violation> {
    let written = Arc::new(Mutex::new(Vec::new()));
    let target = written.clone();
    let new_task = || -> Box<dyn SinkTask> {
        Box::new(Buffered { written: written.clone(), buffer: Vec::new(), forgets, refusals: 2 })
    };
    check_sink_loses_nothing(new_task, &Properties::new(), &records(20), |record| {
        target.lock().expect("no panic").contains(&record.offset)
    })
    .await
}

#[tokio::test]
async fn a_sink_that_flushes_before_it_commits_passes() {
    check_buffered(false).await.expect("it passes");
}

#[tokio::test]
async fn a_sink_that_commits_what_it_has_not_written_is_caught() {
    let found = check_buffered(true).await.expect_err("it loses records");
    assert_eq!(found.to_string(), "the record at offset 0 of t-0 was committed but is not in the target");
}

/// Says that it may commit more than it was given.
struct Eager;

#[async_trait(?Send)]
impl SinkTask for Eager {
    async fn start(&mut self, _context: SinkTaskContext, _config: &Properties) -> Result<()> {
        Ok(())
    }

    async fn put(&mut self, _records: &[SinkRecord]) -> Result<()> {
        Ok(())
    }

    async fn pre_commit(&mut self, offsets: &OffsetsToCommit) -> Result<OffsetsToCommit> {
        Ok(offsets.iter().map(|(partition, offset)| (partition.clone(), offset + 1)).collect())
    }
}

#[tokio::test]
async fn an_offset_past_what_was_delivered_is_caught() {
    // Invariant 2.
    let found = check_sink_loses_nothing(|| Box::new(Eager), &Properties::new(), &records(4), |_| true).await;
    assert_eq!(
        found.expect_err("too far").to_string(),
        "pre_commit returned offset 3 of t-0, but records were delivered up to 2 only"
    );
}
