//! Groups of the source find their place on the target: checkpoints, and offsets committed for them.

use anyhow::{Context, Result, ensure};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::json;
use sluice_harness::{Kafka, Sluice, wait_until};

use super::{SOON, flow, put, wait_equal, worker_properties};
use crate::accounting::numbered_line;

const GROUP: &str = "readers";

#[test]
fn a_group_goes_on_at_the_target_and_never_beyond_what_it_read() -> Result<()> {
    let (source, target) = (Kafka::start()?, Kafka::shared()?);
    source.topics().create("followed", 1, &[])?;
    source.topics().produce("followed", (0..1_000).map(numbered_line))?;
    let worker = Sluice::distributed(&worker_properties(target, "mirror-groups")).start()?;
    put(&worker, "source", &flow("MirrorSource", &source, target, &json!({ "topics": "followed" })))?;
    wait_equal(&source, "followed", target, "A.followed").context(worker.logs())?;
    // The group commits where a batch ends, and is translated exactly then.
    source.topics().produce("followed", (1_000..1_200).map(numbered_line))?;
    commit(&source, "followed", 1_200)?;
    let more = json!({
        "emit.checkpoints.interval.seconds": "1",
        "refresh.groups.interval.seconds": "1",
        "sync.group.offsets.enabled": "true",
        "sync.group.offsets.interval.seconds": "1",
    });
    put(&worker, "checkpoint", &flow("MirrorCheckpoint", &source, target, &more))?;
    put(&worker, "heartbeat", &flow("MirrorHeartbeat", &source, target, &json!({})))?;
    let reached = wait_until("the group's offset on the target", SOON, || -> Result<i64> {
        let offsets = target.topics().group_offsets(GROUP, "A.followed")?;
        offsets.get(&0).copied().context("no offset yet")
    });
    let reached = reached.with_context(|| worker.logs())?;
    // Never beyond what it read, and at most a sync interval behind.
    ensure!((1_000..=1_200).contains(&reached), "the group goes on at {reached}");
    let checkpoints = target.topics().read("A.checkpoints.internal")?;
    ensure!(!checkpoints.is_empty() && checkpoints.iter().all(|record| record.key_text().contains(GROUP)));
    wait_until("heartbeats", SOON, || -> Result<()> {
        let beats = target.topics().read("heartbeats")?;
        ensure!(beats.len() > 1 && beats[0].key == Some(b"\0\x01A\0\x01B".to_vec()), "{beats:?}");
        Ok(())
    })
}

fn commit(kafka: &Kafka, topic: &str, offset: i64) -> Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("group.id", GROUP)
        .set("enable.auto.commit", "false")
        .create()?;
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, 0, Offset::Offset(offset))?;
    Ok(consumer.commit(&offsets, CommitMode::Sync)?)
}
