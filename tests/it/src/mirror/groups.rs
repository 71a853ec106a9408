//! Groups of the source find their place on the target: checkpoints, and offsets committed for them.

use anyhow::{Context, Result, ensure};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Value, json};
use sluice_harness::oracle::Oracle;
use sluice_harness::{Kafka, Sluice, wait_until};

use super::{SOON, flow, put, wait_equal, worker_properties};
use crate::accounting::numbered_line;

#[test]
fn every_group_goes_on_exactly_where_it_stands() -> Result<()> {
    let (source, target) = (Kafka::start()?, Kafka::shared()?);
    source.topics().create("followed", 1, &[])?;
    // The offsets of the target are others than those of the source.
    target.topics().create("A.followed", 1, &[])?;
    target.topics().produce("A.followed", (0..7).map(numbered_line))?;
    source.topics().produce("followed", (0..1_000).map(numbered_line))?;
    let worker = Sluice::distributed(&worker_properties(target, "mirror-groups")).start()?;
    put(&worker, "source", &flow("MirrorSource", &source, target, &json!({ "topics": "followed" })))?;
    let copied = |records: usize| {
        wait_until("the records on the target", SOON, || -> Result<()> {
            let there = target.topics().read("A.followed")?.len();
            ensure!(there == 7 + records, "{there} records");
            Ok(())
        })
    };
    copied(1_000).with_context(|| worker.logs())?;
    // Within batches, between syncs, at the start, and at the end.
    let groups = [("first", 0), ("early", 1), ("within", 537), ("late", 999), ("done", 1_000)];
    for (group, offset) in groups {
        commit(&source, group, "followed", offset)?;
    }
    let more = json!({
        "emit.checkpoints.interval.seconds": "1",
        "refresh.groups.interval.seconds": "1",
        "sync.group.offsets.enabled": "true",
        "sync.group.offsets.interval.seconds": "1",
        "tasks.max": "2",
    });
    put(&worker, "checkpoint", &flow("MirrorCheckpoint", &source, target, &more))?;
    put(&worker, "heartbeat", &flow("MirrorHeartbeat", &source, target, &json!({})))?;
    for (group, offset) in groups {
        let reached = wait_until(&format!("the offset of {group} on the target"), SOON, || -> Result<i64> {
            let offsets = target.topics().group_offsets(group, "A.followed")?;
            let reached = offsets.get(&0).copied().context("no offset yet")?;
            ensure!(reached >= offset + 7, "{group} is at {reached}");
            Ok(reached)
        });
        let reached = reached.with_context(|| worker.logs())?;
        ensure!(reached == offset + 7, "{group} stood at {offset} and goes on at {reached}");
    }
    wait_until("heartbeats", SOON, || -> Result<()> {
        let beats = target.topics().read("heartbeats")?;
        ensure!(beats.len() > 1 && beats.iter().any(|beat| beat.key == Some(b"\0\x01A\0\x01B".to_vec())), "{beats:?}");
        Ok(())
    })?;
    as_kafkas_own_client_sees_it(target, &groups)
}

/// MirrorClient and RemoteClusterUtils of Kafka's jars read our topics.
fn as_kafkas_own_client_sees_it(target: &Kafka, groups: &[(&str, i64)]) -> Result<()> {
    let properties = json!({ "bootstrap.servers": target.bootstrap() });
    let cases: Vec<Value> =
        groups.iter().map(|(group, _)| json!({ "properties": properties, "alias": "A", "group": group })).collect();
    let answers = Oracle::shared()?.ask(&[json!({ "op": "mirror", "cases": cases })])?;
    let results = answers[0]["results"].as_array().with_context(|| format!("{answers:?}"))?;
    for (result, (group, offset)) in results.iter().zip(groups) {
        let seen = &result["ok"];
        let expected = json!({ "A.followed-0": offset + 7 });
        ensure!(seen["client"] == expected && seen["utils"] == expected, "{group} at {offset}: {result}");
        let has = |list: &str, name: &str| seen[list].as_array().is_some_and(|list| list.contains(&json!(name)));
        ensure!(has("remote", "A.followed") && has("checkpoints", "A.checkpoints.internal"), "{result}");
        ensure!(!has("remote", "mm2-offset-syncs.A.internal"), "{result}");
    }
    Ok(())
}

