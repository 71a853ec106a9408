//! Writes to a log's topic in transactions, under an identity that a newer writer takes over (KIP-618).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::options::LogOptions;
use super::writes::out_of_the_group;
use crate::error::Error;
use crate::producer::{Producer, ProducerLimits, ProducerRecord};
use crate::properties::Properties;
use crate::tenure::Tenure;

const LIMITS: ProducerLimits = ProducerLimits { max_bytes: 8 << 20, max_messages: 10_000 };

/// The one writer with its transactional id: a newer one fences it, after which all its writes fail.
pub struct TransactionalWriter {
    topic: Arc<str>,
    producer: Producer,
    tenure: Tenure,
}

impl std::fmt::Debug for TransactionalWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransactionalWriter").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl TransactionalWriter {
    /// Takes the transactional id over from whoever had it, and writes as long as the tenure of `options` lasts.
    ///
    /// # Errors
    /// As for [`Producer::init_transactions`]; the tenure is over.
    pub async fn claim(options: &LogOptions, transactional_id: &str, timeout: Duration) -> Result<Self, Error> {
        let properties = options.transactional_producer_properties(transactional_id);
        Self::claim_under(&options.tenure, &options.topic, &properties, timeout).await
    }

    /// As [`claim`](Self::claim), with these properties of a producer that has a `transactional.id`.
    ///
    /// # Errors
    /// As for [`Producer::init_transactions`].
    pub async fn claim_with(topic: &str, properties: &Properties, timeout: Duration) -> Result<Self, Error> {
        Self::claim_under(&Tenure::forever(), topic, properties, timeout).await
    }

    async fn claim_under(
        tenure: &Tenure,
        topic: &str,
        properties: &Properties,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let writer = Self { topic: topic.into(), producer: Producer::new(properties, LIMITS)?, tenure: tenure.clone() };
        // A worker that was stopped until here would fence the leader of now.
        writer.require_tenure()?;
        writer.producer.init_transactions(timeout).await?;
        Ok(writer)
    }

    /// Gives up what is in flight.
    pub fn give_up_writes(&self) {
        self.producer.purge();
    }

    fn require_tenure(&self) -> Result<(), Error> {
        if self.tenure.is_held() { Ok(()) } else { Err(out_of_the_group(&self.topic)) }
    }

    /// Writes all records, as key and value, in one transaction. On an error none of them counts, unless it was the answer to the
    /// commit that got lost; the writer is of no use any more then.
    ///
    /// # Errors
    /// `Fenced` when a newer writer has taken over; whatever the broker says.
    pub async fn write(&self, records: Vec<(Bytes, Option<Bytes>)>, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        let record = |(key, value)| ProducerRecord {
            topic: Arc::clone(&self.topic),
            partition: None,
            timestamp_ms: None,
            key: Some(key),
            value,
            headers: Vec::new(),
        };
        let records: Vec<ProducerRecord> = records.into_iter().map(record).collect();
        let written = self.write_all(&records, deadline).await;
        // A fenced producer gives its records up without a word; it knows why.
        written.map_err(|error| self.producer.failure().unwrap_or(error))
    }

    async fn write_all(&self, records: &[ProducerRecord], deadline: Instant) -> Result<(), Error> {
        let left = || deadline.saturating_duration_since(Instant::now());
        self.require_tenure()?;
        self.producer.begin_transaction()?;
        let mut sent = 0;
        while sent < records.len() {
            sent += self.producer.send(&records[sent..], sent as u64).map_err(|refused| refused.error)?;
            self.producer.flush_now(left()).await?;
            let mut acks = Vec::new();
            self.producer.take_acks(&mut acks);
            acks.into_iter().try_for_each(|ack| ack.result.map(drop))?;
        }
        self.require_tenure()?;
        self.producer.commit_transaction(left()).await
    }
}
