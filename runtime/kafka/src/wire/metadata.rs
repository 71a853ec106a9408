//! Which brokers there are and who leads which partition.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::MetadataResponse;
use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use uuid::Uuid;

/// The cluster as one broker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Every live broker.
    pub brokers: Vec<BrokerMetadata>,
    /// The cluster's id, when the broker tells it.
    pub cluster_id: Option<String>,
    /// Node id of the controller, when there is one to talk to.
    pub controller: Option<i32>,
    /// The topics that were asked for, in the order of the answer.
    pub topics: Vec<TopicMetadata>,
}

/// One broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerMetadata {
    /// Number of the broker.
    pub node_id: i32,
    /// Advertised `host:port`.
    pub address: String,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMetadata {
    /// Name of the topic.
    pub name: String,
    /// Its id, where the broker tells it: a topic that is deleted and created again gets another one.
    pub id: Option<Uuid>,
    /// Why there is nothing to know about it, for instance because it does not exist.
    pub error: Option<ResponseError>,
    /// Its partitions.
    pub partitions: Vec<PartitionMetadata>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// Number of the partition.
    pub partition: i32,
    /// Node id of its leader; `None` while it has none.
    pub leader: Option<i32>,
    /// Epoch of the leader; -1 when the broker does not tell it.
    pub leader_epoch: i32,
    /// How many replicas it has.
    pub replicas: usize,
}

impl Metadata {
    /// Where the broker with this number is.
    pub(super) fn address_of(&self, node_id: i32) -> Option<&str> {
        self.brokers.iter().find(|broker| broker.node_id == node_id).map(|broker| broker.address.as_str())
    }
}

impl From<MetadataResponse> for Metadata {
    fn from(answer: MetadataResponse) -> Self {
        let broker = |broker: &kafka_protocol::messages::metadata_response::MetadataResponseBroker| BrokerMetadata {
            node_id: broker.node_id.0,
            address: host_and_port(&broker.host, broker.port),
        };
        Self {
            brokers: answer.brokers.iter().map(broker).collect(),
            controller: Some(answer.controller_id.0).filter(|controller| *controller >= 0),
            cluster_id: answer.cluster_id.map(|id| id.to_string()),
            topics: answer.topics.into_iter().map(topic).collect(),
        }
    }
}

fn topic(answer: MetadataResponseTopic) -> TopicMetadata {
    TopicMetadata {
        name: answer.name.map(|name| name.to_string()).unwrap_or_default(),
        id: Some(answer.topic_id).filter(|id| !id.is_nil()),
        error: ResponseError::try_from_code(answer.error_code),
        partitions: answer.partitions.iter().map(partition).collect(),
    }
}

fn partition(answer: &MetadataResponsePartition) -> PartitionMetadata {
    PartitionMetadata {
        partition: answer.partition_index,
        leader: Some(answer.leader_id.0).filter(|leader| *leader >= 0),
        leader_epoch: answer.leader_epoch,
        replicas: answer.replica_nodes.len(),
    }
}

/// `host:port`, with the brackets that an IPv6 address needs.
pub(super) fn host_and_port(host: &str, port: i32) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
