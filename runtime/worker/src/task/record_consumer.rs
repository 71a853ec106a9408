//! The consumer as a sink task sees it.

use std::time::Duration;

use async_trait::async_trait;
use sluice_kafka::{Consumer, Error, PollResult, TopicPartition};

/// Offsets of the next record to be read.
pub(crate) type Positions = Vec<(TopicPartition, i64)>;

/// Hands out batches and rebalances, and decides nothing. Implemented by [`Consumer`] and by a test double.
#[async_trait]
pub(crate) trait RecordConsumer: Send + Sync {
    /// What is there, up to `max_records`. Never blocks.
    fn poll(&self, max_records: usize) -> Result<PollResult, Error>;

    /// Waits until a poll has something to do; may wake for nothing. Cancel safe.
    async fn ready(&self);

    /// Where these partitions begin: at the committed offset, else where `auto.offset.reset` says.
    async fn position(&self, partitions: &[TopicPartition], timeout: Duration) -> Result<Positions, Error>;

    fn assign_from(&self, positions: &[(TopicPartition, i64)]) -> Result<(), Error>;

    fn unassign(&self, partitions: &[TopicPartition]) -> Result<(), Error>;

    fn seek(&self, positions: &[(TopicPartition, i64)]) -> Result<(), Error>;

    fn pause(&self, partitions: &[TopicPartition]) -> Result<(), Error>;

    fn resume(&self, partitions: &[TopicPartition]) -> Result<(), Error>;

    /// Starts a commit whose outcome comes with a later poll.
    fn commit_async(&self, offsets: &[(TopicPartition, i64)]) -> Result<u64, Error>;

    async fn commit_sync(&self, offsets: &[(TopicPartition, i64)], timeout: Duration) -> Result<(), Error>;

    /// Leaves the group without a commit.
    async fn close(self: Box<Self>, timeout: Duration);
}

#[async_trait]
impl RecordConsumer for Consumer {
    fn poll(&self, max_records: usize) -> Result<PollResult, Error> {
        self.poll_batch(max_records)
    }

    async fn ready(&self) {
        Consumer::ready(self).await;
    }

    async fn position(&self, partitions: &[TopicPartition], timeout: Duration) -> Result<Positions, Error> {
        Consumer::position(self, partitions, timeout).await
    }

    fn assign_from(&self, positions: &[(TopicPartition, i64)]) -> Result<(), Error> {
        Consumer::assign_from(self, positions)
    }

    fn unassign(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        Consumer::unassign(self, partitions)
    }

    fn seek(&self, positions: &[(TopicPartition, i64)]) -> Result<(), Error> {
        Consumer::seek(self, positions)
    }

    fn pause(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        Consumer::pause(self, partitions)
    }

    fn resume(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        Consumer::resume(self, partitions)
    }

    fn commit_async(&self, offsets: &[(TopicPartition, i64)]) -> Result<u64, Error> {
        Consumer::commit_async(self, offsets)
    }

    async fn commit_sync(&self, offsets: &[(TopicPartition, i64)], timeout: Duration) -> Result<(), Error> {
        Consumer::commit_sync(self, offsets, timeout).await
    }

    async fn close(self: Box<Self>, timeout: Duration) {
        Consumer::close(*self, timeout).await;
    }
}
