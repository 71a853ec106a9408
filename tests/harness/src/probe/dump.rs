//! Dumps of a worker's three internal topics, record by record.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Masks;
use crate::kafka::{Kafka, Record, Topics};
use crate::worker::Properties;

/// End offsets of the three topics at one moment.
pub type Marks = Vec<BTreeMap<i32, i64>>;

/// The config, offset and status topic of one worker.
#[derive(Clone, Debug)]
pub struct InternalTopics {
    topics: Topics,
    names: [String; 3],
}

const PROPERTIES: [&str; 3] = ["config.storage.topic", "offset.storage.topic", "status.storage.topic"];
const TITLES: [&str; 3] = ["config", "offset", "status"];

impl InternalTopics {
    /// The topics that a distributed worker's properties name.
    pub fn of(kafka: &Kafka, properties: &Properties) -> Result<Self> {
        let name = |key: &str| properties.get(key).map(str::to_owned).with_context(|| format!("no property {key}"));
        let [config, offset, status] = PROPERTIES;
        Ok(InternalTopics { topics: kafka.topics(), names: [name(config)?, name(offset)?, name(status)?] })
    }

    /// Where the topics end now.
    pub fn marks(&self) -> Result<Marks> {
        self.names.iter().map(|name| self.topics.end_offsets(name)).collect()
    }

    /// Everything since `marks` as compact JSON text, masked, keys and values as text; a tombstone's value is null.
    ///
    /// The config topic's records are in their order. The other topics have several partitions and no order among keys: their
    /// records are by key, in their order for each key, and a record that only repeats the one before it is left out (workers
    /// repeat tombstones and active topics as often as they look).
    pub fn dump(&self, marks: &Marks, masks: &Masks) -> Result<String> {
        let mut topics = Vec::new();
        for ((title, name), starts) in TITLES.iter().zip(&self.names).zip(marks) {
            let mut records: Vec<Entry> =
                self.topics.read_from(name, starts)?.iter().map(|record| Entry::of(record, masks)).collect();
            if *title != "config" {
                records.sort_by(|one, two| one.key.cmp(&two.key));
                records.dedup();
            }
            let lines: Vec<String> = records.iter().map(Entry::text).collect();
            topics.push(format!("\"{title}\":[{}]", lines.join(",")));
        }
        Ok(format!("{{{}}}", topics.join(",")))
    }

    /// How often this key of the status topic got this state since `marks`.
    pub fn entered(&self, marks: &Marks, key: &str, state: &str) -> Result<usize> {
        let [.., status] = &self.names;
        let state = format!("\"state\":\"{state}\"");
        let records = self.topics.read_from(status, marks.last().context("no marks")?)?;
        let told = |record: &&Record| {
            let value = record.value.as_ref().map(|value| String::from_utf8_lossy(value));
            record.key.as_deref() == Some(key.as_bytes()) && value.is_some_and(|value| value.contains(&state))
        };
        Ok(records.iter().filter(told).count())
    }
}

/// One record of a dump.
#[derive(PartialEq)]
struct Entry {
    /// `None` where the partition follows from a masked part of the key and so differs from run to run.
    partition: Option<i32>,
    key: Option<String>,
    value: Option<String>,
}

impl Entry {
    fn of(record: &Record, masks: &Masks) -> Self {
        let text = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let key = text(&record.key);
        let masked = key.as_deref().map(|key| masks.text(key));
        let partition = (key == masked).then_some(record.partition);
        Entry { partition, key: masked, value: text(&record.value).map(|value| unassigned(&masks.text(&value))) }
    }

    fn text(&self) -> String {
        let text = |part: &Option<String>| part.as_deref().map_or(Value::Null, Value::from).to_string();
        let partition = self.partition.map_or_else(|| "\"<hash>\"".to_owned(), |partition| partition.to_string());
        format!("{{\"partition\":{partition},\"key\":{},\"value\":{}}}", text(&self.key), text(&self.value))
    }
}

/// Whether a status UNASSIGNED carries the version depends on the moment.
fn unassigned(value: &str) -> String {
    match value.split_once(",\"version\":") {
        Some((head, _)) if head.starts_with("{\"state\":\"UNASSIGNED\"") => {
            format!("{head},\"version\":\"<or null>\"}}")
        }
        _ => value.to_owned(),
    }
}
