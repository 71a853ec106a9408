//! The topic calls of an admin client: describe, create, delete, settings, offsets.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, DeleteTopicsRequest, DescribeConfigsRequest, ListOffsetsRequest, TopicName,
};
use tokio::time::{Instant, sleep};

use super::api::Api;
use super::cluster::{Cluster, text};
use super::config::ClientConfig;
use super::connection::Connection;
use super::error::Error;
use super::metadata::Metadata;
use crate::client_log::lock;

/// A topic as `DescribeConfigs` numbers kinds of resources.
pub(super) const TOPIC_RESOURCE: i8 = 2;
const PAUSE: Duration = Duration::from_millis(200);

/// Administers topics. Each call opens its own connections and retries until its time is over.
#[derive(Debug)]
pub(crate) struct TopicAdmin {
    config: ClientConfig,
    /// Whom the last answer named; calls work on copies, so that none waits for another.
    cluster: Mutex<Cluster>,
}

impl TopicAdmin {
    /// Connects to nothing yet.
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self { cluster: Mutex::new(Cluster::new(config.clone())), config }
    }

    /// The brokers and these topics, or all topics. Creates none.
    pub(crate) async fn metadata(&self, topics: Option<&[&str]>, timeout: Duration) -> Result<Metadata, Error> {
        let end = Instant::now() + timeout;
        loop {
            let mut cluster = self.cluster();
            let asked = match topics {
                Some(topics) => cluster.metadata(topics).await,
                None => cluster.all_topics().await,
            };
            *lock(&self.cluster) = cluster;
            match asked {
                Ok(metadata) => return Ok(metadata),
                Err(error) => pause(error, end).await?,
            }
        }
    }

    /// Creates one topic, and waits until the controller has done so.
    pub(crate) async fn create(
        &self,
        (name, partitions, replication_factor): (&str, i32, i16),
        settings: impl IntoIterator<Item = (&str, &str)>,
        timeout: Duration,
    ) -> Result<(), (Error, Option<String>)> {
        let setting = |(key, value): (&str, &str)| {
            CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value)))
        };
        let topic = CreatableTopic::default()
            .with_name(TopicName(text(name)))
            .with_num_partitions(partitions)
            .with_replication_factor(replication_factor)
            .with_configs(settings.into_iter().map(setting).collect());
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(millis(timeout));
        let answer = self.at_controller(&request, timeout).await.map_err(|error| (error, None))?;
        for topic in answer.topics {
            let checked = Error::check(CreateTopicsRequest::NAME, &format!("topic {name}"), topic.error_code);
            checked.map_err(|error| (error, topic.error_message.map(|message| message.to_string())))?;
        }
        Ok(())
    }

    /// Deletes topics. Fails with the first that could not be deleted; the others are.
    pub(crate) async fn delete(&self, names: &[&str], timeout: Duration) -> Result<(), Error> {
        let names = names.iter().map(|name| TopicName(text(name))).collect();
        let request = DeleteTopicsRequest::default().with_topic_names(names).with_timeout_ms(millis(timeout));
        let answer = self.at_controller(&request, timeout).await?;
        answer.responses.into_iter().try_for_each(|topic| {
            let name = topic.name.map(|name| name.to_string()).unwrap_or_default();
            Error::check(DeleteTopicsRequest::NAME, &format!("topic {name}"), topic.error_code)
        })
    }

    /// All settings of a topic, defaults included. Secret ones are absent.
    pub(crate) async fn settings(&self, name: &str, timeout: Duration) -> Result<BTreeMap<String, String>, Error> {
        let resource = DescribeConfigsResource::default()
            .with_resource_type(TOPIC_RESOURCE)
            .with_resource_name(text(name))
            .with_configuration_keys(None);
        let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
        let answer = self.at_any(&request, timeout).await?;
        let mut settings = BTreeMap::new();
        for resource in answer.results {
            Error::check(DescribeConfigsRequest::NAME, &format!("topic {name}"), resource.error_code)?;
            settings.extend(
                resource
                    .configs
                    .into_iter()
                    .filter_map(|config| Some((config.name.to_string(), config.value?.to_string()))),
            );
        }
        Ok(settings)
    }

    /// The offset of each partition at `timestamp`: -2 is the first record's, -1 the one after the last, open transactions
    /// included when `isolation` is 0. In the order of `partitions`.
    pub(crate) async fn offsets(
        &self,
        partitions: &[(&str, i32)],
        timestamp: i64,
        isolation: i8,
        timeout: Duration,
    ) -> Result<Vec<i64>, Error> {
        let end = Instant::now() + timeout;
        loop {
            match self.try_offsets(partitions, timestamp, isolation).await {
                Ok(offsets) => return Ok(offsets),
                Err(error) => pause(error, end).await?,
            }
        }
    }

    async fn try_offsets(&self, partitions: &[(&str, i32)], timestamp: i64, isolation: i8) -> Result<Vec<i64>, Error> {
        let mut topics: Vec<&str> = partitions.iter().map(|(topic, _)| *topic).collect();
        topics.sort_unstable();
        topics.dedup();
        let metadata = self.cluster().metadata(&topics).await?;
        let mut by_leader: BTreeMap<i32, Vec<(&str, i32)>> = BTreeMap::new();
        for (topic, partition) in partitions {
            by_leader.entry(leader(&metadata, topic, *partition)?).or_default().push((topic, *partition));
        }
        let mut found: BTreeMap<(String, i32), i64> = BTreeMap::new();
        for (leader, partitions) in by_leader {
            let mut connection = self.broker(&metadata, leader).await?;
            let answer = connection
                .call(&offsets_request(&partitions, timestamp, isolation), self.config.request_timeout)
                .await?;
            for topic in answer.topics {
                for partition in topic.partitions {
                    let subject = format!("{}-{}", &*topic.name, partition.partition_index);
                    Error::check(ListOffsetsRequest::NAME, &subject, partition.error_code)?;
                    found.insert((topic.name.to_string(), partition.partition_index), partition.offset);
                }
            }
        }
        let offset = |(topic, partition): &(&str, i32)| {
            let missing = || broker_error(&format!("{topic}-{partition}"), ResponseError::UnknownServerError);
            found.get(&((*topic).to_owned(), *partition)).copied().ok_or_else(missing)
        };
        partitions.iter().map(offset).collect()
    }

    /// Brokers in KRaft pass these requests on; older ones want them at the controller.
    pub(super) async fn at_controller<A: Api>(&self, request: &A, timeout: Duration) -> Result<A::Answer, Error> {
        let end = Instant::now() + timeout;
        loop {
            let attempt = async {
                let metadata = self.cluster().metadata(&[]).await?;
                let mut connection = match metadata.controller {
                    Some(controller) => self.broker(&metadata, controller).await?,
                    None => self.cluster().any_broker().await?,
                };
                connection.call(request, self.config.request_timeout.max(timeout)).await
            };
            match attempt.await {
                Ok(answer) if !is_passing(A::code(&answer)) => return Ok(answer),
                Ok(answer) => {
                    let error = Error::check(A::NAME, "the controller", A::code(&answer)).err();
                    let Some(error) = error else { return Ok(answer) };
                    pause(error, end).await?;
                }
                Err(error) => pause(error, end).await?,
            }
        }
    }

    pub(super) async fn at_any<A: Api>(&self, request: &A, timeout: Duration) -> Result<A::Answer, Error> {
        let end = Instant::now() + timeout;
        loop {
            let attempt = async {
                let mut connection = self.cluster().any_broker().await?;
                connection.call(request, self.config.request_timeout).await
            };
            match attempt.await {
                Ok(answer) => return Ok(answer),
                Err(error) => pause(error, end).await?,
            }
        }
    }

    pub(super) fn cluster(&self) -> Cluster {
        lock(&self.cluster).clone()
    }

    pub(super) async fn broker(&self, metadata: &Metadata, node_id: i32) -> Result<Connection, Error> {
        let Some(address) = metadata.address_of(node_id) else {
            return Err(broker_error(&format!("broker {node_id}"), ResponseError::BrokerNotAvailable));
        };
        let opened = Connection::open(address, &self.config).await;
        opened.map_err(|reason| Error::unreachable(vec![(address.to_owned(), reason)]))
    }
}

