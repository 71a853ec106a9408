//! Two real clusters, and a mirror between them.

mod copies;
mod failover;
mod groups;
mod kills;
mod lineage;
mod maker;
mod refusals;
mod takeover;

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, Record, Worker, wait_until};

const SOON: Duration = Duration::from_secs(120);
const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

/// A connector of the flow A to B, with one replica of everything and short intervals.
fn flow(class: &str, source: &Kafka, target: &Kafka, more: &Value) -> Value {
    let mut config = json!({
        "connector.class": format!("org.apache.kafka.connect.mirror.{class}Connector"),
        "source.cluster.alias": "A",
        "target.cluster.alias": "B",
        "source.cluster.bootstrap.servers": source.bootstrap(),
        "target.cluster.bootstrap.servers": target.bootstrap(),
        "replication.factor": "1",
        "offset-syncs.topic.replication.factor": "1",
        "checkpoints.topic.replication.factor": "1",
        "heartbeats.topic.replication.factor": "1",
        "refresh.topics.interval.seconds": "1",
        "sync.topic.configs.interval.seconds": "1",
        "sync.topic.acls.enabled": "false",
        "key.converter": BYTES,
        "value.converter": BYTES,
        "header.converter": BYTES,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

/// A worker on the target, as MirrorMaker wants it.
fn worker_properties(target: &Kafka, name: &str) -> Properties {
    Properties::distributed(target, name).with("offset.flush.interval.ms", "200").with("session.timeout.ms", "6000")
}

fn put(worker: &Worker, name: &str, config: &Value) -> Result<()> {
    let answer = worker.rest().put_connector(name, config)?;
    ensure!(matches!(answer.status, 200 | 201), "{answer:?}");
    Ok(())
}

/// What a reader sees of a record, but for its offset.
type Seen = (i32, Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

fn seen(records: &[Record]) -> Vec<Seen> {
    let one = |it: &Record| (it.partition, it.timestamp_ms, it.key.clone(), it.value.clone(), it.headers.clone());
    records.iter().map(one).collect()
}

/// Waits until a reader sees the same records of both topics, in the same order.
fn wait_equal(source: &Kafka, topic: &str, target: &Kafka, remote: &str) -> Result<()> {
    let expected = seen(&source.topics().read(topic)?);
    wait_until(&format!("{remote} to be {topic}"), SOON, || -> Result<()> {
        let copied = seen(&target.topics().read(remote)?);
        let differ = expected.iter().zip(&copied).position(|(one, other)| one != other);
        ensure!(differ.is_none(), "record {differ:?} differs");
        ensure!(expected.len() == copied.len(), "{} of {} records", copied.len(), expected.len());
        Ok(())
    })
}
