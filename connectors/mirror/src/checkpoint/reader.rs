//! Reads an internal topic from its beginning and on, on a thread of its own, so that a slow cluster holds up no task.

use std::sync::{Arc, Mutex, PoisonError};

use sluice_api::Properties;
use sluice_kafka::{Admin, KafkaBasedLog, LogOptions, LogRecord, Tenure};

use super::translate::{Checkpoints, remember};
use crate::formats::{Checkpoint, OffsetRange, OffsetSync};
use crate::offset_syncs::OffsetSyncStore;

/// An internal topic, and how to reach it.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) replication_factor: i16,
    /// Of the consumer that reads it.
    pub(crate) properties: Properties,
}

/// What was read, shared with the thread that reads on.
pub(crate) type Shared<T> = Arc<Mutex<T>>;

/// Locks what is shared; a reader that panicked has left it whole.
pub(crate) fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Topic {
    /// Reads to the end and goes on reading. What was there went into the store when this returns.
    ///
    /// # Errors
    /// What no retry can mend.
    pub(crate) async fn follow_syncs(
        &self,
        store: &Shared<OffsetSyncStore>,
    ) -> Result<KafkaBasedLog, sluice_kafka::Error> {
        let taking = Arc::clone(store);
        let topic = self.name.clone();
        let log = self.follow(move |key, value| match OffsetSync::read(key, value) {
            Ok(sync) => lock(&taking).take(sync),
            Err(error) => tracing::warn!(topic, %error, "a record is no offset sync"),
        });
        let log = log.await?;
        Ok(log)
    }

    /// The same with offset ranges.
    ///
    /// # Errors
    /// What no retry can mend.
    pub(crate) async fn follow_ranges(
        &self,
        store: &Shared<OffsetSyncStore>,
    ) -> Result<KafkaBasedLog, sluice_kafka::Error> {
        let taking = Arc::clone(store);
        let topic = self.name.clone();
        let log = self.follow(move |key, value| match OffsetRange::read(key, value) {
            Ok(range) => lock(&taking).take_range(&range),
            Err(error) => tracing::warn!(topic, %error, "a record is no offset range"),
        });
        log.await
    }

    /// Reads to the end and stops: checkpoints of these groups, or of all.
    ///
    /// # Errors
    /// What no retry can mend.
    pub(crate) async fn read_checkpoints(&self, groups: Option<&[String]>) -> Result<Checkpoints, sluice_kafka::Error> {
        let read: Shared<Checkpoints> = Arc::default();
        let (taking, groups, topic) = (Arc::clone(&read), groups.map(<[String]>::to_vec), self.name.clone());
        let log = self.follow(move |key, value| match Checkpoint::read(key, value) {
            Ok(checkpoint) if groups.as_ref().is_none_or(|groups| groups.contains(&checkpoint.group)) => {
                remember(&mut lock(&taking), checkpoint);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(topic, %error, "a record is no checkpoint"),
        });
        drop(log.await?);
        let checkpoints = std::mem::take(&mut *lock(&read));
        Ok(checkpoints)
    }

    async fn follow(
        &self,
        mut take: impl FnMut(&[u8], &[u8]) + Send + 'static,
    ) -> Result<KafkaBasedLog, sluice_kafka::Error> {
        let options = LogOptions {
            topic: self.name.clone(),
            topic_property: "replication.policy.class".to_owned(),
            partitions: 1,
            replication_factor: self.replication_factor.into(),
            topic_settings: Default::default(),
            single_partition: false,
            properties: self.properties.clone(),
            consumer_overrides: Properties::new(),
            producer_overrides: Properties::new(),
            client_id: self.properties.get("client.id").cloned().unwrap_or_default(),
            tenure: Tenure::forever(),
        };
        let admin = Admin::new(&self.properties)?;
        let on_record = move |record: LogRecord| {
            // Everything lies in partition 0; a tombstone says nothing.
            if let (0, Some(key), Some(value)) = (record.partition, &record.key, &record.value) {
                take(key, value);
            }
        };
        KafkaBasedLog::start(options, admin, Box::new(on_record)).await
    }
}
