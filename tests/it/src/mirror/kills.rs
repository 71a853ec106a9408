//! `kill -9` of the worker and of either broker: every record arrives, in order (Invariants 1, 3 and 7).

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use sluice_harness::{Kafka, Random, Record, Seen, Sluice, count, wait_until};

use super::{flow, put, worker_properties};
use crate::accounting::{Account, numbered_line};

const ARRIVED: Duration = Duration::from_secs(240);

#[test]
fn killing_the_worker_and_either_broker_loses_no_record() -> Result<()> {
    let (mut source, mut target) = (Kafka::start()?, Kafka::start()?);
    source.topics().create("killed", 1, &[])?;
    let mut worker = Sluice::distributed(&worker_properties(&target, "mirror-kills")).start()?;
    put(&worker, "mirror", &flow("MirrorSource", &source, &target, &json!({ "topics": "killed" })))?;
    let mut random = Random::of("mirror-kills");
    let (kills, total) = (count(3, 30), count(60_000, 3_000_000));
    for kill in 0..kills {
        let lines = kill * total / kills..(kill + 1) * total / kills;
        // Batches as a default Java producer makes them: many are under way when something dies.
        source.topics().producing_with("batch.size", "16384").produce("killed", lines.map(numbered_line))?;
        std::thread::park_timeout(Duration::from_millis(random.range(10, 500)));
        match kill % 3 {
            0 => {
                worker.kill9()?;
                worker.restart()?;
            }
            1 => {
                target.kill9()?;
                target.restart()?;
            }
            _ => {
                source.kill9()?;
                source.restart()?;
            }
        }
    }
    let account = wait_until("every record on the target", ARRIVED, || {
        let texts: Vec<String> = match target.topics().read("A.killed") {
            Ok(records) => records.iter().map(Record::value_text).collect(),
            Err(error) => return Seen::NotYet(format!("{error:#}")),
        };
        match Account::of(texts.iter().map(String::as_str)) {
            Err(broken) => Seen::Met(Err(broken)),
            Ok(account) => match account.is_complete(total, 0) {
                Ok(()) => Seen::Met(Ok(account)),
                Err(missing) => Seen::NotYet(missing.to_string()),
            },
        }
    });
    let account = account.with_context(|| worker.logs())??;
    eprintln!("{kills} kills, {total} records, {} of them more than once", account.duplicates());
    Ok(())
}

/// Without a kill of the worker nothing is repeated: what a broker has is found out, not written again.
#[test]
fn a_target_that_starts_again_has_each_record_once() -> Result<()> {
    let (source, mut target) = (Kafka::start()?, Kafka::start()?);
    source.topics().create("once", 1, &[])?;
    // The worker lives on the source: on the target it would lose its group with the broker, and its task would begin again.
    let worker = Sluice::distributed(&worker_properties(&source, "mirror-once")).start()?;
    put(&worker, "mirror", &flow("MirrorSource", &source, &target, &json!({ "topics": "once" })))?;
    let mut random = Random::of("mirror-once");
    let (rounds, total) = (count(2, 10), count(40_000, 1_000_000));
    for round in 0..rounds {
        let lines = round * total / rounds..(round + 1) * total / rounds;
        source.topics().producing_with("batch.size", "16384").produce("once", lines.map(numbered_line))?;
        std::thread::park_timeout(Duration::from_millis(random.range(10, 300)));
        target.kill9()?;
        target.restart()?;
    }
    super::wait_equal(&source, "once", &target, "A.once").with_context(|| worker.logs())
}
