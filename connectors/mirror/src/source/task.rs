//! A task: copies its partitions with a [`Copier`] and reports how far it is.
//!
//! Invariant 1: a position is reported when the copier says that the target has acknowledged everything up to it. Invariant 5: once a report is
//! refused, a newer owner may be running and nothing more is written. Invariant 7: told to stop, it waits for what is under way and no more.

use std::time::Duration;

use async_trait::async_trait;
use sluice_api::connector::RunState;
use sluice_api::{CarrierContext, CarrierTask, ConnectError, ErrorKind, Properties, Result};
use sluice_kafka::copy::{Assignment, Copied, Copier, CopyLimits};
use tokio::time::{Instant, sleep_until};

use super::marks::Marks;
use super::syncs::SyncWriter;
use crate::admin::failed;
use crate::config::{ClientRole, Side, SourceConfig};

/// How often syncs go out that could wait.
const PROMOTION: Duration = Duration::from_secs(1);
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
    marks: Marks,
    promote_at: Instant,
    /// Alias of the source.
    source: String,
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
        let copier = Copier::new(&reading, &writing, limits, config.lineage_rules);
        let mut copier = copier.map_err(|error| failed("preparing to copy", error))?;
        let mut marks = Marks::new(&config);
        let stored = marks.stored(&context, &config.assigned).await?;
        let assigned = config.assigned.iter().zip(stored).map(|(source, stored)| Assignment {
            source: source.clone(),
            target: config.remote(&source.topic).into(),
            offset: stored.offset.map(|offset| offset.saturating_add(1)),
            lineage: stored.lineage,
        });
        let assigned = copier.assign(assigned.collect());
        assigned.map_err(|error| failed("preparing to copy", error))?;
        let syncs = SyncWriter::new(&config)?;
        let promote_at = Instant::now() + PROMOTION;
        self.running = Some(Running { context, copier, syncs, marks, promote_at, source: config.flow.source });
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
                    let copied = copied.map_err(|error| self.failure(error))?;
                    self.report(&copied)?;
                }
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
            let Some(progress) = self.marks.copied(done) else { continue };
            self.context.progress.report(progress)?;
            if let Some(syncs) = &mut self.syncs {
                syncs.copied(done);
            }
        }
        for mark in self.marks.changed() {
            self.context.progress.report(mark)?;
        }
        if let Some(syncs) = &mut self.syncs {
            syncs.send();
        }
        Ok(())
    }
}

impl Running {
    fn failure(&self, error: sluice_kafka::Error) -> ConnectError {
        let (key, what) = match error.kind() {
            sluice_kafka::ErrorKind::TopicRecreated => ("topic.recreated", "copy the new topic from its start"),
            sluice_kafka::ErrorKind::LogTruncated => ("topic.truncated", "copy what has taken their place"),
            _ => return failed("copying", error),
        };
        let message = format!(
            "copying from cluster {}: {error}. What was copied of it would be mixed with what follows. Set {key}=continue to {what} \
             behind it all the same, or delete the target topic and the connector's offsets first",
            self.source
        );
        ConnectError::connect(message).with_source(error)
    }
}

/// Half of the share is for what was fetched, and half for what waits for acknowledgements.
fn limits(share: u64) -> CopyLimits {
    let (least, most) = FETCH;
    let fetch_bytes = usize::try_from((share / 4).clamp(least, most)).unwrap_or(1 << 20);
    CopyLimits { held_bytes: 2 * fetch_bytes, fetch_bytes }
}
