//! The admin client itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier, TopicReplication, TopicResult};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::{FromClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;
use rdkafka::types::RDKafkaRespErr;

use super::topic::{NewTopic, OffsetSpec, TopicDescription};
use crate::consumer::TopicPartition;
use crate::error::{Error, ErrorKind};
use crate::properties::{Properties, Role, translate};

/// An admin client. Cheap to clone; one serves many callers at once. Dropping the last one takes up to 0.1 s.
#[derive(Clone)]
pub struct Admin {
    client: Arc<AdminClient<DefaultClientContext>>,
    bootstrap: Arc<str>,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").field("bootstrap", &self.bootstrap).finish_non_exhaustive()
    }
}

impl Admin {
    /// An admin client with the Java client's defaults, changed by `properties` (Java names). Connects in the
    /// background.
    ///
    /// # Errors
    /// Properties that cannot be used.
    pub fn new(properties: &Properties) -> Result<Self, Error> {
        let translation = translate(Role::Admin, properties)?;
        let mut config = translation.client_config();
        // Nobody serves the log queue of this client, so lines would only pile up in it. The clients beside it say what
        // is wrong.
        config.set_log_level(RDKafkaLogLevel::Emerg);
        let client = AdminClient::from_config(&config)
            .map_err(|error| Error::from_client("creating an admin client", &error))?;
        Ok(Self { client: Arc::new(client), bootstrap: translation.bootstrap().into() })
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
        let id = self.blocking(move |admin| admin.inner().fetch_cluster_id(timeout)).await?;
        id.ok_or_else(|| self.unreachable("reading the cluster id"))
    }

    /// Those of these topics that exist, in this order. Creates none.
    ///
    /// # Errors
    /// No broker answered in time, or it refused for another reason than that the topic does not exist.
    pub async fn describe_topics(&self, names: &[&str], timeout: Duration) -> Result<Vec<TopicDescription>, Error> {
        let deadline = Instant::now() + timeout;
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let describe = move |admin: &AdminClient<DefaultClientContext>| {
            let mut found = Vec::with_capacity(names.len());
            for name in &names {
                let left = deadline.saturating_duration_since(Instant::now());
                let metadata = admin.inner().fetch_metadata(Some(name), left);
                let metadata =
                    metadata.map_err(|error| Error::from_client(&format!("describing topic {name}"), &error))?;
                for topic in metadata.topics() {
                    found.extend(description(topic)?);
                }
            }
            Ok(found)
        };
        self.blocking(describe).await?
    }

    /// All topics.
    ///
    /// # Errors
    /// No broker answered in time.
    pub async fn list_topics(&self, timeout: Duration) -> Result<Vec<TopicDescription>, Error> {
        let metadata = self.blocking(move |admin| admin.inner().fetch_metadata(None, timeout)).await?;
        let metadata = metadata.map_err(|error| Error::from_client("listing topics", &error))?;
        let mut found = Vec::with_capacity(metadata.topics().len());
        for topic in metadata.topics() {
            found.extend(description(topic)?);
        }
        Ok(found)
    }

    /// Creates a topic and waits until the controller has done so.
    ///
    /// # Errors
    /// [`ErrorKind::TopicExists`], [`ErrorKind::InvalidReplication`] and whatever else the broker says.
    pub async fn create_topic(&self, topic: &NewTopic, timeout: Duration) -> Result<(), Error> {
        let replication = TopicReplication::Fixed(topic.replication_factor);
        let mut native = rdkafka::admin::NewTopic::new(&topic.name, topic.partitions, replication);
        for (key, value) in &topic.settings {
            native = native.set(key, value);
        }
        let action = format!("creating topic {}", topic.name);
        let results = self.client.create_topics([&native], &options(timeout)).await;
        first_failure(&action, results)
    }

    /// Deletes topics.
    ///
    /// # Errors
    /// The first topic that could not be deleted; the others are.
    pub async fn delete_topics(&self, names: &[&str], timeout: Duration) -> Result<(), Error> {
        let results = self.client.delete_topics(names, &options(timeout)).await;
        first_failure(&format!("deleting topics {}", names.join(", ")), results)
    }

    /// All settings of a topic, defaults included. Secret ones are absent.
    ///
    /// # Errors
    /// No such topic, no right to see them, no answer in time.
    pub async fn topic_settings(&self, name: &str, timeout: Duration) -> Result<BTreeMap<String, String>, Error> {
        let action = format!("reading the settings of topic {name}");
        let results = self.client.describe_configs([&ResourceSpecifier::Topic(name)], &options(timeout)).await;
        let results = results.map_err(|error| Error::from_client(&action, &error))?;
        let resource =
            results.into_iter().next().ok_or_else(|| Error::new(ErrorKind::Other, format!("{action}: no answer")))?;
        let resource = resource.map_err(|code| Error::from_code(&action, code))?;
        if resource.entries.is_empty() {
            return Err(Error::from_code(&action, RDKafkaErrorCode::UnknownTopicOrPartition));
        }
        Ok(resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect())
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
        let deadline = Instant::now() + timeout;
        let partitions = partitions.to_vec();
        let list = move |admin: &AdminClient<DefaultClientContext>| {
            let one = |tp: TopicPartition| {
                let left = deadline.saturating_duration_since(Instant::now());
                let bounds = admin.inner().fetch_watermarks(&tp.topic, tp.partition, left);
                let (low, high) =
                    bounds.map_err(|error| Error::from_client(&format!("listing offsets of {tp}"), &error))?;
                Ok((tp, if spec == OffsetSpec::Earliest { low } else { high }))
            };
            partitions.into_iter().map(one).collect::<Result<Vec<_>, Error>>()
        };
        self.blocking(list).await?
    }

    fn unreachable(&self, action: &str) -> Error {
        Error::new(ErrorKind::Unavailable, format!("{action}: no broker of {} answered in time", self.bootstrap))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&AdminClient<DefaultClientContext>) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let client = Arc::clone(&self.client);
        let answer = tokio::task::spawn_blocking(move || call(&client)).await;
        answer.map_err(|_| Error::new(ErrorKind::Closed, "the runtime is shutting down"))
    }
}

fn options(timeout: Duration) -> AdminOptions {
    AdminOptions::new().request_timeout(Some(timeout)).operation_timeout(Some(timeout))
}

fn first_failure(action: &str, results: Result<Vec<TopicResult>, KafkaError>) -> Result<(), Error> {
    let results = results.map_err(|error| Error::from_client(action, &error))?;
    results.into_iter().try_for_each(|result| match result {
        Ok(_) => Ok(()),
        Err((_, code)) => Err(Error::from_code(action, code)),
    })
}

/// `None` for a topic that does not exist.
fn description(topic: &MetadataTopic) -> Result<Option<TopicDescription>, Error> {
    match topic.error() {
        None | Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) => {}
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => return Ok(None),
        Some(code) => {
            return Err(Error::from_code(&format!("describing topic {}", topic.name()), RDKafkaErrorCode::from(code)));
        }
    }
    let partitions = topic.partitions();
    Ok(Some(TopicDescription {
        name: topic.name().to_owned(),
        partitions: i32::try_from(partitions.len()).unwrap_or(i32::MAX),
        replication_factor: partitions
            .first()
            .map_or(0, |partition| i32::try_from(partition.replicas().len()).unwrap_or(0)),
        has_leaders: !partitions.is_empty() && partitions.iter().all(|partition| partition.leader() >= 0),
    }))
}
