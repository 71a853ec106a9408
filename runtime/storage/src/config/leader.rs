//! The leader's writes to the config topic, in transactions that a newer leader fences (KIP-618, connect-worker.md 2.2).

use std::time::Duration;

use bytes::Bytes;
use sluice_kafka::{LogOptions, TransactionalWriter};
use tokio::sync::Mutex;

use super::records::ConfigRecord;
use crate::Error;

/// Kafka Connect's words for a write that failed because the privileges were lost, or that lost them by failing.
const FENCED: &str =
    "Failed to write to config topic; this may be due to a transient error and the request can be safely retried";

/// Writes while this worker is the leader. A failed write gives the privileges up: whether it counts is unknown, so the leader
/// claims them anew, which settles it, before it writes again.
pub(super) struct LeaderWriter {
    options: LogOptions,
    transactional_id: String,
    writer: Mutex<Option<TransactionalWriter>>,
}

impl LeaderWriter {
    pub(super) fn new(options: LogOptions, transactional_id: String) -> Self {
        Self { options, transactional_id, writer: Mutex::new(None) }
    }

    /// Takes the privileges unless this worker has them.
    pub(super) async fn claim(&self, timeout: Duration) -> Result<(), Error> {
        let mut writer = self.writer.lock().await;
        if writer.is_none() {
            let claimed = TransactionalWriter::claim(&self.options, &self.transactional_id, timeout).await;
            let context = || "Failed to create and initialize fencable producer for config topic".to_owned();
            *writer = Some(claimed.map_err(|source| Error::Kafka { context: context(), source })?);
        }
        Ok(())
    }

    /// All records in one transaction.
    pub(super) async fn write(&self, records: &[ConfigRecord], timeout: Duration) -> Result<(), Error> {
        let mut slot = self.writer.lock().await;
        // Taken out: a write that is given up half-way must not leave a writer with an open transaction.
        let writer = slot.take().ok_or_else(|| Error::Fenced(FENCED.to_owned()))?;
        let records = records.iter().map(|record| (Bytes::from(record.key()), record.value())).collect();
        match writer.write(records, timeout).await {
            Ok(()) => {
                *slot = Some(writer);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "Failed to write to config topic as leader");
                Err(Error::Fenced(FENCED.to_owned()))
            }
        }
    }

    /// Drops the writer with what it has in flight. Nobody is writing: the operation that was served is given up first.
    pub(super) fn give_up_writes(&self) {
        if let Ok(mut writer) = self.writer.try_lock()
            && let Some(writer) = writer.take()
        {
            writer.give_up_writes();
        }
    }

    pub(super) async fn relinquish(&self) {
        self.writer.lock().await.take();
    }
}
