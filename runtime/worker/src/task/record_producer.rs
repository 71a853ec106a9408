//! The producer as a source task sees it.

use std::time::Duration;

use async_trait::async_trait;
use sluice_kafka::{Ack, Error, Producer, ProducerRecord, SendError};

/// Takes records by the slice and answers by index. Implemented by [`Producer`] and by a test double.
#[async_trait]
pub(crate) trait RecordProducer: Send + Sync {
    /// Makes ready to send. May take a moment, so never under a lock that others wait for.
    fn wake(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Takes as many records as there is room for, in order, and returns how many. Never blocks.
    fn send(&self, records: &[ProducerRecord], first_index: u64) -> Result<usize, SendError>;

    /// Moves the answers that have arrived to the end of `into`.
    fn take_acks(&self, into: &mut Vec<Ack>);

    /// Accepted records without an answer.
    fn in_flight(&self) -> usize;

    /// Waits until there are answers to take. Cancel safe.
    async fn acks_ready(&self);

    /// Gives up all that is in flight, so that as little as possible is written from now on.
    fn purge(&self);

    /// Ends the producer; what is still in flight after `timeout` is given up.
    async fn close(&self, timeout: Duration);

    /// Waits until all that was accepted has its answer. An error that is retriable: call again.
    async fn flush(&self, timeout: Duration) -> Result<(), Error>;

    /// Takes the transactional id over from an earlier owner.
    async fn init_transactions(&self, timeout: Duration) -> Result<(), Error>;

    /// Begins a transaction.
    fn begin_transaction(&self) -> Result<(), Error>;

    /// Commits it. An error that is retriable: call again.
    async fn commit_transaction(&self, timeout: Duration) -> Result<(), Error>;

    /// Aborts it; what is in flight is given up. An error that is retriable: call again.
    async fn abort_transaction(&self, timeout: Duration) -> Result<(), Error>;

    /// Why the producer can never send again, when that is so.
    fn failure(&self) -> Option<Error>;
}

#[async_trait]
impl RecordProducer for Producer {
    fn send(&self, records: &[ProducerRecord], first_index: u64) -> Result<usize, SendError> {
        Producer::send(self, records, first_index)
    }

    fn take_acks(&self, into: &mut Vec<Ack>) {
        self.poll();
        Producer::take_acks(self, into);
    }

    fn in_flight(&self) -> usize {
        Producer::in_flight(self)
    }

    async fn acks_ready(&self) {
        Producer::acks_ready(self).await;
    }

    fn purge(&self) {
        Producer::purge(self);
    }

    async fn close(&self, timeout: Duration) {
        if let Err(error) = Producer::close(self, timeout).await {
            tracing::debug!(%error, "closing the producer of a task");
        }
    }

    async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        Producer::flush_now(self, timeout).await
    }

    async fn init_transactions(&self, timeout: Duration) -> Result<(), Error> {
        Producer::init_transactions(self, timeout).await
    }

    fn begin_transaction(&self) -> Result<(), Error> {
        Producer::begin_transaction(self)
    }

    async fn commit_transaction(&self, timeout: Duration) -> Result<(), Error> {
        Producer::commit_transaction(self, timeout).await
    }

    async fn abort_transaction(&self, timeout: Duration) -> Result<(), Error> {
        Producer::abort_transaction(self, timeout).await
    }

    fn failure(&self) -> Option<Error> {
        Producer::failure(self)
    }
}
