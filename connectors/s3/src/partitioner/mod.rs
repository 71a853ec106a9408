//! Which folder a record belongs to: the `encodedPartition` of Confluent's names (connectors.md 1a).
//!
//! Called by the sink for every record; a pure function of the record, except with the `Wallclock` extractor.

mod fields;
mod pattern;
mod time;
mod timestamps;

use std::fmt::Write;

use sluice_api::{ConnectError, Result, SinkRecord};

use crate::sink::NameTemplate;

pub(crate) use fields::find;
pub(crate) use pattern::Pattern;
pub(crate) use time::{DAY_MS, HOUR_MS, TimeFolders};
pub(crate) use timestamps::Extractor;

/// Where the schema's name stands in the folder (`s3.schema.partition.affix.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Affix {
    None,
    Prefix,
    Suffix,
}

/// Makes folder names.
#[derive(Debug)]
pub(crate) struct Partitioner {
    pub(crate) kind: Kind,
    pub(crate) affix: Affix,
    /// Between the segments.
    pub(crate) delimiter: String,
}

/// The five partitioners; daily and hourly are time-based ones with a fixed pattern.
#[derive(Debug)]
pub(crate) enum Kind {
    /// `partition=<n>`.
    Default,
    /// `<field>=<value>` for each of these.
    Fields(Vec<String>),
    /// A date pattern.
    Time(TimeFolders),
    /// Aiven's names: the group of records that have an object in common.
    Template(NameTemplate),
}

impl Partitioner {
    /// The folder of `record` into `out`, which is emptied first.
    ///
    /// # Errors
    /// `Data` when the record lacks what the folder is made of.
    pub(crate) fn encode(&mut self, record: &SinkRecord, now_ms: i64, out: &mut String) -> Result<()> {
        out.clear();
        if self.affix == Affix::Prefix {
            self.schema_name(record, out);
            out.push_str(&self.delimiter);
        }
        match &mut self.kind {
            Kind::Default => written(write!(out, "partition={}", record.partition)),
            Kind::Fields(names) => fields::encode(names, &self.delimiter, record, out)?,
            Kind::Template(template) => template.group(record, now_ms, out)?,
            Kind::Time(folders) => {
                let timestamp_ms = folders.extractor.timestamp_ms(record, now_ms)?;
                folders.encode(timestamp_ms, out);
            }
        }
        if self.affix == Affix::Suffix {
            out.push_str(&self.delimiter);
            self.schema_name(record, out);
        }
        Ok(())
    }

    /// The time that `rotate.interval.ms` goes by; `None` when the partitioner is not time-based.
    ///
    /// # Errors
    /// `Data` when the record has no time.
    pub(crate) fn timestamp_ms(&self, record: &SinkRecord, now_ms: i64) -> Result<Option<i64>> {
        match &self.kind {
            Kind::Time(folders) => folders.extractor.timestamp_ms(record, now_ms).map(Some),
            Kind::Default | Kind::Fields(_) | Kind::Template(_) => Ok(None),
        }
    }

    /// Whether all records of a topic partition have one folder.
    pub(crate) fn is_constant(&self) -> bool {
        match &self.kind {
            Kind::Default => self.affix == Affix::None,
            Kind::Template(template) => template.is_constant(),
            Kind::Fields(_) | Kind::Time(_) => false,
        }
    }

    /// Whether a replay of the same records gives the same folders.
    pub(crate) fn is_deterministic(&self) -> bool {
        match &self.kind {
            Kind::Time(folders) => folders.extractor != Extractor::Wallclock,
            Kind::Template(template) => template.is_deterministic(),
            Kind::Default | Kind::Fields(_) => true,
        }
    }

    fn schema_name(&self, record: &SinkRecord, out: &mut String) {
        let name = record.value_schema.as_ref().and_then(|schema| schema.name()).unwrap_or("null");
        written(write!(out, "schema_name={name}"));
    }
}

fn written(result: std::fmt::Result) {
    result.expect("text always takes more text");
}

/// An error about one record, which names its place.
pub(crate) fn record_error(record: &SinkRecord, problem: &str) -> ConnectError {
    let (topic, partition, offset) = (record.original_topic(), record.original_partition(), record.offset);
    ConnectError::data(format!("the record at offset {offset} of {topic}-{partition} {problem}"))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
