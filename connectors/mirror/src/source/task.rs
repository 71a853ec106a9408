//! A task: copies its partitions with a [`Copier`] and reports how far it is.
//!
//! Invariant 1: a position is reported when the copier says that the target has acknowledged everything up to it. Invariant 5: once a report is
//! refused, a newer owner may be running and nothing more is written. Invariant 7: told to stop, it waits for what is under way and no more.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::connector::{Progress, RunState};
use sluice_api::{CarrierContext, CarrierTask, ConnectError, ErrorKind, OffsetMap, Properties, Result, Value};
use sluice_kafka::TopicPartition;
use sluice_kafka::copy::{Copied, Copier, CopyLimits};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::identity;
use super::syncs::SyncWriter;
use crate::admin::failed;
use crate::config::{ClientRole, Side, SourceConfig};

/// How often syncs go out that could wait.
const PROMOTION: Duration = Duration::from_secs(5);
/// How long the last syncs are waited for.
const LAST_SYNCS: Duration = Duration::from_secs(2);
/// Bytes of one fetch, and what waits of one.
const FETCH: (u64, u64) = (1 << 20, 8 << 20);

/// The task.
#[derive(Default)]
pub(super) struct MirrorSourceTask {
    running: Option<Running>,
}

struct Running {
    context: CarrierContext,
    copier: Copier,
    syncs: Option<SyncWriter>,
    partitions: HashMap<TopicPartition, Arc<OffsetMap>>,
    promote_at: Instant,
    /// Looks whether a topic was created again.
    watch: JoinHandle<()>,
    recreated: oneshot::Receiver<ConnectError>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

#[async_trait(?Send)]
impl CarrierTask for MirrorSourceTask {
    async fn start(&mut self, context: CarrierContext, properties: &Properties) -> Result<()> {
        let config = SourceConfig::parse(properties)?;
        if context.exactly_once.is_some() {
            let message = "exactly.once.source.support is not supported yet by the mirror: it copies at least once. Run it on a \
                           worker where exactly.once.source.support is disabled";
            return Err(ConnectError::new(ErrorKind::Unsupported, message));
        }
        let limits = limits(context.memory.bytes());
        let mut reading = config.flow.clients.of(Side::Source, ClientRole::Consumer, "replication-consumer");
        reading.entry("isolation.level".to_owned()).or_insert_with(|| "read_committed".to_owned());
        let wait_ms = config.poll_timeout.as_millis().min(i32::MAX as u128).to_string();
        reading.entry("fetch.max.wait.ms".to_owned()).or_insert(wait_ms);
        let writing = config.flow.clients.of(Side::Target, ClientRole::Producer, "replication-producer");
        let copier = Copier::new(&reading, &writing, limits);
        let mut copier = copier.map_err(|error| failed("preparing to copy", error))?;
        let partitions: HashMap<TopicPartition, Arc<OffsetMap>> =
            config.assigned.iter().map(|tp| (tp.clone(), Arc::new(source_partition(&config, tp)))).collect();
        let mut topics: Vec<Arc<str>> = config.assigned.iter().map(|tp| Arc::clone(&tp.topic)).collect();
        topics.sort_unstable();
        topics.dedup();
        let identities = identity::compare(&context, &config, &topics).await?;
        let stored = stored(&context, &config.assigned, &partitions).await?;
        let assigned = config.assigned.iter().zip(stored).map(|(source, offset)| {
            let remote = config.remote(&source.topic).into();
            let offset = offset.filter(|_| !identities.recreated.contains(&source.topic));
            (source.clone(), remote, offset.map(|offset| offset.saturating_add(1)))
        });
        let assigned = copier.assign(assigned.collect());
        assigned.map_err(|error| failed("preparing to copy", error))?;
        let syncs = SyncWriter::new(&config)?;
        for (topic, id) in &identities.ids {
            let (source_partition, source_offset) = identity::stored_as(&config, topic, id);
            let source_partition = Arc::new(source_partition);
            context.progress.report(Progress { source_partition, source_offset, records: 0, bytes: 0 })?;
        }
        let (watch, recreated) = identity::watch(config, identities.ids);
        let promote_at = Instant::now() + PROMOTION;
        self.running = Some(Running { context, copier, syncs, partitions, promote_at, watch, recreated });
        Ok(())
    }

