//! The sink task: one line per record.

use std::fmt;

use async_trait::async_trait;
use sluice_api::connector::OffsetsToCommit;
use sluice_api::{ConnectError, Properties, Result, SinkRecord, SinkTask, SinkTaskContext, Value};

use super::output::{Batch, Output};
use crate::config::sink_file;

/// A task that writes to one file or the standard output.
#[derive(Default)]
pub(super) struct FileSinkTask {
    output: Option<Output>,
    batch: Batch,
    ends: Vec<usize>,
}

#[async_trait(?Send)]
impl SinkTask for FileSinkTask {
    async fn start(&mut self, _context: SinkTaskContext, config: &Properties) -> Result<()> {
        self.output = Some(Output::open(sink_file(config)?.as_deref())?);
        Ok(())
    }

    async fn put(&mut self, records: &[SinkRecord]) -> Result<()> {
        let output = self.output.as_mut().ok_or_else(not_started)?;
        self.batch.clear();
        self.ends.clear();
        for record in records {
            append(self.batch.text(), &record.value)?;
            self.batch.end_line(&mut self.ends);
        }
        output.write(&self.batch, &self.ends)
    }

    /// Invariant 2: offsets are committed only for what is on the disk.
    async fn flush(&mut self, _offsets: &OffsetsToCommit) -> Result<()> {
        self.output.as_mut().ok_or_else(not_started)?.sync()
    }

    async fn stop(&mut self) -> Result<()> {
        self.output = None;
        Ok(())
    }
}

fn not_started() -> ConnectError {
    ConnectError::connect("the task was not started")
}

/// Java's text of the value; bytes as they are, where Java would print their address.
fn append(out: &mut Vec<u8>, value: &Value) -> Result<()> {
    match value {
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) => out.extend_from_slice(bytes),
        other => {
            let written = other.write_text(&mut Line(out));
            written.map_err(|error| ConnectError::data("cannot print a value").with_source(error))?;
        }
    }
    Ok(())
}

/// Text at the end of bytes.
struct Line<'a>(&'a mut Vec<u8>);

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
