//! The sink task: records to objects, within its share of the memory budget.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use indexmap::IndexMap;
use sluice_api::connector::OffsetsToCommit;
use sluice_api::{ConnectError, ErrorKind, Properties, Result, SinkRecord, SinkTask, SinkTaskContext, TopicPartition};
use tokio::time::timeout;
use tracing::{info, warn};

use super::budget::Budget;
use super::config::{NullValues, SinkConfig};
use super::leftovers;
use super::partition::{PartitionWriter, Shared};
use super::spill::SpillFolder;
use super::upload::{Multipart, Uploader};
use crate::client::{Failure, FailureKind, Store};
use crate::partitioner::{Partitioner, record_error};

/// How long a commit waits for objects that are on their way. Tests of a loaded machine look at what is there after one commit.
const COMMIT_WAIT: Duration = Duration::from_secs(if cfg!(test) { 60 } else { 2 });
/// How long a task that ends tries to abort its uploads.
const ABORT_DEADLINE: Duration = Duration::from_secs(5);
/// How soon the clock is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Reads a configuration under some vendor's keys.
type Parse = fn(&Properties) -> Result<(SinkConfig, Partitioner)>;

/// A task; started by the worker.
pub(crate) struct S3SinkTask {
    parse: Parse,
    running: Option<Running>,
}

impl Default for S3SinkTask {
    fn default() -> Self {
        Self::with(SinkConfig::parse)
    }
}

struct Running {
    context: SinkTaskContext,
    shared: Shared,
    writers: IndexMap<TopicPartition, PartitionWriter>,
    budget: Budget,
    /// Whether `errors.tolerance` is `all`.
    tolerant: bool,
    /// Found during a commit, which cannot end the task: the next put does.
    failure: Option<ConnectError>,
}

#[async_trait(?Send)]
impl SinkTask for S3SinkTask {
    async fn start(&mut self, context: SinkTaskContext, properties: &Properties) -> Result<()> {
        let (config, partitioner) = (self.parse)(properties)?;
        let store = Store::open(&config.store).await?;
        check_bucket(&store, &context).await?;
        if !config.rotation.is_deterministic() || !partitioner.is_deterministic() {
            info!(
                connector = &*context.connector,
                task = context.task,
                "objects depend on the clock (schedule, idle time, Wallclock, or commits): after a crash records can be there twice"
            );
        }
        let spill = SpillFolder::open(&config.spill_dir, config.spill_limit_bytes)?;
        let uploader = Uploader::new(store, config.requests);
        let shared =
            Shared { config, partitioner, uploader, now_ms: now_ms(), put: 0, part_bytes: 0, folder: String::new() };
        self.running = Some(Running {
            budget: Budget::new(context.clone(), spill),
            context,
            shared,
            writers: IndexMap::new(),
            tolerant: properties.get("errors.tolerance").is_some_and(|value| value.eq_ignore_ascii_case("all")),
            failure: None,
        });
        Ok(())
    }

    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let running = self.running()?;
        for partition in partitions {
            running.writers.insert(partition.clone(), PartitionWriter::default());
        }
        leftovers::report(&running.shared, partitions);
        Ok(())
    }

    async fn put(&mut self, records: &[SinkRecord]) -> Result<()> {
        let running = self.running()?;
        if let Some(error) = running.failure.take() {
            return Err(error);
        }
        running.shared.now_ms = now_ms();
        running.shared.put += 1;
        running.shared.part_bytes = running.budget.part_bytes(running.shared.config.part_bytes);
        for of_partition in records.chunk_by(same_partition) {
            running.write(of_partition)?;
        }
        running.go_on().await
    }

    /// Invariant 2: only what is in complete objects, whatever was consumed.
    async fn pre_commit(&mut self, offsets: &OffsetsToCommit) -> Result<OffsetsToCommit> {
        let running = self.running()?;
        if running.shared.config.rotation.at_commit {
            running.writers.values_mut().try_for_each(|writer| writer.end_for_commit(&running.shared))?;
        }
        running.wait_for_objects().await;
        let committable = |(partition, consumed): (&TopicPartition, &i64)| {
            let offset = running.writers.get(partition)?.committable(*consumed)?;
            Some((partition.clone(), offset))
        };
        Ok(offsets.iter().filter_map(committable).collect())
    }

    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let running = self.running()?;
        let closed = partitions.iter().filter_map(|partition| running.writers.swap_remove(partition));
        let uploads: Vec<Multipart> = closed.flat_map(PartitionWriter::give_up).collect();
        abort(&running.shared.uploader, uploads).await;
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let uploads = running.writers.into_values().flat_map(PartitionWriter::give_up).collect();
        abort(&running.shared.uploader, uploads).await;
        Ok(())
    }
}

impl S3SinkTask {
    /// A task that reads its configuration with `parse`.
    pub(crate) fn with(parse: Parse) -> Self {
        Self { parse, running: None }
    }

    fn running(&mut self) -> Result<&mut Running> {
        self.running.as_mut().ok_or_else(|| ConnectError::connect("the task was not started"))
    }
}