/// A group from before the mirror was there: what it has not read is on the target from its first record on.
#[test]
fn a_group_behind_the_first_sync_goes_on_where_the_target_begins() -> Result<()> {
    let (source, target) = (Kafka::start()?, Kafka::shared()?);
    source.topics().create("older", 1, &[])?;
    source.topics().produce("older", (0..100).map(numbered_line))?;
    commit(&source, "older-readers", "older", 3)?;
    let worker = Sluice::distributed(&worker_properties(target, "mirror-older")).start()?;
    // Only what comes from now on is copied.
    let latest = json!({ "topics": "older", "source.consumer.auto.offset.reset": "latest" });
    put(&worker, "source", &flow("MirrorSource", &source, target, &latest))?;
    worker.rest().wait_running("source", 1, SOON)?;
    wait_until("a record on the target", SOON, || -> Result<()> {
        source.topics().produce("older", ["one more"])?;
        ensure!(!target.topics().read("A.older")?.is_empty(), "nothing yet");
        Ok(())
    })
    .with_context(|| worker.logs())?;
    let more = json!({
        "groups": "older-readers",
        "emit.checkpoints.interval.seconds": "1",
        "refresh.groups.interval.seconds": "1",
        "sync.group.offsets.enabled": "true",
        "sync.group.offsets.interval.seconds": "1",
    });
    put(&worker, "checkpoint", &flow("MirrorCheckpoint", &source, target, &more))?;
    let reached = wait_until("the group's offset on the target", SOON, || -> Result<i64> {
        target.topics().group_offsets("older-readers", "A.older")?.get(&0).copied().context("no offset yet")
    });
    ensure!(reached.with_context(|| worker.logs())? == 0);
    Ok(())
}

#[test]
fn markers_and_holes_do_not_put_a_group_ahead() -> Result<()> {
    let (source, target) = (Kafka::start()?, Kafka::shared()?);
    super::copies::transactions(&source, "marked", 30)?;
    let worker = Sluice::distributed(&worker_properties(target, "mirror-marked")).start()?;
    put(&worker, "source", &flow("MirrorSource", &source, target, &json!({ "topics": "marked" })))?;
    wait_equal(&source, "marked", target, "A.marked").with_context(|| worker.logs())?;
    // The offset of each committed record, and its place among them, which is its offset on the target.
    let records = source.topics().read("marked")?;
    let places: Vec<(String, i64, i64)> = records
        .iter()
        .enumerate()
        .step_by(7)
        .map(|(place, record)| (format!("marked-{place}"), record.offset, place as i64))
        .collect();
    for (group, offset, _) in &places {
        commit(&source, group, "marked", *offset)?;
    }
    let more = json!({
        "groups": "marked-.*",
        "emit.checkpoints.interval.seconds": "1",
        "refresh.groups.interval.seconds": "1",
        "sync.group.offsets.enabled": "true",
        "sync.group.offsets.interval.seconds": "1",
    });
    put(&worker, "checkpoint", &flow("MirrorCheckpoint", &source, target, &more))?;
    for (group, offset, place) in &places {
        let reached = wait_until(&format!("the offset of {group}"), SOON, || -> Result<i64> {
            target.topics().group_offsets(group, "A.marked")?.get(&0).copied().context("no offset yet")
        });
        let reached = reached.with_context(|| worker.logs())?;
        ensure!(reached == *place, "{group} stood at {offset}, record {place}, and goes on at {reached}");
    }
    Ok(())
}

fn commit(kafka: &Kafka, group: &str, topic: &str, offset: i64) -> Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .create()?;
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, 0, Offset::Offset(offset))?;
    Ok(consumer.commit(&offsets, CommitMode::Sync)?)
}
