//! Runs a source task as the worker does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::{MemoryOffsets, Violation};
use crate::Properties;
use crate::connector::{CommittedRecord, MemoryShare, SourceTask, SourceTaskContext};
use crate::data::Value;
use crate::error::ErrorKind;
use crate::record::{OffsetMap, SourceRecord};

/// How long a poll may take before the source counts as having nothing more.
const QUIET: Duration = Duration::from_secs(1);

/// One life of a source task. Dropping it is a crash: nothing is stored any more.
pub struct SourceDriver {
    task: Box<dyn SourceTask>,
    offsets: Arc<MemoryOffsets>,
    in_flight: VecDeque<InFlight>,
    committable: Vec<(Arc<OffsetMap>, OffsetMap)>,
    acknowledged: usize,
    quiet: bool,
}

struct InFlight {
    token: u64,
    partition: Arc<OffsetMap>,
    offset: OffsetMap,
}

impl SourceDriver {
    /// Starts `task` over the stored `offsets`.
    ///
    /// # Errors
    /// The task's.
    pub async fn start(
        mut task: Box<dyn SourceTask>,
        config: &Properties,
        offsets: Arc<MemoryOffsets>,
    ) -> Result<Self, Violation> {
        let context = SourceTaskContext {
            connector: "testkit".into(),
            task: 0,
            offsets: offsets.clone(),
            memory: MemoryShare::new(16 * 1024 * 1024),
            transactions: None,
        };
        task.start(context, config).await.map_err(|error| Violation::Task("start", error))?;
        Ok(Self { task, offsets, in_flight: VecDeque::new(), committable: Vec::new(), acknowledged: 0, quiet: false })
    }

    /// The next batch, checked; empty when there is nothing (a retriable error counts as that). Nothing of it is acknowledged.
    /// When the task has nothing for a second the source counts as exhausted and is not polled again.
    ///
    /// # Errors
    /// The task's, and a record that the worker could not produce or whose offset it could not store.
    pub async fn poll(&mut self) -> Result<Vec<SourceRecord>, Violation> {
        if self.quiet {
            return Ok(Vec::new());
        }
        let batch = match tokio::time::timeout(QUIET, self.task.poll()).await {
            Ok(Ok(batch)) => batch,
            Ok(Err(error)) if error.kind() == ErrorKind::Retriable => Vec::new(),
            Ok(Err(error)) => return Err(Violation::Task("poll", error)),
            Err(_) => {
                self.quiet = true;
                Vec::new()
            }
        };
        for record in &batch {
            check(record)?;
            self.in_flight.push_back(InFlight {
                token: record.token,
                partition: record.source_partition.clone(),
                offset: record.source_offset.clone(),
            });
        }
        Ok(batch)
    }

    /// Batches until there are at least `count` records or the source is exhausted.
    ///
    /// # Errors
    /// As for [`SourceDriver::poll`]; also ten thousand empty batches in a row: the task spins instead of waiting.
    pub async fn poll_until(&mut self, count: usize) -> Result<Vec<SourceRecord>, Violation> {
        let (mut records, mut empty) = (Vec::new(), 0);
        while records.len() < count && !self.quiet {
            let batch = self.poll().await?;
            empty = if batch.is_empty() { empty + 1 } else { 0 };
            if empty > 10_000 {
                return Err(Violation::rule("poll returns empty batches in a loop instead of waiting for data"));
            }
            records.extend(batch);
            tokio::task::yield_now().await;
        }
        Ok(records)
    }

    /// Acknowledges the `count` oldest records in flight, and tells the task when it wants to know.
    ///
    /// # Errors
    /// The task's.
    pub async fn acknowledge(&mut self, count: usize) -> Result<(), Violation> {
        let mut done = Vec::new();
        for record in self.in_flight.drain(..count.min(self.in_flight.len())) {
            self.acknowledged += 1;
            done.push(CommittedRecord { token: record.token, position: Some((0, self.acknowledged as i64 - 1)) });
            match self.committable.iter_mut().find(|(partition, _)| **partition == *record.partition) {
                Some(entry) => entry.1 = record.offset,
                None => self.committable.push((record.partition, record.offset)),
            }
        }
        if done.is_empty() || !self.task.wants_committed_records() {
            return Ok(());
        }
        self.task.commit_records(&done).await.map_err(|error| Violation::Task("commit_records", error))
    }

    /// Stores the offsets of what is acknowledged (Invariant 1: of nothing else) and calls `commit`.
    ///
    /// # Errors
    /// The task's.
    pub async fn flush(&mut self) -> Result<(), Violation> {
        for (partition, offset) in self.committable.drain(..) {
            self.offsets.set(&partition, offset);
        }
        self.task.commit().await.map_err(|error| Violation::Task("commit", error))
    }

    /// A graceful end: `stop`, then what is outstanding is acknowledged and flushed.
    ///
    /// # Errors
    /// The task's.
    pub async fn stop(mut self) -> Result<(), Violation> {
        self.task.stop().await.map_err(|error| Violation::Task("stop", error))?;
        self.acknowledge(self.in_flight.len()).await?;
        self.flush().await
    }
}

fn check(record: &SourceRecord) -> Result<(), Violation> {
    if record.topic.is_empty() {
        return Err(Violation::rule("a record has no topic"));
    }
    if record.partition.is_some_and(|partition| partition < 0) {
        return Err(Violation::rule("a record has a negative partition"));
    }
    for (what, map) in [("source partition", &*record.source_partition), ("source offset", &record.source_offset)] {
        if let Some((field, _)) = map.iter().find(|(_, value)| !is_primitive(value)) {
            return Err(Violation::rule(format!(
                "field `{field}` of a {what} is not a primitive value and cannot be stored"
            )));
        }
    }
    Ok(())
}

fn is_primitive(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Map(_) | Value::Struct(_) | Value::Decimal(_) | Value::Date(_))
}
