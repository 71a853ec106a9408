//! The admin client itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::topic::{NewTopic, OffsetSpec, TopicDescription};
use crate::consumer::TopicPartition;
use crate::error::{Error, ErrorKind};
use crate::properties::{Properties, Role, translate};
use crate::wire::{self, TopicAdmin, TopicMetadata};

/// An admin client. Cheap to clone; one serves many callers at once. Holds no connection between calls.
///
/// It speaks Kafka's protocol itself: librdkafka's admin client cannot be given tokens, and does not say why it cannot connect.
#[derive(Clone)]
pub struct Admin {
    wire: Arc<TopicAdmin>,
    bootstrap: Arc<str>,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").field("bootstrap", &self.bootstrap).finish_non_exhaustive()
    }
}

impl Admin {
    /// An admin client with the Java client's defaults, changed by `properties` (Java names). Connects to nothing yet.
    ///
    /// # Errors
    /// Properties that cannot be used, stores that cannot be read.
    pub fn new(properties: &Properties) -> Result<Self, Error> {
        let translation = translate(Role::Admin, properties)?;
        translation.security().check_stores()?;
        let given = properties.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let config =
            wire::ClientConfig::parse(given).map_err(|error| Error::from_wire("creating an admin client", &error))?;
        Ok(Self { wire: Arc::new(TopicAdmin::new(config)), bootstrap: translation.bootstrap().into() })
    }

    pub(super) fn wire(&self) -> &TopicAdmin {
        &self.wire
    }

    /// The addresses this client starts from.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The cluster's id.
    ///
    /// # Errors
    /// No broker answered in time.
    pub async fn cluster_id(&self, timeout: Duration) -> Result<String, Error> {
        let action = "reading the cluster id";
        let metadata = self.wire.metadata(Some(&[]), timeout).await;
        let metadata = metadata.map_err(|error| Error::from_wire(action, &error))?;
        metadata.cluster_id.ok_or_else(|| Error::new(ErrorKind::Unavailable, format!("{action}: the broker has none")))
    }

    /// Those of these topics that exist, in this order. Creates none.
    ///
    /// # Errors
    /// No broker answered in time, or it refused for another reason than that the topic does not exist.
    pub async fn describe_topics(&self, names: &[&str], timeout: Duration) -> Result<Vec<TopicDescription>, Error> {
        let action = format!("describing topic {}", names.join(", "));
        let metadata = self.wire.metadata(Some(names), timeout).await;
        let metadata = metadata.map_err(|error| Error::from_wire(&action, &error))?;
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            if let Some(topic) = metadata.topics.iter().find(|topic| topic.name == *name) {
                found.extend(description(topic)?);
            }
        }
        Ok(found)
    }

    /// All topics.
    ///
    /// # Errors
    /// No broker answered in time.
    pub async fn list_topics(&self, timeout: Duration) -> Result<Vec<TopicDescription>, Error> {
        let metadata = self.wire.metadata(None, timeout).await;
        let metadata = metadata.map_err(|error| Error::from_wire("listing topics", &error))?;
        let mut found = Vec::with_capacity(metadata.topics.len());
        for topic in &metadata.topics {
            found.extend(description(topic)?);
        }
        Ok(found)
    }

    /// Creates a topic and waits until the controller has done so.
    ///
    /// # Errors
    /// [`ErrorKind::TopicExists`], [`ErrorKind::InvalidReplication`] and whatever else the broker says.
    pub async fn create_topic(&self, topic: &NewTopic, timeout: Duration) -> Result<(), Error> {
        let action = format!("creating topic {}", topic.name);
        let Ok(replication_factor) = i16::try_from(topic.replication_factor) else {
            let factor = topic.replication_factor;
            return Err(Error::new(ErrorKind::InvalidReplication, format!("{action}: {factor} replicas")));
        };
        let settings = topic.settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let created = self.wire.create((&topic.name, topic.partitions, replication_factor), settings, timeout).await;
        created.map_err(|(error, message)| Error::from_wire(&action, &error).with_broker_message(message.as_deref()))
    }

    /// Deletes topics.
    ///
    /// # Errors
    /// The first topic that could not be deleted; the others are.
    pub async fn delete_topics(&self, names: &[&str], timeout: Duration) -> Result<(), Error> {
        let action = format!("deleting topics {}", names.join(", "));
        self.wire.delete(names, timeout).await.map_err(|error| Error::from_wire(&action, &error))
    }

    /// All settings of a topic, defaults included. Secret ones are absent.
    ///
    /// # Errors
    /// No such topic, no right to see them, no answer in time.
    pub async fn topic_settings(&self, name: &str, timeout: Duration) -> Result<BTreeMap<String, String>, Error> {
        let action = format!("reading the settings of topic {name}");
        let settings = self.wire.settings(name, timeout).await.map_err(|error| Error::from_wire(&action, &error))?;
        if settings.is_empty() {
            return Err(Error::new(ErrorKind::UnknownTopic, format!("{action}: no such topic")));
        }
        Ok(settings)
    }

    /// The first or the next offset of each partition.
    ///
    /// # Errors
    /// A partition whose leader did not answer in time.
    pub async fn list_offsets(
        &self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>, Error> {
        let (timestamp, isolation) = match spec {
            OffsetSpec::Earliest => (-2, 0),
            OffsetSpec::Latest => (-1, 0),
            OffsetSpec::LastStable => (-1, 1),
        };
        let wanted: Vec<(&str, i32)> = partitions.iter().map(|tp| (&*tp.topic, tp.partition)).collect();
        let offsets = self.wire.offsets(&wanted, timestamp, isolation, timeout).await;
        let offsets = offsets.map_err(|error| Error::from_wire("listing offsets", &error))?;
        Ok(partitions.iter().cloned().zip(offsets).collect())
    }
}

/// `None` for a topic that does not exist.
fn description(topic: &TopicMetadata) -> Result<Option<TopicDescription>, Error> {
    use kafka_protocol::ResponseError::{LeaderNotAvailable, UnknownTopicOrPartition};
    match topic.error {
        None | Some(LeaderNotAvailable) => {}
        Some(UnknownTopicOrPartition) => return Ok(None),
        Some(code) => return Err(Error::from_broker(&format!("describing topic {}", topic.name), code)),
    }
    let partitions = &topic.partitions;
    Ok(Some(TopicDescription {
        name: topic.name.clone(),
        partitions: i32::try_from(partitions.len()).unwrap_or(i32::MAX),
        replication_factor: partitions.first().map_or(0, |first| i32::try_from(first.replicas).unwrap_or(i32::MAX)),
        has_leaders: !partitions.is_empty() && partitions.iter().all(|partition| partition.leader.is_some()),
    }))
}
