//! `sluice.FileSource` in a worker: a writer that rotates its file while the worker is killed (Invariants 1 and 3).

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use sluice_harness::{Kafka, Properties, Random, Scratch, Sluice, count, wait_until};

use crate::accounting::{number_of, numbered_line};

const ARRIVED: Duration = Duration::from_secs(180);

/// Renames `app.log` to `app.log.1` and so on, as logrotate does.
fn rotate(folder: &Path, kept: usize) -> Result<()> {
    for number in (1..kept).rev() {
        let from = folder.join(format!("app.log.{number}"));
        if from.exists() {
            fs::rename(&from, folder.join(format!("app.log.{}", number + 1)))?;
        }
    }
    Ok(fs::rename(folder.join("app.log"), folder.join("app.log.1"))?)
}

#[test]
fn rotation_by_rename_and_kills_lose_no_line() -> Result<()> {
    let kafka = Kafka::start()?;
    let scratch = Scratch::new("rotation")?;
    let folder = scratch.path().to_owned();
    let (kills, rounds, lines) = (count(3, 20), count(12, 200), count(4_000, 100_000));
    let properties = Properties::distributed(&kafka, "rotation")
        .with("offset.flush.interval.ms", "200")
        .with("session.timeout.ms", "6000");
    let mut worker = Sluice::distributed(&properties).start()?;
    let config = json!({
        "connector.class": "sluice.FileSource",
        "paths": folder.join("app.log*"),
        "topic": "rotated",
        "tasks.max": 2,
        "rescan.interval.ms": 500,
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    });
    worker.rest().put_connector("in", &config)?.expect(201)?;
    let of_writer = folder;
    // Every file is kept, so that what is read late is still there: what a writer deletes is gone for everybody.
    let writer = thread::spawn(move || -> Result<()> {
        for round in 0..rounds {
            let mut file = OpenOptions::new().create(true).append(true).open(of_writer.join("app.log"))?;
            for part in 0..4 {
                let numbers = (round * 4 + part) * lines / 4..(round * 4 + part + 1) * lines / 4;
                let text: String = numbers.map(|number| numbered_line(number) + "\n").collect();
                file.write_all(text.as_bytes())?;
                thread::park_timeout(Duration::from_millis(40));
            }
            rotate(&of_writer, rounds + 1)?;
        }
        Ok(())
    });
    let mut random = Random::of("rotation");
    for _ in 0..kills {
        thread::park_timeout(Duration::from_millis(random.range(100, 1_200)));
        worker.kill9()?;
        worker.restart()?;
    }
    writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    let total = rounds * lines;
    let mut again = 0;
    wait_until("every line in the topic", ARRIVED, || -> Result<()> {
        let records = kafka.topics().read("rotated")?;
        let mut seen = BTreeSet::new();
        for text in records.iter().map(|record| record.value_text()) {
            let number = number_of(&text).ok_or_else(|| anyhow::anyhow!("a line was cut: {text}"))?;
            seen.insert(number);
        }
        again = records.len() - seen.len();
        ensure!(seen.len() == total, "{} of {total}", seen.len());
        Ok(())
    })?;
    eprintln!("{total} lines in {rounds} files, {kills} kills, {again} lines came again");
    Ok(())
}

/// What a writer truncates before it was read is gone for everybody; everything else arrives whole.
#[test]
fn truncation_loses_only_what_was_not_read() -> Result<()> {
    let kafka = Kafka::start()?;
    let scratch = Scratch::new("truncation")?;
    let path = scratch.path().join("app.log");
    let properties = Properties::distributed(&kafka, "truncation")
        .with("offset.flush.interval.ms", "200")
        .with("session.timeout.ms", "6000");
    let mut worker = Sluice::distributed(&properties).start()?;
    let config = json!({
        "connector.class": "sluice.FileSource",
        "paths": path,
        "topic": "truncated",
        "rescan.interval.ms": 500,
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    });
    worker.rest().put_connector("in", &config)?.expect(201)?;
    let seen = || -> Result<BTreeSet<usize>> {
        let whole = |text: String| number_of(&text).ok_or_else(|| anyhow::anyhow!("a line was cut: {text}"));
        kafka.topics().read("truncated")?.iter().map(|record| whole(record.value_text())).collect()
    };
    let (rounds, lines) = (count(3, 60), count(2_000, 100_000));
    let mut random = Random::of("truncation");
    let (mut written, mut lost) = (0, 0);
    for round in 0..rounds {
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        let text: String = (written..written + lines).map(|number| numbered_line(number) + "\n").collect();
        file.write_all(text.as_bytes())?;
        written += lines;
        if round % 2 == 1 {
            worker.kill9()?;
            worker.restart()?;
        }
        // Every third time nobody waits for the reader.
        if round % 3 == 2 {
            thread::park_timeout(Duration::from_millis(random.range(0, 300)));
        } else {
            wait_until("the lines of this round", ARRIVED, || -> Result<()> {
                let seen = seen()?;
                let missing = (written - lines..written).filter(|number| !seen.contains(number)).count();
                ensure!(missing == 0, "{missing} are missing");
                Ok(())
            })?;
        }
        file.set_len(0)?;
    }
    let all = seen()?;
    for round in 0..rounds {
        let missing = (round * lines..(round + 1) * lines).filter(|number| !all.contains(number)).count();
        ensure!(round % 3 == 2 || missing == 0, "{missing} lines of round {round} were read and are gone");
        lost += missing;
    }
    eprintln!("{written} lines, {rounds} truncations, {lost} lines were truncated away before they were read");
    Ok(())
}
