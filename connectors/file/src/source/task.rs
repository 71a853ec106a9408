//! The source task: batches of lines, with the position after each.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use sluice_api::{
    ConnectError, OffsetMap, Properties, Result, Schema, SourceRecord, SourceTask, SourceTaskContext, Value,
};
use tokio::time::Instant;
use tracing::{info, warn};

use super::input::{Input, Opened};
use super::lines::Lines;
use super::offsets::{Positions, partition, stored_position};
use crate::config::SourceConfig;

/// How long new data may go unnoticed, at least; a second is what Apache Kafka's connector always takes.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How long a poll waits before it returns without records.
const POLL_WAIT: Duration = Duration::from_secs(5);
const MIN_CHUNK_BYTES: u64 = 16 * 1024;
const MAX_CHUNK_BYTES: u64 = 256 * 1024;

/// A task that reads one file or the standard input.
#[derive(Default)]
pub(super) struct FileSourceTask {
    reading: Option<Reading>,
}

struct Reading {
    config: SourceConfig,
    context: SourceTaskContext,
    partition: Arc<OffsetMap>,
    positions: Positions,
    /// Where to start when the file is opened.
    stored_position: u64,
    input: Option<Input>,
    lines: Lines,
    missing_noticed: bool,
    /// Since when nothing came.
    quiet_since: Instant,
}

#[async_trait(?Send)]
impl SourceTask for FileSourceTask {
    async fn start(&mut self, context: SourceTaskContext, config: &Properties) -> Result<()> {
        let config = SourceConfig::parse(config)?;
        let partition = partition(config.file.as_deref());
        let mut stored_position_bytes = 0;
        if config.file.is_some() {
            let stored = context.offsets.offsets(std::slice::from_ref(&partition)).await?;
            stored_position_bytes = stored_position(stored.first().and_then(Option::as_ref))?;
        }
        self.reading = Some(Reading {
            positions: Positions::new(config.file.is_some()),
            lines: Lines::new(0, config.line_ends),
            config,
            context,
            partition: Arc::new(partition),
            stored_position: stored_position_bytes,
            input: None,
            missing_noticed: false,
            quiet_since: Instant::now(),
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let reading = self.reading.as_mut().ok_or_else(|| ConnectError::connect("the task was not started"))?;
        let deadline = Instant::now() + POLL_WAIT;
        loop {
            let records = reading.available()?;
            let now = Instant::now();
            if !records.is_empty() {
                reading.quiet_since = now;
            }
            if !records.is_empty() || now >= deadline {
                return Ok(records);
            }
            let wait = pause(now.duration_since(reading.quiet_since));
            match &mut reading.input {
                Some(input) => input.wait(wait).await,
                None => tokio::time::sleep(wait).await,
            }
        }
    }

    async fn stop(&mut self) -> Result<()> {
        self.reading = None;
        Ok(())
    }
}

/// How long a file that was quiet for some time is left alone. A worker with hundreds of files that nobody writes to sleeps nearly
/// all the time.
fn pause(quiet: Duration) -> Duration {
    (quiet / 10).clamp(SHORTEST_WAIT, LONGEST_WAIT)
}

impl Reading {
    /// The next batch; empty when the file is missing or read to its end.
    fn available(&mut self) -> Result<Vec<SourceRecord>> {
        if self.input.is_none() {
            self.open()?;
        }
        let Some(input) = &mut self.input else { return Ok(Vec::new()) };
        let chunk_bytes = (self.context.memory.bytes() / 8).clamp(MIN_CHUNK_BYTES, MAX_CHUNK_BYTES) as usize;
        while self.lines.is_empty() {
            // A long line doubles the chunk, so that its start is not looked through again and again.
            let limit = chunk_bytes.max(self.lines.unfinished_bytes());
            if self.lines.fill(|tail| input.read(tail, limit))? == 0 {
                input.check_unchanged()?;
                break;
            }
        }
        self.batch()
    }

    fn open(&mut self) -> Result<()> {
        let Some(file) = &self.config.file else {
            self.input = Some(Input::standard());
            return Ok(());
        };
        match Input::open(Path::new(file), self.stored_position)? {
            Opened::Missing => {
                if !self.missing_noticed {
                    warn!(connector = %self.context.connector, task = self.context.task, file, "file not found, waiting for it");
                }
                self.missing_noticed = true;
            }
            Opened::At(input, position) => {
                self.announce(file, position);
                self.input = Some(input);
                self.lines = Lines::new(position, self.config.line_ends);
            }
        }
        Ok(())
    }

    fn announce(&self, file: &str, position: u64) {
        let (connector, task, stored) = (&*self.context.connector, self.context.task, self.stored_position);
        if position == stored {
            info!(connector, task, file, position, "reading file");
        } else {
            warn!(
                connector,
                task,
                file,
                position,
                stored,
                "the stored position is inside of a line, going back to its start: some lines will be delivered again"
            );
        }
    }

    fn batch(&mut self) -> Result<Vec<SourceRecord>> {
        if self.lines.is_empty() && !self.lines.is_malformed() {
            return Ok(Vec::new());
        }
        let limit = self.config.batch_size;
        let timestamp_ms = now_ms();
        let mut records = Vec::with_capacity(limit.min(4096));
        let outcome = self.lines.take(limit, |line, position| {
            let mut record = SourceRecord::new(
                self.partition.clone(),
                self.positions.offset(position),
                self.config.topic.clone(),
                Some(Schema::STRING),
                Value::String(line),
            );
            record.timestamp_ms = Some(timestamp_ms);
            records.push(record);
        });
        match outcome {
            // Invariant 3: bytes that are no text are not changed into other text.
            Err(malformed) if records.is_empty() => Err(self.not_utf8(malformed.at)),
            _ => Ok(records),
        }
    }

    fn not_utf8(&self, at: u64) -> ConnectError {
        let file = self.config.file.as_deref().unwrap_or("the standard input");
        ConnectError::connect(format!(
            "{file} is not UTF-8 at byte {at}: a line with these bytes cannot be a string without being changed. Every line \
             before it was delivered; correct the line, or convert the file to UTF-8"
        ))
    }
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
