//! Groups on the embedded broker, as the worker uses them: membership of protocol type `connect`, and offsets.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use sluice_embedded::{EmbeddedBroker, Options};
use sluice_kafka::{
    Admin, Consumer, ConsumerLimits, NewTopic, Producer, ProducerLimits, ProducerRecord, Properties, RebalanceEvent,
    wire::{ClientConfig, GroupAdmin, GroupConfig, GroupMember, HeartbeatOutcome},
};
use tempfile::TempDir;

const WAIT: Duration = Duration::from_secs(20);

async fn start(folder: &TempDir) -> EmbeddedBroker {
    let data_dir = folder.path().to_owned();
    EmbeddedBroker::start(Options { data_dir, port: None }).await.expect("the broker starts")
}

fn member(broker: &EmbeddedBroker) -> GroupMember {
    let servers = broker.bootstrap_servers();
    let config = GroupConfig::parse([("bootstrap.servers", servers.as_str()), ("group.id", "workers")]);
    GroupMember::new(config.expect("properties are good"))
}

fn admin(broker: &EmbeddedBroker) -> GroupAdmin {
    let servers = broker.bootstrap_servers();
    GroupAdmin::new(ClientConfig::parse([("bootstrap.servers", servers.as_str())]).expect("properties are good"))
}

fn protocols(metadata: &'static str) -> Vec<(String, Bytes)> {
    ["sessioned", "compatible"].map(|name| (name.to_owned(), Bytes::from_static(metadata.as_bytes()))).to_vec()
}