impl Running {
    /// Records of one topic partition, in order.
    fn write(&mut self, records: &[SinkRecord]) -> Result<()> {
        let Some(first) = records.first() else { return Ok(()) };
        if let Some(original) = &first.original {
            // Two topics under one name would write the same object names, one over the other.
            return Err(ConnectError::connect(format!(
                "a transform has changed the topic or partition of a record of {original} to {}-{}: objects are named by topic, \
                 partition and offset, which must be those of Kafka. Remove the transform (RegexRouter or the like)",
                first.topic, first.partition
            )));
        }
        let partition = TopicPartition::new(first.topic.clone(), first.partition);
        let writer = self.writers.entry(partition).or_default();
        for record in records {
            let written = match wants(record, &self.shared.config.nulls) {
                Ok(true) => writer.write(record, &mut self.shared),
                Ok(false) => {
                    skip(record, &self.shared.config.nulls, self.tolerant, &self.context)?;
                    continue;
                }
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                report(record, error, &self.context)?;
            }
        }
        Ok(())
    }

    /// What is due after each put: finished objects, the clock, memory.
    async fn go_on(&mut self) -> Result<()> {
        if self.writers.values().any(PartitionWriter::has_rotated) || self.shared.uploader.in_flight_bytes() > 0 {
            // Requests are on this thread, too.
            tokio::task::yield_now().await;
        }
        self.settle().await;
        for writer in self.writers.values_mut() {
            writer.tick(&self.shared)?;
        }
        self.budget.keep(&mut self.writers, &self.shared.uploader).await;
        let rotation = &self.shared.config.rotation;
        if rotation.schedule.is_some() || rotation.idle_ms.is_some() || self.budget.is_paused() {
            self.context.timeout(LOOK_AGAIN);
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Notes what is complete.
    async fn settle(&mut self) {
        let mut failures = Vec::new();
        let mut completed = false;
        for (partition, writer) in &mut self.writers {
            let before = writer.has_rotated();
            if let Err(failure) = writer.settle().await {
                failures.push((partition.clone(), failure));
            }
            completed |= before && !writer.has_rotated();
        }
        let rotation = &self.shared.config.rotation;
        if completed && !rotation.is_deterministic() && !rotation.at_commit {
            // The shorter the time between object and offset, the less a crash repeats.
            self.context.request_commit();
        }
        for (partition, failure) in failures {
            self.failed(&partition, failure);
        }
    }

    async fn wait_for_objects(&mut self) {
        let mut failures = Vec::new();
        let wait = async {
            for (partition, writer) in self.writers.iter_mut().filter(|(_, writer)| writer.has_rotated()) {
                if let Err(failure) = writer.complete().await {
                    failures.push((partition.clone(), failure));
                }
            }
        };
        // What takes longer is committed with the next commit.
        if timeout(COMMIT_WAIT, wait).await.is_err() {
            info!(connector = &*self.context.connector, task = self.context.task, "objects are still on their way");
        }
        for (partition, failure) in failures {
            self.failed(&partition, failure);
        }
    }

    /// An object that cannot be completed: it is made anew where its parts are gone, else the task ends.
    fn failed(&mut self, partition: &TopicPartition, failure: Failure) {
        if failure.kind != FailureKind::UploadGone {
            self.failure = Some(failure.error);
            return;
        }
        let Some(writer) = self.writers.get_mut(partition) else { return };
        let Some(offset) = writer.restart_at() else { return };
        warn!(%partition, offset, error = %failure.error, "the records since this offset are read and written again");
        let uploads = std::mem::replace(writer, PartitionWriter::replaying_from(offset)).give_up();
        let uploader = self.shared.uploader.clone();
        tokio::spawn(async move { abort(&uploader, uploads).await });
        self.context.rewind([(partition.clone(), offset)]);
    }
}

/// Whether the record goes into an object.
fn wants(record: &SinkRecord, nulls: &NullValues) -> Result<bool> {
    match nulls {
        _ if !record.value.is_null() => Ok(true),
        NullValues::Write => Ok(true),
        NullValues::Ignore { .. } => Ok(false),
        NullValues::Fail => Err(record_error(
            record,
            "has no value, and `behavior.on.null.values` is fail: choose ignore, or write with `store.kafka.keys`",
        )),
    }
}

/// An ignored record goes to the dead letter queue where that is wanted.
fn skip(record: &SinkRecord, nulls: &NullValues, tolerant: bool, context: &SinkTaskContext) -> Result<()> {
    match (nulls, &context.errant_records) {
        (NullValues::Ignore { reports: true }, Some(reporter)) if tolerant => {
            reporter.report(record, record_error(record, "has no value"))
        }
        _ => Ok(()),
    }
}

/// A record that is at fault goes where `errors.*` says (Invariant 3); any other error ends the task.
fn report(record: &SinkRecord, error: ConnectError, context: &SinkTaskContext) -> Result<()> {
    match &context.errant_records {
        Some(reporter) if error.kind() == ErrorKind::Data => reporter.report(record, error),
        _ => Err(error),
    }
}

fn same_partition(one: &SinkRecord, other: &SinkRecord) -> bool {
    one.partition == other.partition && one.topic == other.topic && one.original == other.original
}

/// A bucket that is not there fails at once; a store that is away for now does not.
async fn check_bucket(store: &Store, context: &SinkTaskContext) -> Result<()> {
    match store.check_bucket().await {
        Err(Failure { kind: FailureKind::Retriable, error }) => {
            warn!(connector = &*context.connector, task = context.task, %error, "the bucket cannot be looked at yet");
            Ok(())
        }
        checked => checked.map_err(|failure| failure.error),
    }
}

async fn abort(uploader: &Uploader, uploads: Vec<Multipart>) {
    let work = futures_util::future::join_all(uploads.into_iter().map(|upload| uploader.abort(upload)));
    if timeout(ABORT_DEADLINE, work).await.is_err() {
        warn!("unfinished uploads stay behind; a lifecycle rule can remove them");
    }
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