fn leader(metadata: &Metadata, topic: &str, partition: i32) -> Result<i32, Error> {
    let subject = || format!("{topic}-{partition}");
    let found = metadata.topics.iter().find(|found| found.name == topic);
    if let Some(code) = found.and_then(|found| found.error) {
        return Err(broker_error(&subject(), code));
    }
    let partitions = found.map(|found| found.partitions.as_slice()).unwrap_or_default();
    match partitions.iter().find(|found| found.partition == partition) {
        None => Err(broker_error(&subject(), ResponseError::UnknownTopicOrPartition)),
        Some(found) => found.leader.ok_or_else(|| broker_error(&subject(), ResponseError::LeaderNotAvailable)),
    }
}

fn offsets_request(partitions: &[(&str, i32)], timestamp: i64, isolation: i8) -> ListOffsetsRequest {
    let mut topics: Vec<ListOffsetsTopic> = Vec::new();
    for (topic, partition) in partitions {
        let partition = ListOffsetsPartition::default()
            .with_partition_index(*partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        match topics.iter_mut().find(|found| found.name.as_str() == *topic) {
            Some(found) => found.partitions.push(partition),
            None => topics
                .push(ListOffsetsTopic::default().with_name(TopicName(text(topic))).with_partitions(vec![partition])),
        }
    }
    ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_isolation_level(isolation).with_topics(topics)
}

fn broker_error(subject: &str, code: ResponseError) -> Error {
    Error::Broker { api: "Metadata", subject: subject.to_owned(), code }
}

/// The controller is moving.
fn is_passing(code: i16) -> bool {
    code == ResponseError::NotController.code()
}

/// Waits before the next attempt, or gives `error` back when there must be none.
async fn pause(error: Error, end: Instant) -> Result<(), Error> {
    let is_missing = matches!(error, Error::Broker { code: ResponseError::UnknownTopicOrPartition, .. });
    if !error.is_retriable() || is_missing || Instant::now() + PAUSE >= end {
        return Err(error);
    }
    sleep(PAUSE).await;
    Ok(())
}

pub(super) fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}
