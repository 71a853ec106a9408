//! A task: translates what its groups have committed, writes checkpoints, and commits on the target when asked to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::{OffsetMap, Properties, Result, Schema, SourceRecord, SourceTask, SourceTaskContext, Value};
use sluice_kafka::wire::GroupAdmin;
use sluice_kafka::{Admin, KafkaBasedLog, OffsetSpec, TopicPartition};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::connector::group_admin;
use super::reader::{Shared, Topic, lock};
use super::translate::{Checkpoints, Starts, before_the_first_sync, checkpoints, remember, to_commit};
use crate::admin::failed;
use crate::config::{CheckpointConfig, ClientRole, Side};
use crate::formats::Checkpoint;
use crate::heartbeat::now_ms;
use crate::offset_syncs::OffsetSyncStore;

/// Longest wait within a poll, so that offsets are flushed in between.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Pause after a topic that could not be read.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// The task.
#[derive(Default)]
pub(super) struct MirrorCheckpointTask {
    running: Option<Running>,
}

struct Running {
    config: Arc<CheckpointConfig>,
    source: GroupAdmin,
    target: Admin,
    topic: Arc<str>,
    known: Known,
    background: Vec<JoinHandle<()>>,
    due: Instant,
}

/// What is known of both internal topics; nothing before both were read.
#[derive(Clone)]
struct Known {
    checkpoints: Shared<Checkpoints>,
    syncs: Shared<Option<Shared<OffsetSyncStore>>>,
    /// Read the offset syncs and ranges on.
    logs: Shared<Vec<KafkaBasedLog>>,
}

