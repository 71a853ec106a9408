//! The offset store of a distributed worker, on the offsets topic.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use indexmap::IndexMap;
use sluice_api::{OffsetMap, Properties};
use sluice_kafka::{Admin, LogOptions, LogRecord, Tenure};

use super::OffsetBackingStore;
use super::table::OffsetTable;
use crate::internal_topic::{Role, TopicLog};
use crate::{Error, InternalTopic};

const ROLE: Role =
    Role { topic_property: "offset.storage.topic", client_id_suffix: "offsets", single_partition: false };

/// Records on their way at a time; more would overflow the producer's queue.
const WRITE_WINDOW: usize = 256;

/// A connector's own offsets topic (`offsets.storage.topic`), with the clients of the connector.
pub struct ConnectorOffsetsTopic {
    /// The topic.
    pub name: String,
    /// Partitions of a new topic, as for the worker's.
    pub partitions: i32,
    /// Replicas of a new topic, as for the worker's.
    pub replication_factor: i32,
    /// Settings of a new topic, as for the worker's.
    pub settings: IndexMap<String, String>,
    /// The properties of its consumer.
    pub consumer: Properties,
    /// The properties of its producer.
    pub producer: Properties,
    /// The client id of both, unless their properties say otherwise.
    pub client_id: String,
    /// For how long offsets may be written.
    pub tenure: Tenure,
}

/// Keeps source offsets in the offsets topic.
///
/// What is shown was read back; a flush of this worker returns with the acknowledgements and shows with the next read, because
/// every read goes to the end of the topic first.
pub struct KafkaOffsetBackingStore {
    topic: TopicLog,
    table: Arc<Mutex<OffsetTable>>,
}

impl KafkaOffsetBackingStore {
    /// The store on `topic`; nothing is connected before [`OffsetBackingStore::start`].
    pub fn new(topic: InternalTopic, admin: Admin) -> Self {
        Self { topic: TopicLog::new(topic, admin, &ROLE, Properties::new()), table: Arc::default() }
    }

    /// The store on a connector's own topic.
    pub fn of_connector(topic: ConnectorOffsetsTopic, admin: Admin) -> Self {
        let mut producer = topic.producer;
        // Offsets of a connector that is not exactly-once are written plainly, whatever its records are written with.
        producer.shift_remove("transactional.id");
        let options = LogOptions {
            topic: topic.name,
            topic_property: "offsets.storage.topic".to_owned(),
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            topic_settings: topic.settings,
            single_partition: false,
            properties: Properties::new(),
            consumer_overrides: topic.consumer,
            producer_overrides: producer,
            client_id: topic.client_id,
            tenure: topic.tenure,
        };
        Self { topic: TopicLog::of(options, admin), table: Arc::default() }
    }

    async fn read_to_end(&self) -> Result<MutexGuard<'_, OffsetTable>, Error> {
        let log = self.topic.get()?;
        log.read_to_end().await.map_err(|source| self.error("reading offsets from topic", source))?;
        Ok(lock(&self.table))
    }

    fn error(&self, action: &str, source: sluice_kafka::Error) -> Error {
        Error::Kafka { context: format!("{action} {}", self.topic.topic()), source }
    }
}

fn lock(table: &Mutex<OffsetTable>) -> MutexGuard<'_, OffsetTable> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(table: &Mutex<OffsetTable>, record: &LogRecord) {
    // Bytes of their own: kept for long, slices would keep all that was fetched with them.
    let own = Bytes::copy_from_slice;
    match &record.key {
        Some(key) => lock(table).put(own(key), record.value.as_deref().map(own)),
        None => tracing::warn!(
            partition = record.partition,
            offset = record.offset,
            "ignoring offset partition key with an unexpected null value"
        ),
    }
}

#[async_trait]
impl OffsetBackingStore for KafkaOffsetBackingStore {
    async fn start(&self) -> Result<(), Error> {
        let table = Arc::clone(&self.table);
        self.topic.start(Box::new(move |record| read(&table, &record))).await?;
        Ok(())
    }

    async fn stop(&self) {
        self.topic.stop().await;
    }

    fn give_up_writes(&self) {
        self.topic.give_up_writes();
    }

    async fn get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
        Ok(self.read_to_end().await?.get(keys))
    }

    async fn set(&self, values: Vec<(Bytes, Option<Bytes>)>) -> Result<(), Error> {
        let log = self.topic.get()?;
        let mut values = values.into_iter().peekable();
        while values.peek().is_some() {
            let window: Vec<_> =
                values.by_ref().take(WRITE_WINDOW).map(|(key, value)| log.send(Some(key), value)).collect();
            for acknowledged in window {
                acknowledged.await.map_err(|source| self.error("writing offsets to topic", source))?;
            }
        }
        Ok(())
    }

    async fn connector_offsets(&self, connector: &str) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, Error> {
        Ok(self.read_to_end().await?.connector_offsets(connector))
    }
}
