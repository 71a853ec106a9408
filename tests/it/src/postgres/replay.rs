//! Replaying a topic of changes gives the table.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;
use sluice_harness::{Kafka, Record};

use super::payload;

/// The rows of a table as its topic tells: key column `id` to the whole row.
pub(super) fn replay(kafka: &Kafka, topic: &str) -> Result<BTreeMap<i64, Value>> {
    let mut rows = BTreeMap::new();
    for record in kafka.topics().read(topic)? {
        let event = payload(&record)?;
        match event["op"].as_str() {
            Some("r" | "c" | "u") => {
                let row = event["after"].clone();
                rows.insert(row["id"].as_i64().context("an id")?, row);
            }
            Some("d") => {
                rows.remove(&event["before"]["id"].as_i64().context("an id")?);
            }
            _ => {}
        }
    }
    Ok(rows)
}

/// How often every change of `records` is there: 1 when nothing came twice.
pub(super) fn duplicates(records: &[Record]) -> Result<usize> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for record in records.iter().filter(|record| record.value.is_some()) {
        let event = payload(record)?;
        let change = format!("{} {} {} {}", event["source"]["lsn"], event["op"], event["before"], event["after"]);
        *seen.entry(change).or_default() += 1;
    }
    Ok(seen.values().filter(|count| **count > 1).count())
}
