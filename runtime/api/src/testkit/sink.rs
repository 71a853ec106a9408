//! Runs a sink task as the worker does.

use std::collections::HashSet;

use super::Violation;
use crate::Properties;
use crate::connector::{MemoryShare, OffsetsToCommit, SinkTask, SinkTaskContext};
use crate::error::ErrorKind;
use crate::record::{SinkRecord, TopicPartition};

/// What became of a batch.
#[derive(Debug)]
pub enum Delivery {
    /// `put` returned.
    Taken,
    /// `put` failed with a retriable error: the same batch must come again.
    Retry,
}

/// One life of a sink task. Dropping it is a crash: nothing is committed any more.
pub struct SinkDriver {
    task: Box<dyn SinkTask>,
    context: SinkTaskContext,
    assigned: HashSet<TopicPartition>,
    consumed: OffsetsToCommit,
    committed: OffsetsToCommit,
}

impl SinkDriver {
    /// Starts `task`.
    ///
    /// # Errors
    /// The task's.
    pub async fn start(mut task: Box<dyn SinkTask>, config: &Properties) -> Result<Self, Violation> {
        let context = SinkTaskContext::new("testkit".into(), 0, MemoryShare::new(16 * 1024 * 1024), None);
        task.start(context.clone(), config).await.map_err(|error| Violation::Task("start", error))?;
        let (assigned, consumed, committed) = Default::default();
        Ok(Self { task, context, assigned, consumed, committed })
    }

    /// The context that the task was given, to look at what it asked for.
    pub fn context(&self) -> &SinkTaskContext {
        &self.context
    }

    /// What was committed so far: the next offset to read, per partition.
    pub fn committed(&self) -> &OffsetsToCommit {
        &self.committed
    }

    /// Assigns partitions.
    ///
    /// # Errors
    /// The task's.
    pub async fn open(&mut self, partitions: &[TopicPartition]) -> Result<(), Violation> {
        self.assigned.extend(partitions.iter().cloned());
        self.task.open(partitions).await.map_err(|error| Violation::Task("open", error))
    }

    /// Delivers a batch. Its partitions must be assigned.
    ///
    /// # Errors
    /// The task's, unless it is retriable.
    pub async fn put(&mut self, batch: &[SinkRecord]) -> Result<Delivery, Violation> {
        match self.task.put(batch).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Retriable => return Ok(Delivery::Retry),
            Err(error) => return Err(Violation::Task("put", error)),
        }
        for record in batch {
            let partition = TopicPartition::new(record.original_topic().clone(), record.original_partition());
            if !self.assigned.contains(&partition) {
                return Err(Violation::rule(format!(
                    "the test delivers a record of {partition}, which is not assigned"
                )));
            }
            self.consumed.insert(partition, record.offset + 1);
        }
        Ok(Delivery::Taken)
    }

    /// Asks what may be committed and commits it.
    ///
    /// # Errors
    /// The task's; Invariant 2: an offset past what was delivered, or of a partition that is not assigned.
    pub async fn commit(&mut self) -> Result<(), Violation> {
        let answer =
            self.task.pre_commit(&self.consumed).await.map_err(|error| Violation::Task("pre_commit", error))?;
        for (partition, offset) in answer {
            let Some(consumed) = self.consumed.get(&partition) else {
                return Err(Violation::rule(format!(
                    "pre_commit returned {partition}, of which nothing was delivered"
                )));
            };
            if offset > *consumed {
                return Err(Violation::rule(format!(
                    "pre_commit returned offset {offset} of {partition}, but records were delivered up to {consumed} only"
                )));
            }
            self.committed.insert(partition, offset);
        }
        Ok(())
    }

    /// Takes partitions away, as a rebalance does: commit, then `close`.
    ///
    /// # Errors
    /// As for [`SinkDriver::commit`].
    pub async fn close(&mut self, partitions: &[TopicPartition]) -> Result<(), Violation> {
        self.commit().await?;
        self.task.close(partitions).await.map_err(|error| Violation::Task("close", error))?;
        for partition in partitions {
            self.assigned.remove(partition);
            self.consumed.shift_remove(partition);
        }
        Ok(())
    }

    /// A graceful end: everything is closed, then `stop`. Returns what was committed.
    ///
    /// # Errors
    /// As for [`SinkDriver::commit`].
    pub async fn stop(mut self) -> Result<OffsetsToCommit, Violation> {
        let assigned: Vec<TopicPartition> = self.assigned.iter().cloned().collect();
        self.close(&assigned).await?;
        self.task.stop().await.map_err(|error| Violation::Task("stop", error))?;
        Ok(self.committed)
    }
}
