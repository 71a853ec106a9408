//! What cannot work says so.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Sluice, Worker, wait_until};

use super::{SOON, flow, put, worker_properties};

#[test]
fn a_record_that_the_target_does_not_take_is_named_with_the_setting_to_raise() -> Result<()> {
    let (source, target) = (Kafka::start()?, Kafka::shared()?);
    source.topics().create("too-large", 1, &[("max.message.bytes", "2000000")])?;
    target.topics().create("A.too-large", 1, &[("max.message.bytes", "100000")])?;
    // A batch that is too large as a whole, of records that are not; then one that is.
    source.topics().produce("too-large", (0..40).map(|_| vec![b'x'; 20_000]))?;
    let worker = Sluice::distributed(&worker_properties(target, "mirror-large")).start()?;
    let only = json!({ "topics": "too-large", "sync.topic.configs.enabled": "false" });
    put(&worker, "mirror", &flow("MirrorSource", &source, target, &only))?;
    super::wait_equal(&source, "too-large", target, "A.too-large").with_context(|| worker.logs())?;
    source.topics().produce("too-large", [vec![b'x'; 500_000]])?;
    let trace = failure(&worker, "mirror")?;
    ensure!(
        trace.contains("too-large-0") && trace.contains("offset 40") && trace.contains("max.message.bytes"),
        "{trace}"
    );
    Ok(())
}

#[test]
fn what_is_not_there_yet_is_refused_by_the_validation() -> Result<()> {
    let (source, target) = (Kafka::shared()?, Kafka::shared()?);
    let worker = Sluice::distributed(&worker_properties(target, "mirror-refusals")).start()?;
    for (key, value, message) in [
        ("transforms", "route", "transforms are not supported yet"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter", "is not supported yet by the mirror"),
        ("replication.policy.class", "com.example.Mine", "com.example.Mine is not supported yet"),
        ("exactly.once.support", "required", "exactly-once"),
        ("topics", "(", "the pattern ("),
    ] {
        let config = flow("MirrorSource", source, target, &json!({ key: value }));
        let answer = worker.rest().put("/connectors/refused/config", &config)?;
        ensure!(answer.status == 400 && answer.body.contains(message), "{key}: {answer:?}");
    }
    Ok(())
}

/// Waits until a task has failed; why.
pub(super) fn failure(worker: &Worker, connector: &str) -> Result<String> {
    wait_until("the task to fail", SOON, || -> Result<String> {
        let status = worker.rest().status(connector)?;
        let task = &status["tasks"][0];
        ensure!(task["state"] == "FAILED", "{status}");
        task["trace"].as_str().map(str::to_owned).with_context(|| format!("{}", Value::clone(task)))
    })
}
