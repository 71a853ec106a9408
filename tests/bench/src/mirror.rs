//! MirrorSource from a broker of its own to the bench's: the same connector JSON to a worker of each engine, which lives on the target.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Seen, Worker, wait_until};

use crate::corpus::{Digest, texts};
use crate::engines::{Engines, Subject};
use crate::pipeline::Pipeline;
use crate::plan::{Plan, Row};
use crate::progress::say;
use crate::report::{Figures, Measure};

const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

/// What a mirror row copies.
#[derive(Clone, Copy, Debug)]
struct Load {
    topic: &'static str,
    line_bytes: u32,
    batch_bytes: &'static str,
    /// So many of the plan's records, to keep the rows alike in bytes.
    share: u64,
}

impl Load {
    fn of(row: Row) -> Result<Self> {
        let (topic, line_bytes, batch_bytes, share) = match row {
            Row::MirrorLargeBatches => ("mirror-1mb", 100, "1000000", 1),
            Row::MirrorSmallBatches => ("mirror-16kb", 100, "16384", 2),
            Row::MirrorLongRecords => ("mirror-1000", 1_000, "1000000", 4),
            _ => bail!("{row:?} is no mirror row"),
        };
        Ok(Load { topic, line_bytes, batch_bytes, share })
    }
}

/// The source, once a mirror row needs it.
pub(crate) struct Mirrors<'a> {
    target: &'a Kafka,
    source: Option<Kafka>,
    filled: Vec<(&'static str, Digest)>,
    records: u64,
}

impl<'a> Mirrors<'a> {
    pub(crate) fn new(target: &'a Kafka, plan: &Plan) -> Self {
        Mirrors { target, source: None, filled: Vec::new(), records: plan.records }
    }

    /// From the creation of the connector until the target's log has every record.
    pub(crate) fn measure(&mut self, engines: &Engines<'_>, row: Row, subject: Subject, run: u32) -> Result<Figures> {
        let load = Load::of(row)?;
        let expected = self.fill(load)?;
        let source = self.source.as_ref().context("the source broker")?;
        let alias = format!("{}{run}", subject.slug());
        let remote = format!("{alias}.{}", load.topic);
        self.target.topics().create(&remote, 1, &[])?;
        let watch = self.target.topics().watch_end(&remote)?;
        let worker = engines.worker(subject, Pipeline::Plain)?.start()?;
        let before = worker.usage()?;
        let began = Instant::now();
        let name = format!("mirror-{}-{alias}", load.topic);
        worker.rest().put_connector(&name, &self.config(source, &alias, load))?;
        let wanted = i64::try_from(expected.lines)?;
        wait_arrived(&worker, &name, Duration::from_secs(180 + expected.lines / 5_000), || match watch.end()? {
            end if end >= wanted => Ok(None),
            end => Ok(Some(format!("{end} of {wanted} records"))),
        })?;
        let seconds = began.elapsed().as_secs_f64();
        let after = worker.usage()?;
        let mut arrived = Digest::default();
        self.target.topics().visit(&remote, |value| arrived.add(value))?;
        expected.check(arrived)?;
        self.target.topics().delete(&remote)?;
        let (records, cpu_seconds) = (expected.lines as f64, after.cpu_seconds - before.cpu_seconds);
        let megabytes = records * f64::from(load.line_bytes) / 1e6;
        say(&format!(
            "{records} records in {seconds:.2} s ({:.0} MB/s), {cpu_seconds:.2} CPU s, {} MB",
            megabytes / seconds,
            after.peak_rss_bytes / 1_000_000
        ));
        Ok(vec![
            (Measure::RecordsPerSecond, records / seconds),
            (Measure::MegabytesPerSecond, megabytes / seconds),
            (Measure::CpuSecondsPerMillion, cpu_seconds * 1e6 / records),
            (Measure::PeakRssBytes, after.peak_rss_bytes as f64),
        ])
    }

    fn config(&self, source: &Kafka, alias: &str, load: Load) -> Value {
        json!({
            "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
            "tasks.max": "1",
            "topics": load.topic,
            "source.cluster.alias": alias,
            "target.cluster.alias": "target",
            "source.cluster.bootstrap.servers": source.bootstrap(),
            "target.cluster.bootstrap.servers": self.target.bootstrap(),
            "replication.factor": "1",
            "offset-syncs.topic.replication.factor": "1",
            "sync.topic.acls.enabled": "false",
            "key.converter": BYTES,
            "value.converter": BYTES,
            "header.converter": BYTES,
        })
    }

    /// Fills the topic once, and says what is in it.
    fn fill(&mut self, load: Load) -> Result<Digest> {
        if let Some((_, digest)) = self.filled.iter().find(|(topic, _)| *topic == load.topic) {
            return Ok(*digest);
        }
        if self.source.is_none() {
            say("starting a broker to mirror from");
            self.source = Some(Kafka::start()?);
        }
        let source = self.source.as_ref().context("the source broker")?;
        say(&format!("producing the records of {}", load.topic));
        source.topics().create(load.topic, 1, &[])?;
        let mut digest = Digest::default();
        let lines = texts((self.records / load.share).max(1), load.line_bytes).inspect(|line| digest.add(line));
        let topics = source.topics().producing_with("batch.size", load.batch_bytes);
        topics
            .producing_with("batch.num.messages", "100000")
            .producing_with("linger.ms", "50")
            .produce(load.topic, lines)?;
        self.filled.push((load.topic, digest));
        Ok(digest)
    }
}

fn wait_arrived(
    worker: &Worker,
    name: &str,
    deadline: Duration,
    missing: impl Fn() -> Result<Option<String>>,
) -> Result<()> {
    wait_until(&format!("all records of {name}"), deadline, || {
        let state = match missing() {
            Ok(None) => return Seen::Met(Ok(())),
            Ok(Some(state)) => state,
            Err(error) => format!("{error:#}"),
        };
        match worker.rest().status(name) {
            Ok(status) if status["tasks"][0]["state"] == "FAILED" => {
                Seen::Met(Err(anyhow::anyhow!("after {state}: {status}")))
            }
            _ => Seen::NotYet(state),
        }
    })?
}