async fn join_alone(member: &mut GroupMember) {
    let joined = member.join(&protocols("one")).await.expect("joined");
    assert!(joined.is_leader());
    assert_eq!(joined.protocol, "sessioned");
    assert_eq!(joined.members, [(joined.member_id.clone(), Bytes::from_static(b"one"))]);
    let assignment = member.sync(vec![(joined.member_id, Bytes::from_static(b"all"))]).await.expect("synced");
    assert_eq!(assignment, Bytes::from_static(b"all"));
    assert_eq!(member.heartbeat().await.expect("answered"), HeartbeatOutcome::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_joins_alone_is_described_and_leaves() {
    let folder = TempDir::new().expect("a temporary folder");
    let broker = start(&folder).await;
    let mut worker = member(&broker);
    join_alone(&mut worker).await;

    let group = worker.describe().await.expect("described");
    assert_eq!((group.state.as_str(), group.protocol_type.as_str()), ("Stable", "connect"));
    assert_eq!(group.protocol, "sessioned");
    assert_eq!(group.others(worker.member_id()).count(), 0);
    assert_eq!(group.members[0].client_id, "connect");
    assert_eq!(group.members[0].assignment, Bytes::from_static(b"all"));

    worker.leave().await.expect("left");
    assert!(worker.describe().await.expect("described").members.is_empty());
    join_alone(&mut worker).await;
    broker.shutdown().await.expect("the broker stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_from_before_the_restart_is_not_waited_for() {
    let folder = TempDir::new().expect("a temporary folder");
    let broker = start(&folder).await;
    join_alone(&mut member(&broker)).await;
    broker.shutdown().await.expect("the broker stops");
    let broker = start(&folder).await;
    join_alone(&mut member(&broker)).await;
    broker.shutdown().await.expect("the broker stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_worker_is_seen_by_the_first() {
    let folder = TempDir::new().expect("a temporary folder");
    let broker = start(&folder).await;
    let mut first = member(&broker);
    join_alone(&mut first).await;
    let mut second = member(&broker);
    let joined = second.join(&protocols("two")).await.expect("joined");
    assert!(!joined.is_leader());
    assert_eq!(first.heartbeat().await.expect("answered"), HeartbeatOutcome::RebalanceInProgress);
    let group = first.describe().await.expect("described");
    let others: Vec<_> = group.others(first.member_id()).map(|other| other.member_id.as_str()).collect();
    assert_eq!(others, [second.member_id()]);
    broker.shutdown().await.expect("the broker stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_altered_listed_deleted_and_kept_over_a_restart() {
    let folder = TempDir::new().expect("a temporary folder");
    let broker = start(&folder).await;
    let properties: Properties = [("bootstrap.servers".to_owned(), broker.bootstrap_servers())].into_iter().collect();
    let topics = Admin::new(&properties).expect("properties are good");
    let topic =
        NewTopic { name: "lines".to_owned(), partitions: 3, replication_factor: 1, settings: Default::default() };
    topics.create_topic(&topic, WAIT).await.expect("created");
    assert_eq!(admin(&broker).list_offsets("sink").await.expect("listed"), BTreeMap::new());
    let offsets: BTreeMap<_, _> = [(("lines".to_owned(), 0), 7), (("lines".to_owned(), 2), 9)].into();
    admin(&broker).alter_offsets("sink", &offsets).await.expect("altered");
    broker.shutdown().await.expect("the broker stops");

    let broker = start(&folder).await;
    let groups = admin(&broker);
    assert_eq!(groups.list_offsets("sink").await.expect("listed"), offsets);
    assert_eq!(groups.describe("sink").await.expect("described").state, "Empty");
    groups.delete_offsets("sink", &[("lines".to_owned(), 0)]).await.expect("deleted");
    let left: BTreeMap<_, _> = [(("lines".to_owned(), 2), 9)].into();
    assert_eq!(groups.list_offsets("sink").await.expect("listed"), left);
    groups.delete_group("sink").await.expect("deleted");
    assert_eq!(groups.list_offsets("sink").await.expect("listed"), BTreeMap::new());
    assert_eq!(groups.describe("sink").await.expect("described").state, "Dead");
    broker.shutdown().await.expect("the broker stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_with_members_is_not_deleted() {
    let folder = TempDir::new().expect("a temporary folder");
    let broker = start(&folder).await;
    let mut worker = member(&broker);
    join_alone(&mut worker).await;
    let refused = admin(&broker).delete_group("workers").await;
    assert!(refused.is_err());
    assert_eq!(worker.heartbeat().await.expect("answered"), HeartbeatOutcome::Ok);
    broker.shutdown().await.expect("the broker stops");
}

fn properties(broker: &EmbeddedBroker) -> Properties {
    let pairs = [("bootstrap.servers", broker.bootstrap_servers()), ("group.id", "connect-sink".to_owned())];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

async fn produce(broker: &EmbeddedBroker, count: usize) {
    let producer = Producer::new(&properties(broker), ProducerLimits::default()).expect("properties are good");
    let record = ProducerRecord {
        topic: "lines".into(),
        partition: Some(0),
        timestamp_ms: None,
        key: None,
        value: Some(Bytes::from_static(b"line")),
        headers: Vec::new(),
    };
    assert_eq!(producer.send(&vec![record; count], 0).expect("every record can be sent"), count);
    producer.flush(WAIT).await.expect("everything is acknowledged");
}

/// Subscribes, takes over what the group gives, reads `count` records, commits and leaves.
async fn sink(broker: &EmbeddedBroker, count: usize) -> Vec<i64> {
    let consumer = Consumer::new(&properties(broker), ConsumerLimits::default()).expect("properties are good");
    consumer.subscribe(&["lines"]).expect("subscribed");
    let deadline = Instant::now() + WAIT;
    let mut records = Vec::new();
    while records.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} records came in time", records.len());
        let polled = consumer.poll_batch(1_000).expect("polled");
        for event in &polled.events {
            if let RebalanceEvent::Assigned(partitions) = event {
                let positions = consumer.position(partitions, WAIT).await.expect("positions");
                consumer.assign_from(&positions).expect("assigned");
            }
        }
        if polled.records.is_empty() {
            drop(tokio::time::timeout(WAIT, consumer.ready()).await);
        }
        records.extend(polled.records);
    }
    let last = records.last().expect("at least one record");
    let partition = sluice_kafka::TopicPartition::new(last.topic.clone(), last.partition);
    consumer.commit_sync(&[(partition, last.offset + 1)], WAIT).await.expect("committed");
    consumer.close(WAIT).await;
    records.into_iter().map(|record| record.offset).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_goes_on_where_it_committed_before_the_restart() {
    let folder = TempDir::new().expect("a temporary folder");
    let broker = start(&folder).await;
    produce(&broker, 3).await;
    assert_eq!(sink(&broker, 3).await, [0, 1, 2]);
    broker.shutdown().await.expect("the broker stops");
    let broker = start(&folder).await;
    produce(&broker, 2).await;
    assert_eq!(sink(&broker, 2).await, [3, 4]);
    broker.shutdown().await.expect("the broker stops");
}
