//! The walk to the other cluster and back, as `sluice mirror failover-check` predicts it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{ClientConfig, Message};
use serde_json::Value;
use sluice_harness::{Engine, Kafka, MirrorMaker, sluice_binary, wait_until};

use super::SOON;
use crate::accounting::numbered_line;

const PART: usize = 1_500;
const READ: usize = 1_037;

#[test]
fn a_group_that_moves_in_the_middle_of_traffic_loses_nothing_and_repeats_what_was_predicted() -> Result<()> {
    let (a, b) = (Kafka::start()?, Kafka::start()?);
    let properties = MirrorMaker::properties(&a, &b)
        .with("A->B.enabled", "true")
        .with("B->A.enabled", "true")
        .with("topics", "orders.*")
        .with("groups", "readers.*")
        .with("sync.group.offsets.enabled", "true");
    let mirror = MirrorMaker::start(Engine::Sluice, &properties)?;
    let file = mirror.file();
    // There, and back.
    moved(&a, &b, ("A", "B"), "orders", "readers", &file).with_context(|| mirror.logs())?;
    moved(&b, &a, ("B", "A"), "orders-back", "readers-back", &file).with_context(|| mirror.logs())?;
    let status = tool(&["mirror", "status", &file.display().to_string()])?;
    ensure!(status.0 && status.1.contains("A.orders") && status.1.contains("COPIED TO"), "{status:?}");
    Ok(())
}

fn moved(
    from: &Kafka,
    to: &Kafka,
    (source, target): (&str, &str),
    topic: &str,
    group: &str,
    file: &Path,
) -> Result<()> {
    from.topics().create(topic, 1, &[])?;
    let lines = |part: usize| (part * PART..(part + 1) * PART).map(numbered_line);
    from.topics().produce(topic, lines(0))?;
    thread::scope(|scope| -> Result<()> {
        let traffic = scope.spawn(|| (1..4).try_for_each(|part| from.topics().produce(topic, lines(part))));
        let before = consume(from, group, topic, |read| read.len() >= READ)?;
        let report = wait_until("the group to be ready", SOON, || -> Result<Value> {
            let arguments = ["mirror", "failover-check", &file.display().to_string(), "--clusters", target, "--json"];
            let (is_ready, said) = tool(&arguments)?;
            let reports: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
            let groups = reports[0]["groups"].as_array().context("groups")?;
            let own = groups.iter().find(|it| it["group"] == group).context("the group is not there yet")?;
            ensure!(is_ready && own["committed"] == before.len() && own["problem"].is_null(), "{own}");
            Ok(own.clone())
        })?;
        traffic.join().map_err(|_| anyhow::anyhow!("the producer panicked"))??;
        let remote = format!("{source}.{topic}");
        ensure!(report["topic"] == remote.as_str(), "{report}");
        let last = numbered_line(4 * PART - 1);
        let after = consume(to, group, &remote, |read| read.last() == Some(&last))?;
        let repeated = before.iter().filter(|line| after.contains(line)).count();
        let predicted = report["repeats"].as_u64().context("a prediction")?;
        ensure!(repeated as u64 <= predicted, "{repeated} records were repeated, {predicted} were predicted");
        let all: BTreeSet<&String> = before.iter().chain(&after).collect();
        ensure!(all.len() == 4 * PART, "{} of {} records were read", all.len(), 4 * PART);
        eprintln!("{topic}: {} read at {source}, {} at {target}, {repeated} twice", before.len(), after.len());
        Ok(())
    })
}

/// Reads as a member of the group until there is enough, and commits that.
fn consume(kafka: &Kafka, group: &str, topic: &str, is_enough: impl Fn(&[String]) -> bool) -> Result<Vec<String>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .create()?;
    consumer.subscribe(&[topic])?;
    let (mut read, deadline) = (Vec::new(), Instant::now() + SOON);
    while !is_enough(&read) {
        if Instant::now() > deadline {
            bail!("{} records of {topic} were read in time", read.len());
        }
        let Some(message) = consumer.poll(Duration::from_millis(200)) else { continue };
        let message = message?;
        read.push(String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned());
        consumer.store_offset_from_message(&message)?;
    }
    consumer.commit_consumer_state(CommitMode::Sync)?;
    Ok(read)
}

/// Whether the command ended well, and what it said.
fn tool(arguments: &[&str]) -> Result<(bool, String)> {
    let output = Command::new(sluice_binary()?).args(arguments).output().context("running sluice")?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
}
