//! The topic behind a store, and its log while the store runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use sluice_kafka::{Admin, ErrorKind, KafkaBasedLog, LogOptions, OnRecord, Properties, Tenure};

use crate::Error;

/// How long records that are not acknowledged may hold up a stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// An internal topic as the worker's configuration describes it. `Debug` hides the properties (Invariant 9).
#[derive(Clone)]
pub struct InternalTopic {
    /// The topic.
    pub name: String,
    /// Partitions of a new topic; -1 is the broker's default. The config topic always has one.
    pub partitions: i32,
    /// Replicas of a new topic; -1 is the broker's default.
    pub replication_factor: i32,
    /// Settings of a new topic: the keys below `config.storage.` and the like that are no worker properties.
    pub settings: IndexMap<String, String>,
    /// All properties of the worker, without prefix: what the clients take from them is theirs to know.
    pub properties: Properties,
    /// What comes before `configs`, `offsets` or `statuses` in the client id: `<group.id>[-<client.id>]-`.
    pub client_id_base: String,
    /// For how long records may be written.
    pub tenure: Tenure,
}

impl fmt::Debug for InternalTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InternalTopic").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a store adds to the configuration.
pub(crate) struct Role {
    pub(crate) topic_property: &'static str,
    pub(crate) client_id_suffix: &'static str,
    pub(crate) single_partition: bool,
}

/// A log that is opened by the store's start and closed by its stop.
pub(crate) struct TopicLog {
    options: LogOptions,
    admin: Admin,
    log: Mutex<Option<Arc<KafkaBasedLog>>>,
}

impl TopicLog {
    pub(crate) fn new(topic: InternalTopic, admin: Admin, role: &Role, producer_overrides: Properties) -> Self {
        let partitions = if role.single_partition { 1 } else { topic.partitions };
        let options = LogOptions {
            topic: topic.name,
            topic_property: role.topic_property.to_owned(),
            partitions,
            replication_factor: topic.replication_factor,
            topic_settings: topic.settings,
            single_partition: role.single_partition,
            properties: topic.properties,
            consumer_overrides: Properties::new(),
            producer_overrides,
            client_id: format!("{}{}", topic.client_id_base, role.client_id_suffix),
            tenure: topic.tenure,
        };
        Self::of(options, admin)
    }

    pub(crate) fn of(options: LogOptions, admin: Admin) -> Self {
        Self { options, admin, log: Mutex::new(None) }
    }

    pub(crate) fn options(&self) -> &LogOptions {
        &self.options
    }

    pub(crate) fn topic(&self) -> &str {
        &self.options.topic
    }

    /// Opens the log and reads it to its end. Waits for the cluster for ever.
    pub(crate) async fn start(&self, on_record: OnRecord) -> Result<Arc<KafkaBasedLog>, Error> {
        let log = KafkaBasedLog::start(self.options.clone(), self.admin.clone(), on_record)
            .await
            .map_err(|source| self.start_error(source))?;
        let log = Arc::new(log);
        *self.slot() = Some(Arc::clone(&log));
        Ok(log)
    }

    pub(crate) async fn stop(&self) {
        let log = self.slot().take();
        if let Some(log) = log {
            log.stop(STOP_TIMEOUT).await;
        }
    }

    pub(crate) fn get(&self) -> Result<Arc<KafkaBasedLog>, Error> {
        let log = self.slot().clone();
        log.ok_or_else(|| Error::Closed(format!("the store on topic {} is not running", self.options.topic)))
    }

    /// Gives up what was written and is not acknowledged.
    pub(crate) fn give_up_writes(&self) {
        if let Some(log) = &*self.slot() {
            log.give_up_writes();
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<KafkaBasedLog>>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_error(&self, source: sluice_kafka::Error) -> Error {
        match source.kind() {
            ErrorKind::TopicMismatch | ErrorKind::Config => Error::Unusable(source.to_string()),
            _ => Error::Kafka { context: format!("starting to read topic {}", self.options.topic), source },
        }
    }
}
