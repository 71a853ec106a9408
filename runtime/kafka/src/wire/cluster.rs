//! The cluster as a whole: any broker that answers will do.

use std::fmt;

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{FindCoordinatorRequest, MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::api::{Api, MetadataWithIds};
use super::config::ClientConfig;
use super::connection::Connection;
use super::error::Error;
use super::metadata::{Metadata, host_and_port};

/// What a broker coordinates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Coordinated {
    Group(String),
    TransactionalId(String),
}

impl Coordinated {
    fn id(&self) -> &str {
        match self {
            Self::Group(id) | Self::TransactionalId(id) => id,
        }
    }

    fn key_type(&self) -> i8 {
        match self {
            Self::Group(_) => 0,
            Self::TransactionalId(_) => 1,
        }
    }
}

impl fmt::Display for Coordinated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(id) => write!(f, "group {id}"),
            Self::TransactionalId(id) => write!(f, "transactional id {id}"),
        }
    }
}

/// Knows the bootstrap addresses and every broker it was told of since. Holds no connection between calls: what it asks,
/// it asks rarely. No call retries.
#[derive(Debug, Clone)]
pub struct Cluster {
    config: ClientConfig,
    learned: Vec<String>,
}

impl Cluster {
    /// Connects to nothing yet.
    pub fn new(config: ClientConfig) -> Self {
        Self { config, learned: Vec::new() }
    }

    /// How this cluster is reached.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Asks the first broker that answers for the brokers and for `topics`, creating none. Cancel safe.
    pub async fn metadata(&mut self, topics: &[&str]) -> Result<Metadata, Error> {
        let mut connection = self.any_broker().await?;
        self.ask_metadata(&mut connection, topics).await
    }

    /// As [`Cluster::metadata`], with the ids of topics where brokers tell them (since Kafka 3.1). Cancel safe.
    pub(crate) async fn metadata_with_ids(&mut self, topics: &[&str]) -> Result<Metadata, Error> {
        let mut connection = self.any_broker().await?;
        if !connection.speaks::<MetadataWithIds>() {
            return self.ask_metadata(&mut connection, topics).await;
        }
        let request = MetadataWithIds(metadata_request(topics));
        let metadata = Metadata::from(connection.call(&request, self.config.request_timeout).await?);
        self.learned = metadata.brokers.iter().map(|broker| broker.address.clone()).collect();
        Ok(metadata)
    }

    /// Asks for every topic there is. Cancel safe.
    pub(super) async fn all_topics(&mut self) -> Result<Metadata, Error> {
        let mut connection = self.any_broker().await?;
        let request = MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(false);
        Ok(Metadata::from(connection.call(&request, self.config.request_timeout).await?))
    }

    /// A connection to the broker that coordinates the group or transactional id. Cancel safe.
    pub(super) async fn coordinator(&mut self, of: &Coordinated) -> Result<Connection, Error> {
        let mut connection = self.any_broker().await?;
        self.ask_metadata(&mut connection, &[]).await?;
        let request = FindCoordinatorRequest::default().with_key(text(of.id())).with_key_type(of.key_type());
        let answer = connection.call(&request, self.config.request_timeout).await?;
        Error::check(FindCoordinatorRequest::NAME, &of.to_string(), answer.error_code)?;
        let address = host_and_port(&answer.host, answer.port);
        if connection.address() == address {
            return Ok(connection);
        }
        let opened = Connection::open(&address, &self.config).await;
        opened.map_err(|source| Error::unreachable(vec![(address, source)]))
    }

    async fn ask_metadata(&mut self, connection: &mut Connection, topics: &[&str]) -> Result<Metadata, Error> {
        let request = metadata_request(topics);
        let metadata = Metadata::from(connection.call(&request, self.config.request_timeout).await?);
        self.learned = metadata.brokers.iter().map(|broker| broker.address.clone()).collect();
        Ok(metadata)
    }

    /// The brokers learned last first, then the bootstrap addresses: a cluster may move away from the latter, and the
    /// former may all be gone.
    pub(super) async fn any_broker(&self) -> Result<Connection, Error> {
        let mut tried = Vec::new();
        let unknown = self.config.bootstrap.iter().filter(|address| !self.learned.contains(address));
        for address in self.learned.iter().chain(unknown) {
            match Connection::open(address, &self.config).await {
                Ok(connection) => return Ok(connection),
                Err(reason) => tried.push((address.clone(), reason)),
            }
        }
        Err(Error::unreachable(tried))
    }
}

fn metadata_request(topics: &[&str]) -> MetadataRequest {
    let topic = |name: &&str| MetadataRequestTopic::default().with_name(Some(TopicName(text(name))));
    MetadataRequest::default()
        .with_topics(Some(topics.iter().map(topic).collect()))
        .with_allow_auto_topic_creation(false)
}

/// Text for a message field.
pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
