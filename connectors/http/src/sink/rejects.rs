//! Records that cannot be delivered (Invariant 3): reported, left out because the user wants it so, or the end of the task.

use std::sync::Arc;

use sluice_api::connector::ErrantRecordReporter;
use sluice_api::{ConnectError, Result, SinkRecord};
use tracing::warn;

use super::settings::OnError;

/// Decides what becomes of them.
pub(super) struct Rejects {
    pub(super) on_error: OnError,
    pub(super) reporter: Option<Arc<dyn ErrantRecordReporter>>,
    pub(super) connector: Arc<str>,
    pub(super) task: u32,
}

impl Rejects {
    /// # Errors
    /// The task has to end.
    pub(super) fn failed(&self, record: &SinkRecord, reason: impl std::fmt::Display) -> Result<()> {
        let (topic, partition, offset) = (&**record.original_topic(), record.original_partition(), record.offset);
        let error = ConnectError::connect(format!(
            "the record at offset {offset} of {topic}-{partition} was not delivered: {reason}"
        ));
        match (self.on_error, &self.reporter) {
            (OnError::Ignore, _) => {
                warn!(connector = &*self.connector, task = self.task, topic, partition, offset, %error, "a record is left out");
                Ok(())
            }
            (OnError::Fail, Some(reporter)) => reporter.report(record, error),
            (OnError::Fail, None) => Err(error),
        }
    }
}
