//! Worker and connector properties: an ordered map and its Java properties text.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, path::Path, process};

use anyhow::{Context, Result};

use crate::kafka::Kafka;

/// Java properties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

impl Properties {
    /// No properties.
    #[must_use]
    pub fn new() -> Self {
        Properties::default()
    }

    /// What a distributed worker needs, with a group id and internal topics of its own (`name` makes them readable), string
    /// converters, and short intervals.
    #[must_use]
    pub fn distributed(kafka: &Kafka, name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let group = format!("{name}-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Properties::both(kafka)
            .with("group.id", &group)
            .with("config.storage.topic", &format!("{group}-configs"))
            .with("offset.storage.topic", &format!("{group}-offsets"))
            .with("status.storage.topic", &format!("{group}-status"))
            .with("config.storage.replication.factor", "1")
            .with("offset.storage.replication.factor", "1")
            .with("status.storage.replication.factor", "1")
            .with("scheduled.rebalance.max.delay.ms", "0")
    }

    /// What a standalone worker needs; offsets go to `offset_file`.
    #[must_use]
    pub fn standalone(kafka: &Kafka, offset_file: &Path) -> Self {
        Properties::both(kafka).with("offset.storage.file.filename", &offset_file.display().to_string())
    }

    fn both(kafka: &Kafka) -> Self {
        Properties::new()
            .with("bootstrap.servers", &kafka.bootstrap())
            .with("key.converter", "org.apache.kafka.connect.storage.StringConverter")
            .with("value.converter", "org.apache.kafka.connect.storage.StringConverter")
            .with("offset.flush.interval.ms", "1000")
            .with("plugin.discovery", "service_load")
    }

    /// Sets a property.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.0.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Sets a property unless it is set.
    #[must_use]
    pub fn or(mut self, key: &str, value: &str) -> Self {
        self.0.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        self
    }

    /// Takes a property away.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    /// A property.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The text of a `.properties` file.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|(key, value)| format!("{}={}\n", escape(key, true), escape(value, false))).collect()
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.text()).with_context(|| format!("writing {}", path.display()))
    }
}

/// Java reads properties files as UTF-8 with escapes; a backslash starts one, and keys end at the first separator.
fn escape(text: &str, key: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, char) in text.chars().enumerate() {
        match char {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' ' if key || at == 0 => out.push_str("\\ "),
            ':' | '=' | '#' | '!' if key => out.extend(['\\', char]),
            _ if !char.is_ascii() => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_java_reads_back() {
        let text = Properties::new().with("a b", " x\\y\u{e9}").with("c", "http://h:1").text();
        assert_eq!(text, "a\\ b=\\ x\\\\y\\u00e9\nc=http://h:1\n");
    }
}
