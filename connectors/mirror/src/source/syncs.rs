//! Writes offset syncs to their topic, beside the data and never in its way.

use std::collections::HashSet;
use std::sync::Arc;

use sluice_api::Result;
use sluice_kafka::copy::Copied;
use sluice_kafka::{Producer, ProducerLimits, ProducerRecord};

use crate::admin::failed;
use crate::config::{ClientRole, Side, SourceConfig};
use crate::formats::OffsetRange;
use crate::offset_syncs::{DueSyncs, OpenRanges, Range};

/// Syncs that are not acknowledged yet.
const AT_ONCE: usize = 10;
/// The same with ranges.
const RANGES_AT_ONCE: usize = 500;
const LIMITS: ProducerLimits = ProducerLimits { max_bytes: 1 << 20, max_messages: 1_000 };

/// The offset syncs of a task.
pub(super) struct SyncWriter {
    producer: Producer,
    topic: Arc<str>,
    ranges_topic: Arc<str>,
    due: DueSyncs,
    /// `None` once the cluster has refused them.
    ranges: Option<OpenRanges>,
    /// Whether ranges are to be written now.
    are_ranges_due: bool,
    /// The numbers of sent records that are ranges.
    sent_ranges: HashSet<u64>,
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
            ranges_topic: config.flow.offset_ranges_topic(location).into(),
            due: DueSyncs::new(config.lag_max),
            ranges: Some(OpenRanges::default()),
            are_ranges_due: false,
            sent_ranges: HashSet::new(),
            sent: 0,
        }))
    }

    /// Takes note of what the target has.
    pub(super) fn copied(&mut self, copied: &Copied) {
        for range in &copied.ranges {
            let range = Range { upstream: range.source, downstream: range.target, records: range.records };
            self.due.copied(&copied.partition, range);
            if let Some(ranges) = &mut self.ranges {
                ranges.copied(&copied.partition, range);
            }
        }
    }

    /// Makes those due that could wait.
    pub(super) fn promote(&mut self) {
        self.due.promote();
        self.are_ranges_due = true;
    }

    /// Sends what is due. What the cluster does not take is lost: a later sync says more.
    pub(super) fn send(&mut self) {
        self.producer.poll();
        let mut acks = Vec::new();
        self.producer.take_acks(&mut acks);
        for ack in acks {
            let is_range = self.sent_ranges.remove(&ack.index);
            match ack.result {
                Ok(_) => {}
                Err(error) if is_range => self.give_ranges_up(&error),
                Err(error) => tracing::error!(topic = &*self.topic, %error, "an offset sync was not written"),
            }
        }
        let room = (AT_ONCE + self.sent_ranges.len()).saturating_sub(self.producer.in_flight());
        let mut records: Vec<ProducerRecord> = self.due.take(room).iter().map(|sync| self.record(sync)).collect();
        records.extend(self.ranges(records.len()));
        if records.is_empty() {
            return;
        }
        match self.producer.send(&records, self.sent) {
            Ok(accepted) => {
                self.sent += accepted as u64;
                self.sent_ranges.retain(|number| *number < self.sent);
            }
            Err(error) => tracing::error!(topic = &*self.topic, %error, "an offset sync was not written"),
        }
    }

    /// Sends everything there is, and waits a little.
    pub(super) async fn finish(&mut self, patience: std::time::Duration) {
        self.promote();
        self.send();
        if let Err(error) = self.producer.flush(patience).await {
            tracing::warn!(topic = &*self.topic, %error, "the last offset syncs may not be written");
        }
        self.send();
    }

    /// The ranges that are to be written now, behind so many syncs.
    fn ranges(&mut self, syncs: usize) -> Vec<ProducerRecord> {
        let Some(ranges) = self.ranges.as_mut().filter(|_| self.are_ranges_due) else { return Vec::new() };
        let room = RANGES_AT_ONCE.saturating_sub(self.producer.in_flight());
        let taken = ranges.take(room);
        // What is left goes as soon as there is room.
        self.are_ranges_due = taken.len() == room;
        let first = self.sent + syncs as u64;
        self.sent_ranges.extend((first..).take(taken.len()));
        let record = |range: &OffsetRange| ProducerRecord {
            topic: Arc::clone(&self.ranges_topic),
            partition: Some(0),
            timestamp_ms: None,
            key: Some(range.key()),
            value: Some(range.value()),
            headers: Vec::new(),
        };
        taken.iter().map(record).collect()
    }

    /// Groups are then translated by the syncs, as MirrorMaker does.
    fn give_ranges_up(&mut self, error: &sluice_kafka::Error) {
        if self.ranges.take().is_some() {
            let topic = &*self.ranges_topic;
            tracing::warn!(topic, %error, "offset ranges are not written any more: groups go on at offset syncs, behind where they stand");
        }
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