    async fn run(&mut self) -> Result<()> {
        match &mut self.running {
            Some(running) => running.run().await,
            None => Err(ConnectError::connect("the task was not started")),
        }
    }
}

impl Running {
    async fn run(&mut self) -> Result<()> {
        loop {
            let state = *self.context.state.borrow_and_update();
            self.copier.set_paused(state != RunState::Running);
            if state != RunState::Running && !self.copier.is_under_way() {
                if state == RunState::Stopping {
                    break;
                }
                // The worker is gone with the sender.
                if self.context.state.changed().await.is_err() {
                    break;
                }
                continue;
            }
            tokio::select! {
                changed = self.context.state.changed() => {
                    if changed.is_err() {
                        break;
                    }
                }
                copied = self.copier.next() => {
                    let copied = copied.map_err(|error| failed("copying", error))?;
                    self.report(&copied)?;
                }
                Ok(recreated) = &mut self.recreated => return Err(recreated),
                () = sleep_until(self.promote_at) => {
                    self.promote_at = Instant::now() + PROMOTION;
                    if let Some(syncs) = &mut self.syncs {
                        syncs.promote();
                        syncs.send();
                    }
                }
            }
        }
        if let Some(syncs) = &mut self.syncs {
            syncs.finish(LAST_SYNCS).await;
        }
        Ok(())
    }

    fn report(&mut self, copied: &[Copied]) -> Result<()> {
        for done in copied {
            let Some(partition) = self.partitions.get(&done.partition) else { continue };
            self.context.progress.report(Progress {
                source_partition: Arc::clone(partition),
                source_offset: OffsetMap::single("offset", Value::Int64(done.end)),
                records: done.records,
                bytes: done.bytes,
            })?;
            if let Some(syncs) = &mut self.syncs {
                syncs.copied(done);
            }
        }
        if let Some(syncs) = &mut self.syncs {
            syncs.send();
        }
        Ok(())
    }
}

/// Half of the share is for what was fetched, and half for what waits for acknowledgements.
fn limits(share: u64) -> CopyLimits {
    let (least, most) = FETCH;
    let fetch_bytes = usize::try_from((share / 4).clamp(least, most)).unwrap_or(1 << 20);
    CopyLimits { held_bytes: 2 * fetch_bytes, fetch_bytes }
}

/// As MirrorMaker names a partition of the source.
fn source_partition(config: &SourceConfig, tp: &TopicPartition) -> OffsetMap {
    OffsetMap::new([
        ("cluster".into(), Value::from(config.flow.source.as_str())),
        ("partition".into(), Value::Int32(tp.partition)),
        ("topic".into(), Value::from(&*tp.topic)),
    ])
}

/// The last offset that was copied of each partition, as far as it is known.
async fn stored(
    context: &CarrierContext,
    assigned: &[TopicPartition],
    partitions: &HashMap<TopicPartition, Arc<OffsetMap>>,
) -> Result<Vec<Option<i64>>> {
    let wanted: Vec<OffsetMap> =
        assigned.iter().filter_map(|tp| partitions.get(tp)).map(|partition| (**partition).clone()).collect();
    let found = context.offsets.offsets(&wanted).await?;
    let offset = |offset: Option<OffsetMap>| match offset?.get("offset")? {
        Value::Int64(offset) => Some(*offset).filter(|offset| *offset >= 0),
        Value::Int32(offset) => Some(i64::from(*offset)).filter(|offset| *offset >= 0),
        _ => None,
    };
    Ok(found.into_iter().map(offset).collect())
}
