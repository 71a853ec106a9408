//! The dead letter queue of a sink task: records that could not be converted or delivered, as they were (KIP-298).
//!
//! Deviation from Kafka Connect, which only logs it: a record that the queue does not take ends the task, because the offset of
//! the record must not be committed then (Invariant 3).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sluice_api::{ConnectError, Properties};
use sluice_kafka::{Admin, ConsumerRecord, NewTopic, Producer, ProducerRecord};
use sluice_storage::ConnectorTaskId;

use super::Failure;
use super::outbox::{LIMITS, Outbox, Unsettled, create_if_missing};
use crate::config::providers::redacted;
use crate::config::{ClientIds, ClientProperties, DeadLetterQueueConfig};
use crate::metrics::TaskMetrics;
use crate::task::RecordProducer;

/// The queue of one task.
pub(crate) struct DeadLetterQueue {
    id: ConnectorTaskId,
    topic: Arc<str>,
    headers: bool,
    outbox: Outbox,
    metrics: Arc<TaskMetrics>,
}

impl DeadLetterQueue {
    /// The queue that the connector's config names, its topic created if need be; `None` when it names none.
    pub(crate) async fn for_sink(
        id: &ConnectorTaskId,
        config: Option<&DeadLetterQueueConfig>,
        clients: &ClientProperties<'_>,
        ids: &ClientIds,
        metrics: Arc<TaskMetrics>,
    ) -> Result<Option<Arc<Self>>, ConnectError> {
        let Some(DeadLetterQueueConfig { topic, replication_factor, context_headers }) = config else {
            return Ok(None);
        };
        let unusable = |error: sluice_kafka::Error| {
            ConnectError::connect(format!("Could not initialize dead letter queue with topic={topic}"))
                .with_source(error)
        };
        let admin = Admin::new(&clients.dlq_admin(ids)?).map_err(unusable)?;
        let new = NewTopic {
            name: topic.clone(),
            partitions: 1,
            replication_factor: i32::from(*replication_factor),
            settings: Properties::new(),
        };
        create_if_missing(&admin, &new).await.map_err(unusable)?;
        let producer = Producer::new(&clients.dlq_producer(ids)?, LIMITS).map_err(unusable)?;
        Ok(Some(Arc::new(Self::new(id.clone(), topic.as_str().into(), *context_headers, Arc::new(producer), metrics))))
    }

    pub(crate) fn new(
        id: ConnectorTaskId,
        topic: Arc<str>,
        headers: bool,
        producer: Arc<dyn RecordProducer>,
        metrics: Arc<TaskMetrics>,
    ) -> Self {
        Self { id, topic, headers, outbox: Outbox::new(producer), metrics }
    }

    /// The record as it goes into the queue.
    pub(crate) fn letter(&self, raw: &ConsumerRecord, failure: &Failure) -> ProducerRecord {
        let mut headers = raw.headers.clone();
        if self.headers {
            headers.extend(self.context(raw, failure));
        }
        ProducerRecord {
            topic: self.topic.clone(),
            partition: None,
            timestamp_ms: raw.timestamp_ms.filter(|ms| *ms > 0),
            key: raw.key.clone(),
            value: raw.value.clone(),
            headers,
        }
    }

    /// Queues a letter. Whether it arrived is known after [`DeadLetterQueue::settle`].
    pub(crate) fn send(&self, letter: ProducerRecord) {
        self.metrics.errors.dead_letter(false);
        self.outbox.send(letter);
        self.note_failures();
    }

    /// Waits until every letter is acknowledged.
    ///
    /// # Errors
    /// One was refused, or the time is over: offsets past it must not be committed.
    pub(crate) async fn settle(&self, timeout: Duration) -> Result<(), ConnectError> {
        let settled = self.outbox.settle(timeout).await;
        self.note_failures();
        settled.map_err(|unsettled| match unsettled {
            Unsettled::Refused(lost) => ConnectError::connect(format!(
                "Could not produce message to dead letter queue. topic={}: {lost}",
                self.topic
            )),
            Unsettled::TimeOver => {
                ConnectError::connect(format!("the dead letter queue {} did not take its records in time", self.topic))
            }
        })
    }

    fn note_failures(&self) {
        for _ in 0..self.outbox.take_failures() {
            self.metrics.errors.dead_letter(true);
        }
    }

    fn context(&self, raw: &ConsumerRecord, failure: &Failure) -> Vec<(Arc<str>, Option<Bytes>)> {
        let error = &failure.error;
        let headers = [
            ("topic", raw.topic.to_string()),
            ("partition", raw.partition.to_string()),
            ("offset", raw.offset.to_string()),
            ("connector.name", self.id.connector.clone()),
            ("task.id", self.id.task.to_string()),
            ("stage", failure.stage.name().to_owned()),
            ("class.name", failure.class.clone()),
            ("exception.class.name", error.kind().java_class().to_owned()),
            ("exception.message", redacted(error.message()).into_owned()),
            ("exception.stacktrace", redacted(&error.trace()).into_owned()),
        ];
        headers
            .into_iter()
            .map(|(name, value)| (format!("__connect.errors.{name}").into(), Some(value.into())))
            .collect()
    }
}
