//! A source task with nothing to send holds no client, and goes on where it was when something comes (Invariant 3).

use std::fs;
use std::io::Write;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use sluice_harness::{Kafka, Properties, Record, Scratch, Sluice, Worker, wait_until};

use crate::accounting::{Account, numbered_line};

const SOON: Duration = Duration::from_secs(90);
const PART: usize = 100;

#[test]
fn the_producer_of_a_quiet_source_is_closed_and_made_again() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("idle-producer")?);
    let (topic, file) = ("idle-producer", scratch.join("in.txt"));
    let properties = Properties::distributed(kafka, topic).with("sluice.producer.idle.ms", "1000");
    let worker = Sluice::distributed(&properties).start()?;
    let without = broker_threads(&worker)?;
    let source = json!({ "connector.class": "FileStreamSource", "file": file, "topic": topic });
    worker.rest().put_connector("quiet", &source)?.expect(201)?;
    for part in 1..=3 {
        let lines: String = ((part - 1) * PART..part * PART).map(|number| numbered_line(number) + "\n").collect();
        fs::OpenOptions::new().create(true).append(true).open(&file)?.write_all(lines.as_bytes())?;
        wait_until(&format!("{} lines in the topic", part * PART), SOON, || {
            let texts: Vec<String> = kafka.topics().read(topic)?.iter().map(Record::value_text).collect();
            let account = Account::of(texts.iter().map(String::as_str))?;
            account.is_complete(part * PART, 0)?;
            ensure!(account.duplicates() == 0, "{} lines are there more than once", account.duplicates());
            Ok(())
        })?;
        wait_until("the producer to be closed", SOON, || {
            let now = broker_threads(&worker)?;
            ensure!(now == without, "{now} threads of clients, {without} without the task");
            Ok(())
        })?;
    }
    Ok(())
}

/// Threads of producers and consumers that talk to a broker.
fn broker_threads(worker: &Worker) -> Result<usize> {
    let mut found = 0;
    for thread in fs::read_dir(format!("/proc/{}/task", worker.server().id()))? {
        // A thread may end meanwhile.
        let name = fs::read_to_string(thread?.path().join("comm")).unwrap_or_default();
        found += usize::from(name.starts_with("rdk:broker"));
    }
    Ok(found)
}
