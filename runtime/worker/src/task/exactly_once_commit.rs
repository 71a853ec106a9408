//! The steps of one commit and one abort of a source task's transaction.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sluice_api::ConnectError;
use sluice_kafka::{Ack, ProducerRecord};
use sluice_storage::offset::offset_record;

use super::source::WorkerSourceTask;
use crate::fault;
use crate::submitted_records::CommittableOffsets;

/// How long one call to the cluster waits before the task looks whether it was cancelled.
const CALL_SLICE: Duration = Duration::from_secs(1);
/// The pause after a send that failed for a passing reason.
const SEND_RETRY_PAUSE: Duration = Duration::from_millis(100);
/// Acks of offset records have numbers from here on; records count from 0.
const FIRST_OFFSET_INDEX: u64 = 1 << 62;

/// Keys and values for the offsets topic.
type Values = Vec<(Bytes, Option<Bytes>)>;

/// Whether an ack is that of an offset record.
pub(super) fn is_of_offset(ack: &Ack) -> bool {
    ack.index >= FIRST_OFFSET_INDEX
}

/// One call whose time was up may be made again.
macro_rules! repeat_until_cancelled {
    ($task:ident, $call:expr) => {
        loop {
            match $call.await {
                Ok(()) => break Ok(()),
                Err(error) if error.is_retriable() && !$task.seat.lease.is_cancelled() => {}
                Err(error) => break Err($task.transaction_failed(error)),
            }
        }
    };
}

impl WorkerSourceTask {
    /// Waits until the producer has taken every record.
    pub(super) async fn send_all(&mut self) -> Result<(), ConnectError> {
        self.send_unsent()?;
        while !self.unsent.is_empty() {
            self.attend().await?;
            self.send_unsent()?;
        }
        Ok(())
    }

    pub(super) fn serialized(&self, offsets: CommittableOffsets) -> Result<Values, ConnectError> {
        let id = &self.seat.id;
        let record = |(partition, offset): (Arc<_>, _)| offset_record(&id.connector, &partition, Some(&offset));
        offsets.into_iter().map(record).collect::<Result<_, _>>().map_err(|error| {
            ConnectError::connect(format!("Failed to flush offsets and/or records for task {id}: {error}"))
                .with_source(error)
        })
    }

    /// Offsets behind records, everything acknowledged, then the commit.
    pub(super) async fn write_and_commit(&mut self, values: &Values) -> Result<(), ConnectError> {
        self.send_offsets(values).await?;
        repeat_until_cancelled!(self, self.producer.flush(CALL_SLICE))?;
        // Invariant 3: a record that was not written ends the task, and the transaction with it.
        self.take_acks()?;
        fault::point("after-produce-before-commit");
        self.refuse_when_cancelled()?;
        repeat_until_cancelled!(self, self.producer.commit_transaction(CALL_SLICE))?;
        fault::point("after-commit-before-callbacks");
        Ok(())
    }

    async fn send_offsets(&mut self, values: &Values) -> Result<(), ConnectError> {
        let Some(transactions) = self.commits.transactions() else { return Ok(()) };
        let (topic, first) = (transactions.offsets_topic.clone(), FIRST_OFFSET_INDEX + transactions.offsets_sent);
        transactions.offsets_sent += values.len() as u64;
        let record = |(key, value): &(Bytes, Option<Bytes>)| ProducerRecord {
            topic: topic.clone(),
            partition: None,
            timestamp_ms: None,
            key: Some(key.clone()),
            value: value.clone(),
            headers: Vec::new(),
        };
        let records: Vec<ProducerRecord> = values.iter().map(record).collect();
        let mut sent = 0;
        while sent < records.len() {
            match self.seat.lease.while_held(|| self.producer.send(&records[sent..], first + sent as u64)) {
                // Invariant 5: a cancelled task stores no offset.
                None => return Err(ConnectError::connect("the task was cancelled")),
                Some(Ok(0)) => self.attend().await?,
                Some(Ok(count)) => sent += count,
                Some(Err(refused)) if refused.error.is_retriable() => {
                    sent += refused.position;
                    tokio::time::sleep(SEND_RETRY_PAUSE).await;
                }
                Some(Err(refused)) => return Err(self.transaction_failed(refused.error)),
            }
        }
        Ok(())
    }

    fn refuse_when_cancelled(&self) -> Result<(), ConnectError> {
        if self.seat.lease.is_cancelled() {
            return Err(ConnectError::connect("the task was cancelled"));
        }
        Ok(())
    }

    /// Aborts; records in flight are given up, whose acks say so.
    pub(super) async fn abort_open_transaction(&mut self) -> Result<(), ConnectError> {
        repeat_until_cancelled!(self, self.producer.abort_transaction(CALL_SLICE))?;
        if let Some(transactions) = self.commits.transactions() {
            transactions.open = false;
        }
        Ok(())
    }

    /// Records that the producer has not taken are done without having been written.
    pub(super) fn forget_unsent(&mut self) {
        for index in self.unsent.forget() {
            self.in_flight.done(index, None, &mut self.committed);
        }
    }

    /// So are those of an aborted transaction, whatever their acks say.
    pub(super) fn forget_sent(&mut self) {
        self.producer.take_acks(&mut self.acks);
        for ack in std::mem::take(&mut self.acks) {
            if !is_of_offset(&ack) {
                self.in_flight.done(ack.index, None, &mut self.committed);
            }
        }
        // Those that were acknowledged before: written, and then dropped with the transaction.
        self.committed.iter_mut().for_each(|record| record.position = None);
        self.seat.metrics.active(self.in_flight.records.unacknowledged());
        if let Some(transactions) = self.commits.transactions() {
            transactions.forget_records();
        }
    }
}
