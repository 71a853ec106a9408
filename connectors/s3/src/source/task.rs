//! The source task: looks for objects, reads one after another, and looks again.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::{ConnectError, ErrorKind, Properties, Result, SourceRecord, SourceTask, SourceTaskContext};
use tokio::time::Instant;
use tracing::{info, warn};

use super::Vendor;
use super::config::SourceConfig;
use super::listing::{Job, Listing};
use super::offsets::Names;
use super::reading::Reading;
use crate::client::{Failure, FailureKind, Store};

/// How long a poll waits before it returns without records.
const POLL_WAIT: Duration = Duration::from_secs(1);
/// The pause after trouble of the store that may pass.
const PAUSE: Duration = Duration::from_millis(500);
/// Bytes of a request, a sixteenth of the task's memory share between these.
const RANGE_BYTES: (u64, u64) = (64 * 1024, 4 * 1024 * 1024);

/// A task; started by the worker.
pub(crate) struct S3SourceTask {
    vendor: Vendor,
    running: Option<Running>,
}

struct Running {
    context: SourceTaskContext,
    config: SourceConfig,
    store: Store,
    listing: Listing,
    jobs: VecDeque<Job>,
    reading: Option<Reading>,
    next_look: Instant,
    names: Names,
}

impl S3SourceTask {
    pub(crate) fn new(vendor: Vendor) -> Self {
        Self { vendor, running: None }
    }
}

#[async_trait(?Send)]
impl SourceTask for S3SourceTask {
    async fn start(&mut self, context: SourceTaskContext, properties: &Properties) -> Result<()> {
        let config = SourceConfig::parse(self.vendor, properties)?;
        let store = Store::open(&config.store).await?;
        self.running = Some(Running {
            context,
            config,
            store,
            listing: Listing::default(),
            jobs: VecDeque::new(),
            reading: None,
            next_look: Instant::now(),
            names: Names::default(),
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let running = self.running.as_mut().ok_or_else(|| ConnectError::connect("the task was not started"))?;
        let deadline = Instant::now() + POLL_WAIT;
        loop {
            match running.next().await {
                Ok(records) if !records.is_empty() => return Ok(records),
                Ok(_) => {}
                Err(failure) if failure.kind == FailureKind::Retriable => {
                    tokio::time::sleep(PAUSE).await;
                    return Err(failure.error);
                }
                Err(failure) => return Err(failure.error),
            }
            if Instant::now() >= deadline {
                return Ok(Vec::new());
            }
            if running.reading.is_none() && running.jobs.is_empty() {
                tokio::time::sleep_until(deadline.min(running.next_look)).await;
            }
        }
    }

    async fn stop(&mut self) -> Result<()> {
        self.running = None;
        Ok(())
    }
}

impl Running {
    /// A step: the next batch of the object in hand, the next object, or another look.
    async fn next(&mut self) -> Result<Vec<SourceRecord>, Failure> {
        if self.reading.is_none() {
            if self.jobs.is_empty() && Instant::now() >= self.next_look {
                self.look().await?;
            }
            let Some(job) = self.jobs.pop_front() else { return Ok(Vec::new()) };
            let range_bytes = (self.context.memory.bytes() / 16).clamp(RANGE_BYTES.0, RANGE_BYTES.1);
            self.reading = Some(Reading::open(job, &self.config, range_bytes).map_err(Failure::fatal)?);
        }
        let Some(reading) = &mut self.reading else { return Ok(Vec::new()) };
        match reading.batch(&self.store, &self.config, &self.names, self.config.batch_records).await {
            Ok(records) => {
                if records.is_empty() {
                    self.listing.note_done(reading.key());
                    self.reading = None;
                }
                Ok(records)
            }
            Err(failure) => self.trouble(failure),
        }
    }

    async fn look(&mut self) -> Result<(), Failure> {
        self.next_look = Instant::now() + self.config.poll_interval;
        let jobs = self.listing.look(&self.store, &self.config, &*self.context.offsets).await?;
        if !jobs.is_empty() {
            let (connector, task, objects) = (&*self.context.connector, self.context.task, jobs.len());
            info!(connector, task, objects, "objects to read");
        }
        self.jobs = jobs.into();
        Ok(())
    }

    fn trouble(&mut self, failure: Failure) -> Result<Vec<SourceRecord>, Failure> {
        let (connector, task) = (&*self.context.connector, self.context.task);
        let Some(reading) = &self.reading else { return Err(failure) };
        let (key, records) = (reading.key(), reading.records());
        match failure.kind {
            FailureKind::Missing => warn!(connector, task, key, records, "the object was deleted while it was read"),
            FailureKind::Changed => {
                warn!(connector, task, key, records, "the object was replaced while it was read: on with the new one");
                self.listing.note_reached(key, records);
                self.next_look = Instant::now();
            }
            FailureKind::Fatal if self.config.passes_over_errors && failure.error.kind() == ErrorKind::Data => {
                warn!(connector, task, key, records, error = %failure.error, "the rest of the object is passed over");
                self.listing.note_done(key);
            }
            _ => return Err(failure),
        }
        self.reading = None;
        Ok(Vec::new())
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
