//! What a consumer asks the cluster: offsets and where partitions are.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset;

use super::client::Consumer;
use super::offsets;
use super::rebalance::Group;
use super::record::TopicPartition;
use crate::error::{Error, ErrorKind};

impl Consumer {
    /// Where the next poll goes on, as Java's `position`: after the last record that was polled, else at the committed
    /// offset, else where `auto.offset.reset` says. Can be asked before [`assign_from`](Self::assign_from).
    ///
    /// # Errors
    /// Not known in time; no offset and `auto.offset.reset=none`.
    pub async fn position(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>, Error> {
        let mut positions = self.fetcher.positions();
        positions.retain(|(tp, _)| partitions.contains(tp));
        let missing = without(partitions, &positions);
        if !missing.is_empty() {
            positions.extend(self.committed(&missing, timeout).await?);
        }
        let missing = without(partitions, &positions);
        if !missing.is_empty() {
            positions.extend(self.reset_offsets(&missing, timeout).await?);
        }
        Ok(positions)
    }

    /// The committed offsets of those partitions that have one.
    ///
    /// # Errors
    /// Not known in time.
    pub async fn committed(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>, Error> {
        let list = offsets::list(partitions, Offset::Invalid)?;
        let answer =
            self.blocking(move |client| client.committed_offsets(list, timeout), "reading committed offsets").await?;
        offsets::check(&answer, "the committed offset")?;
        Ok(offsets::known(&answer))
    }

    /// The offset after the last record, as `isolation.level` sees it.
    ///
    /// # Errors
    /// Not known in time.
    pub async fn end_offsets(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>, Error> {
        self.offsets_at(partitions, Offset::End, timeout).await
    }

    /// The offset of the first record.
    ///
    /// # Errors
    /// Not known in time.
    pub async fn beginning_offsets(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>, Error> {
        self.offsets_at(partitions, Offset::Beginning, timeout).await
    }

    async fn reset_offsets(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>, Error> {
        match self.translation.java("auto.offset.reset") {
            Some("earliest") => self.beginning_offsets(partitions, timeout).await,
            Some("latest") => self.end_offsets(partitions, timeout).await,
            _ => Err(Error::new(
                ErrorKind::NoOffset,
                format!("{} has no committed offset and `auto.offset.reset` is none", partitions[0]),
            )),
        }
    }

    async fn offsets_at(
        &self,
        partitions: &[TopicPartition],
        at: Offset,
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>, Error> {
        let list = offsets::list(partitions, at)?;
        let answer = self.blocking(move |client| client.offsets_for_times(list, timeout), "listing offsets").await?;
        offsets::check(&answer, "the offset")?;
        Ok(offsets::known(&answer))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&BaseConsumer<Group>) -> Result<T, KafkaError> + Send + 'static,
        action: &str,
    ) -> Result<T, Error> {
        let client = Arc::clone(&self.client);
        let answer = tokio::task::spawn_blocking(move || call(&client)).await;
        let answer =
            answer.map_err(|_| Error::new(ErrorKind::Closed, format!("{action}: the runtime is shutting down")))?;
        answer.map_err(|error| Error::from_client(action, &error))
    }
}

fn without(partitions: &[TopicPartition], known: &[(TopicPartition, i64)]) -> Vec<TopicPartition> {
    partitions.iter().filter(|tp| !known.iter().any(|(known, _)| known == *tp)).cloned().collect()
}