#[async_trait(?Send)]
impl SourceTask for MirrorCheckpointTask {
    async fn start(&mut self, _context: SourceTaskContext, properties: &Properties) -> Result<()> {
        let config = Arc::new(CheckpointConfig::parse(properties)?);
        let flow = &config.flow;
        let source = group_admin(&flow.clients.of(Side::Source, ClientRole::Admin, "checkpoint-source-admin"))?;
        let target = Admin::new(&flow.clients.of(Side::Target, ClientRole::Admin, "checkpoint-target-admin"));
        let target = target.map_err(|error| failed("creating an admin client", error))?;
        let known = Known { checkpoints: Arc::default(), syncs: Arc::default(), logs: Arc::default() };
        let mut background = vec![tokio::spawn(read(Arc::clone(&config), known.clone()))];
        if let Some(interval) = config.sync_group_offsets {
            let target = group_admin(&flow.clients.of(Side::Target, ClientRole::Admin, "checkpoint-target-admin"))?;
            let checkpoints = Arc::clone(&known.checkpoints);
            background.push(tokio::spawn(sync_groups(target, checkpoints, interval)));
        }
        self.running = Some(Running {
            topic: flow.checkpoints_topic().into(),
            due: Instant::now(),
            config: Arc::clone(&config),
            source,
            target,
            known,
            background,
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        match &mut self.running {
            Some(running) => running.poll().await,
            None => Ok(Vec::new()),
        }
    }

    async fn stop(&mut self) -> Result<()> {
        if let Some(running) = self.running.take() {
            running.background.iter().for_each(JoinHandle::abort);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.background.iter().for_each(JoinHandle::abort);
    }
}

impl Running {
    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let turn = Instant::now() + LONGEST_WAIT;
        sleep_until(self.due.min(turn)).await;
        let syncs = lock(&self.known.syncs).clone();
        let Some(syncs) = syncs.filter(|_| Instant::now() >= self.due) else {
            // Both topics are being read; or it is not time yet.
            sleep_until(turn).await;
            return Ok(Vec::new());
        };
        let interval = self.config.emit.unwrap_or(Duration::from_secs(60));
        self.due = Instant::now() + interval.max(Duration::from_secs(1));
        let mut records = Vec::new();
        for group in &self.config.assigned {
            let committed = match self.source.committed(group).await {
                Ok(committed) => committed,
                Err(error) => {
                    tracing::warn!(connector = self.config.flow.name, group, %error, "the group's offsets were not read");
                    continue;
                }
            };
            let before = before_the_first_sync(&self.config, &lock(&syncs), &committed);
            let starts = self.starts(before).await;
            let mut known = lock(&self.known.checkpoints);
            let made = checkpoints(&self.config, (&lock(&syncs), &starts), &known, group, &committed);
            for checkpoint in made {
                records.push(self.record(&checkpoint));
                remember(&mut known, checkpoint);
            }
        }
        Ok(records)
    }

    /// Where the logs of these partitions of the target begin: nothing that a group has not read lies before that.
    async fn starts(&self, partitions: Vec<TopicPartition>) -> Starts {
        if partitions.is_empty() {
            return Starts::new();
        }
        let starts = self.target.list_offsets(&partitions, OffsetSpec::Earliest, self.config.flow.admin_timeout).await;
        match starts {
            Ok(starts) => starts.into_iter().collect(),
            Err(error) => {
                let connector = &self.config.flow.name;
                tracing::warn!(connector, %error, "groups behind the first offset sync are not translated for now");
                Starts::new()
            }
        }
    }

    fn record(&self, checkpoint: &Checkpoint) -> SourceRecord {
        let partition = OffsetMap::new([
            ("group".into(), Value::from(checkpoint.group.as_str())),
            ("topic".into(), Value::from(&*checkpoint.partition.topic)),
            ("partition".into(), Value::Int32(checkpoint.partition.partition)),
        ]);
        let offset = OffsetMap::single("offset", Value::Int64(0));
        let value = Value::from(checkpoint.value());
        let mut record =
            SourceRecord::new(Arc::new(partition), offset, Arc::clone(&self.topic), Some(Schema::BYTES), value);
        record.key_schema = Some(Schema::BYTES);
        record.key = Value::from(checkpoint.key());
        record.partition = Some(0);
        record.timestamp_ms = Some(now_ms());
        record
    }
}

/// Reads the checkpoints that there are, then the offset syncs and what follows of them. Tries until both are there.
async fn read(config: Arc<CheckpointConfig>, known: Known) {
    let flow = &config.flow;
    let checkpoints = Topic {
        name: flow.checkpoints_topic(),
        replication_factor: config.replication_factor,
        properties: flow.clients.of(Side::Target, ClientRole::Consumer, "checkpoints-target-consumer"),
    };
    let only_latest = match checkpoints.read_checkpoints(Some(&config.assigned)).await {
        Ok(read) => {
            *lock(&known.checkpoints) = read;
            false
        }
        Err(error) => {
            // Without them a checkpoint might go back: only what is copied from now on is translated.
            tracing::warn!(topic = checkpoints.name, %error, "earlier checkpoints were not read");
            true
        }
    };
    let purpose = match config.syncs_location {
        Side::Source => "offset-syncs-source-consumer",
        Side::Target => "offset-syncs-target-consumer",
    };
    let syncs = Topic {
        name: flow.offset_syncs_topic(config.syncs_location),
        replication_factor: config.replication_factor,
        properties: flow.clients.of(config.syncs_location, ClientRole::Consumer, purpose),
    };
    let ranges = Topic { name: flow.offset_ranges_topic(config.syncs_location), ..syncs.clone() };
    loop {
        let store = Arc::new(Mutex::new(OffsetSyncStore::new(only_latest)));
        match syncs.follow_syncs(&store).await {
            Ok(log) => {
                lock(&known.logs).push(log);
                match ranges.follow_ranges(&store).await {
                    Ok(log) => lock(&known.logs).push(log),
                    // Only the mirror that wrote them has them; MirrorMaker's syncs say enough to lose nothing.
                    Err(error) => tracing::warn!(topic = ranges.name, %error, "offset ranges were not read"),
                }
                lock(&store).is_read();
                *lock(&known.syncs) = Some(store);
                return;
            }
            Err(error) => tracing::warn!(topic = syncs.name, %error, "offset syncs were not read; it is tried again"),
        }
        sleep(RETRY_PAUSE).await;
    }
}

/// Commits checkpoints for groups of the target that have no members.
async fn sync_groups(target: GroupAdmin, checkpoints: Shared<Checkpoints>, interval: Duration) {
    loop {
        sleep(interval.max(Duration::from_secs(1))).await;
        let known = lock(&checkpoints).clone();
        for (group, checkpoints) in &known {
            if let Err(error) = sync_group(&target, group, checkpoints).await {
                // A group with members looks after itself.
                tracing::warn!(group, %error, "the group's offsets were not committed on the target");
            }
        }
    }
}

async fn sync_group(
    target: &GroupAdmin,
    group: &str,
    checkpoints: &BTreeMap<(String, i32), Checkpoint>,
) -> Result<(), sluice_kafka::wire::Error> {
    let is_idle = target.describe(group).await?.state == "Empty";
    let committed = if is_idle { Some(target.committed(group).await?) } else { None };
    let commits = to_commit(checkpoints, committed.as_deref());
    if commits.is_empty() { Ok(()) } else { target.commit(group, &commits).await }
}
