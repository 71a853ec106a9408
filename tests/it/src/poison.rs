//! Records that cannot be processed (Invariant 3): of twelve kinds, through `errors.tolerance` `none` and `all`, with and without
//! a dead letter queue, each record is delivered, in the queue, held by a task that failed, or counted as skipped because the
//! user asked for that. Counted by offset.
//!
//! [`sinks`] and [`sources`] put them to the binary with real converters and transforms; [`inside`] has a sink and a converter of
//! its own, for what no built-in plugin does on demand.

mod inside;
mod sinks;
mod sources;

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use sluice_harness::{Kafka, Record};

/// A record to be produced.
#[derive(Default)]
struct Raw {
    key: Option<Vec<u8>>,
    value: Vec<u8>,
    header: Option<Vec<u8>>,
}

impl Raw {
    fn value(value: impl Into<Vec<u8>>) -> Self {
        Raw { value: value.into(), ..Raw::default() }
    }
}

/// Produces records in order, with the header `h` when there is one.
fn produce(kafka: &Kafka, topic: &str, records: impl IntoIterator<Item = Raw>) -> Result<()> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("enable.idempotence", "true")
        .set("message.max.bytes", "10000000")
        .create()?;
    for raw in records {
        let mut record = BaseRecord::<Vec<u8>, Vec<u8>>::to(topic).payload(&raw.value);
        if let Some(key) = &raw.key {
            record = record.key(key);
        }
        if let Some(value) = &raw.header {
            record = record.headers(OwnedHeaders::new().insert(Header { key: "h", value: Some(value) }));
        }
        producer.send(record).map_err(|(error, _)| error)?;
    }
    Ok(producer.flush(std::time::Duration::from_secs(60))?)
}

/// How a connector deals with bad records.
#[derive(Clone, Copy, Debug)]
struct Mode {
    tolerant: bool,
    queue: bool,
}

const MODES: [Mode; 4] = [
    Mode { tolerant: false, queue: false },
    Mode { tolerant: false, queue: true },
    Mode { tolerant: true, queue: false },
    Mode { tolerant: true, queue: true },
];

impl Mode {
    fn name(self) -> String {
        let tolerance = if self.tolerant { "all" } else { "none" };
        format!("{tolerance}-{}", if self.queue { "queue" } else { "bare" })
    }
}

/// What became of the records `0..total`.
struct Outcome {
    total: usize,
    poison: BTreeSet<usize>,
    delivered: BTreeSet<usize>,
    letters: BTreeSet<usize>,
    skipped: usize,
    committed: usize,
}

impl Outcome {
    /// All is done: what is good is delivered and nothing else, what is bad is in the queue or was skipped on demand.
    fn is_complete(&self, queue: bool) -> Result<()> {
        let good: BTreeSet<usize> = (0..self.total).filter(|number| !self.poison.contains(number)).collect();
        ensure!(self.committed == self.total, "committed {} of {}", self.committed, self.total);
        ensure!(self.delivered == good, "delivered {:?}, good are {good:?}", self.delivered);
        let expected = if queue { self.poison.clone() } else { BTreeSet::new() };
        ensure!(self.letters == expected, "letters {:?}, bad are {:?}", self.letters, self.poison);
        ensure!(self.skipped == self.poison.len(), "{} skipped, {} are bad", self.skipped, self.poison.len());
        let accounted = self.delivered.len() + if queue { self.letters.len() } else { self.skipped };
        ensure!(accounted == self.total, "{accounted} of {} accounted for", self.total);
        Ok(())
    }

    /// The task failed at the first bad record: nothing past it is delivered, nothing from it on is committed, and what is
    /// committed is delivered.
    fn stopped_at_the_first(&self, queue: bool) -> Result<()> {
        let first = *self.poison.first().expect("some records are bad");
        ensure!(self.delivered.iter().all(|number| *number < first), "delivered {:?}, bad {first}", self.delivered);
        ensure!(self.committed <= first, "committed {}, past the bad record {first}", self.committed);
        let held = self.committed..self.total;
        let lost = (0..self.total).find(|number| !self.delivered.contains(number) && !held.contains(number));
        ensure!(lost.is_none(), "record {lost:?} is neither delivered nor held by the failed task");
        ensure!(self.skipped == 0, "{} were skipped without being tolerated", self.skipped);
        let expected = if queue { BTreeSet::from([first]) } else { BTreeSet::new() };
        ensure!(self.letters == expected, "letters {:?}, expected {expected:?}", self.letters);
        Ok(())
    }
}

/// The offsets that the context headers of letters name.
fn letter_offsets(letters: &[Record]) -> BTreeSet<usize> {
    let offset = |letter: &Record| {
        let (_, value) = letter.headers.iter().find(|(name, _)| name == "__connect.errors.offset")?;
        std::str::from_utf8(value.as_deref()?).ok()?.parse().ok()
    };
    letters.iter().filter_map(offset).collect()
}

/// The letters in a queue; none before the queue exists.
fn letters(kafka: &Kafka, topic: &str) -> Result<Vec<Record>> {
    match kafka.topics().names()?.iter().any(|name| name == topic) {
        true => kafka.topics().read(topic),
        false => Ok(Vec::new()),
    }
}

/// The next offset that the connector has committed for the only partition of a topic.
fn committed(kafka: &Kafka, connector: &str, topic: &str) -> Result<usize> {
    let offsets = kafka.topics().group_offsets(&format!("connect-{connector}"), topic)?;
    Ok(usize::try_from(offsets.get(&0).copied().unwrap_or(0))?)
}

/// A counter of a connector's first task; 0 when there is none.
pub(crate) fn counter(metrics: &str, name: &str, connector: &str) -> usize {
    let line = metrics.lines().find(|line| {
        line.starts_with(&format!("kafka_connect_task_error_metrics_{name}{{"))
            && line.contains(&format!("connector=\"{connector}\""))
    });
    line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or(0.0) as usize
}
