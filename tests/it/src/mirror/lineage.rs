//! Another log under the same name is never taken for the one that was copied.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sluice_harness::{Kafka, Record, Sluice, wait_until};

use super::refusals::failure;
use super::{SOON, flow, put, wait_equal, worker_properties};

fn values(kafka: &Kafka, topic: &str) -> Result<Vec<String>> {
    Ok(kafka.topics().read(topic)?.iter().map(Record::value_text).collect())
}

/// Deletes a topic and creates it again with more records than it had, so that no offset gives it away.
fn create_again(kafka: &Kafka, topic: &str) -> Result<()> {
    kafka.topics().delete(topic)?;
    wait_until("the topic to be there again", SOON, || kafka.topics().create(topic, 1, &[]))?;
    kafka.topics().produce(topic, ["new 1", "new 2", "new 3"])
}

#[test]
fn a_source_topic_that_was_created_again_is_not_mixed_with_the_old_one() -> Result<()> {
    let (source, target) = (Kafka::start()?, Kafka::shared()?);
    for topic in ["again", "stopped"] {
        source.topics().create(topic, 1, &[])?;
        source.topics().produce(topic, ["old"])?;
    }
    let worker = Sluice::distributed(&worker_properties(target, "mirror-again")).start()?;
    for topic in ["again", "stopped"] {
        put(&worker, topic, &flow("MirrorSource", &source, target, &json!({ "topics": topic })))?;
        wait_equal(&source, topic, target, &format!("A.{topic}")).with_context(|| worker.logs())?;
    }
    // While it is being copied: the very next fetch is refused.
    create_again(&source, "again")?;
    // While nobody looks: what is stored beside the offset says it.
    worker.rest().stop("stopped")?;
    worker.rest().wait_state("stopped", "STOPPED", 0, SOON)?;
    create_again(&source, "stopped")?;
    worker.rest().resume("stopped")?;
    for topic in ["again", "stopped"] {
        let trace = failure(&worker, topic)?;
        ensure!(trace.contains(&format!("topic {topic} was deleted and created again")), "{trace}");
        ensure!(trace.contains("topic.recreated=continue"), "{trace}");
        ensure!(values(target, &format!("A.{topic}"))? == ["old"], "the new topic was mixed with the old one");
        let on = json!({ "topics": topic, "topic.recreated": "continue" });
        put(&worker, topic, &flow("MirrorSource", &source, target, &on))?;
        wait_until("the new topic behind the old one", SOON, || -> Result<()> {
            let copied = values(target, &format!("A.{topic}"))?;
            ensure!(copied == ["old", "new 1", "new 2", "new 3"], "{copied:?}");
            Ok(())
        })
        .with_context(|| worker.logs())?;
    }
    Ok(())
}

#[test]
fn a_source_log_that_lost_records_and_grew_again_is_noticed() -> Result<()> {
    let (mut source, target) = (Kafka::start()?, Kafka::shared()?);
    source.topics().create("short", 1, &[])?;
    for value in ["1", "2", "3", "4"] {
        source.topics().produce("short", [value])?;
    }
    // It lives on the target, so that the source can go away.
    let worker = Sluice::distributed(&worker_properties(target, "mirror-short")).start()?;
    put(&worker, "mirror", &flow("MirrorSource", &source, target, &json!({ "topics": "short" })))?;
    wait_equal(&source, "short", target, "A.short").with_context(|| worker.logs())?;
    worker.rest().stop("mirror")?;
    worker.rest().wait_state("mirror", "STOPPED", 0, SOON)?;
    lose_batches(&mut source, "short", 2)?;
    // Longer than it was: the stored offset is in the log, and of another record.
    source.topics().produce("short", ["3b", "4b", "5b"])?;
    worker.rest().resume("mirror")?;
    let trace = failure(&worker, "mirror")?;
    ensure!(trace.contains("short-0") && trace.contains("from offset 2 on"), "{trace}");
    ensure!(trace.contains("topic.truncated=continue"), "{trace}");
    ensure!(values(target, "A.short")? == ["1", "2", "3", "4"]);
    let on = json!({ "topics": "short", "topic.truncated": "continue" });
    put(&worker, "mirror", &flow("MirrorSource", &source, target, &on))?;
    wait_until("what has taken the place of the lost records", SOON, || -> Result<()> {
        let copied = values(target, "A.short")?;
        ensure!(copied == ["1", "2", "3", "4", "3b", "4b", "5b"], "{copied:?}");
        Ok(())
    })
    .with_context(|| worker.logs())
}

/// Keeps so many batches of the log of partition 0, as if the broker that led it afterwards had never got the others.
fn lose_batches(kafka: &mut Kafka, topic: &str, kept: usize) -> Result<()> {
    kafka.kill9()?;
    let log: PathBuf = kafka.folder().join("data").join(format!("{topic}-0")).join("00000000000000000000.log");
    let mut bytes = Vec::new();
    File::open(&log).with_context(|| format!("opening {}", log.display()))?.read_to_end(&mut bytes)?;
    let mut end = 0;
    for _ in 0..kept {
        let length = bytes.get(end + 8..end + 12).context("a batch")?;
        end += 12 + usize::try_from(u32::from_be_bytes(length.try_into()?))?;
    }
    OpenOptions::new().write(true).open(&log)?.set_len(u64::try_from(end)?)?;
    kafka.restart()
}
