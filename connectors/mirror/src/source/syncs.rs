//! Writes offset syncs to their topic, beside the data and never in its way.

use std::sync::Arc;

use sluice_api::Result;
use sluice_kafka::copy::Copied;
use sluice_kafka::{Producer, ProducerLimits, ProducerRecord};

use crate::admin::failed;
use crate::config::{ClientRole, Side, SourceConfig};
use crate::offset_syncs::{DueSyncs, Range};

/// Syncs that are not acknowledged yet.
const AT_ONCE: usize = 10;
const LIMITS: ProducerLimits = ProducerLimits { max_bytes: 1 << 20, max_messages: 1_000 };

/// The offset syncs of a task.
pub(super) struct SyncWriter {
    producer: Producer,
    topic: Arc<str>,
    due: DueSyncs,
    sent: u64,
}

impl SyncWriter {
    /// `None` when there are to be none.
    ///
    /// # Errors
    /// Properties that cannot be used.
    pub(super) fn new(config: &SourceConfig) -> Result<Option<Self>> {
        let Some((location, _)) = config.syncs else { return Ok(None) };
        let purpose = match location {
            Side::Source => "offset-syncs-source-producer",
            Side::Target => "offset-syncs-target-producer",
        };
        let properties = config.flow.clients.of(location, ClientRole::Producer, purpose);
        let producer = Producer::new(&properties, LIMITS);
        Ok(Some(Self {
            producer: producer.map_err(|error| failed("creating the producer of offset syncs", error))?,
            topic: config.flow.offset_syncs_topic(location).into(),
            due: DueSyncs::new(config.lag_max),
            sent: 0,
        }))
    }

    /// Takes note of what the target has.
    pub(super) fn copied(&mut self, copied: &Copied) {
        for range in &copied.ranges {
            let range = Range { upstream: range.source, downstream: range.target, records: range.records };
            self.due.copied(&copied.partition, range);
        }
    }

    /// Makes those due that could wait.
    pub(super) fn promote(&mut self) {
        self.due.promote();
    }

    /// Sends what is due. What the cluster does not take is lost: a later sync says more.
    pub(super) fn send(&mut self) {
        self.producer.poll();
        let mut acks = Vec::new();
        self.producer.take_acks(&mut acks);
        for ack in acks {
            if let Err(error) = ack.result {
                tracing::error!(topic = &*self.topic, %error, "an offset sync was not written");
            }
        }
        let room = AT_ONCE.saturating_sub(self.producer.in_flight());
        let records: Vec<ProducerRecord> = self.due.take(room).iter().map(|sync| self.record(sync)).collect();
        if records.is_empty() {
            return;
        }
        match self.producer.send(&records, self.sent) {
            Ok(accepted) => self.sent += accepted as u64,
            Err(error) => tracing::error!(topic = &*self.topic, %error, "an offset sync was not written"),
        }
    }

    /// Sends everything there is, and waits a little.
    pub(super) async fn finish(&mut self, patience: std::time::Duration) {
        self.due.promote();
        self.send();
        if let Err(error) = self.producer.flush(patience).await {
            tracing::warn!(topic = &*self.topic, %error, "the last offset syncs may not be written");
        }
        self.send();
    }

    fn record(&self, sync: &crate::formats::OffsetSync) -> ProducerRecord {
        ProducerRecord {
            topic: Arc::clone(&self.topic),
            partition: Some(0),
            timestamp_ms: None,
            key: Some(sync.key()),
            value: Some(sync.value()),
            headers: Vec::new(),
        }
    }
}
