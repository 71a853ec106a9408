//! The two file jobs: the same connector JSON to each worker, measured from its creation until the last record was seen to arrive.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Rest, Scratch, Seen, Topics, Worker, wait_until};

use crate::corpus::{Corpus, Digest, texts};
use crate::engines::{Engines, Subject};
use crate::plan::{Plan, Row};
use crate::progress::say;
use crate::report::{Figures, Measure};

/// The topic from which every sink run reads.
const SINK_TOPIC: &str = "bench-lines";
/// The batches of a Java producer with its default settings: what a sink usually finds.
const BATCH_BYTES: &str = "16384";
/// How often a job that runs is asked whether it failed.
const LOOK_FOR_FAILURE: Duration = Duration::from_secs(3);

/// The jobs and the records that they move.
pub(crate) struct Jobs {
    topics: Topics,
    scratch: Scratch,
    corpus: Corpus,
    sink_topic_filled: bool,
    line_bytes: u32,
    deadline: Duration,
}

impl Jobs {
    /// Writes the file with the lines, if a file job is planned.
    pub(crate) fn new(kafka: &Kafka, plan: &Plan) -> Result<Self> {
        let scratch = Scratch::new("bench")?;
        let needed = plan.rows.iter().any(|row| matches!(row, Row::Source | Row::Sink));
        let lines = if needed { plan.records } else { 0 };
        say(&format!("writing {lines} lines of {} bytes", plan.line_bytes));
        Ok(Jobs {
            topics: kafka.topics(),
            corpus: Corpus::write(scratch.join("lines"), lines, plan.line_bytes)?,
            scratch,
            sink_topic_filled: false,
            line_bytes: plan.line_bytes,
            deadline: Duration::from_secs(120 + plan.records / 5_000),
        })
    }

    /// FileStreamSource of the whole file into a new topic.
    pub(crate) fn source(&self, engines: &Engines<'_>, subject: Subject, run: u32) -> Result<Figures> {
        let name = format!("bench-source-{}-{run}", subject.slug());
        self.topics.create(&name, 1, &[])?;
        let config = json!({
            "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
            "tasks.max": "1", "file": self.corpus.path.display().to_string(), "topic": name,
        });
        let watch = self.topics.watch_end(&name)?;
        let wanted = i64::try_from(self.corpus.digest.lines)?;
        let figures = self.measure(engines, subject, &name, &config, || match watch.end()? {
            end if end >= wanted => Ok(None),
            end => Ok(Some(format!("{end} of {wanted} records"))),
        })?;
        let mut arrived = Digest::default();
        self.topics.visit(&name, |value| arrived.add(value))?;
        self.corpus.digest.check(arrived)?;
        self.topics.delete(&name)?;
        Ok(figures)
    }

    /// FileStreamSink of all records into a new file.
    pub(crate) fn sink(&mut self, engines: &Engines<'_>, subject: Subject, run: u32) -> Result<Figures> {
        self.fill_sink_topic()?;
        let name = format!("bench-sink-{}-{run}", subject.slug());
        let file = self.scratch.join(&name);
        let config = json!({
            "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
            "tasks.max": "1", "file": file.display().to_string(), "topics": SINK_TOPIC,
        });
        let wanted = self.corpus.bytes;
        let figures = self.measure(engines, subject, &name, &config, || match fs::metadata(&file) {
            Ok(found) if found.len() >= wanted => Ok(None),
            Ok(found) => Ok(Some(format!("{} of {wanted} bytes", found.len()))),
            Err(_) => Ok(Some("no file".to_owned())),
        })?;
        self.corpus.digest.check(Digest::of_file(&file)?)?;
        fs::remove_file(&file).context("removing the file of a sink")?;
        Ok(figures)
    }

    fn fill_sink_topic(&mut self) -> Result<()> {
        if self.sink_topic_filled {
            return Ok(());
        }
        say("producing the records for the sink");
        self.topics.create(SINK_TOPIC, 1, &[])?;
        let producing = self.topics.clone().producing_with("batch.size", BATCH_BYTES);
        producing.produce(SINK_TOPIC, texts(self.corpus.digest.lines, self.line_bytes))?;
        self.sink_topic_filled = true;
        Ok(())
    }

    /// Runs one connector on a fresh worker. `missing` says what has not arrived yet.
    fn measure(
        &self,
        engines: &Engines<'_>,
        subject: Subject,
        name: &str,
        config: &Value,
        missing: impl Fn() -> Result<Option<String>>,
    ) -> Result<Figures> {
        let worker = engines.worker(subject)?.start()?;
        let before = worker.usage()?;
        let began = Instant::now();
        worker.rest().put_connector(name, config)?;
        self.wait_arrived(&worker, name, missing)?;
        let seconds = began.elapsed().as_secs_f64();
        let after = worker.usage()?;
        let (records, cpu_seconds) = (self.corpus.digest.lines as f64, after.cpu_seconds - before.cpu_seconds);
        say(&format!(
            "{} records in {seconds:.2} s, {cpu_seconds:.2} CPU s, {} MB",
            self.corpus.digest.lines,
            after.peak_rss_bytes / 1_000_000
        ));
        Ok(vec![
            (Measure::RecordsPerSecond, records / seconds),
            (Measure::CpuSecondsPerMillion, cpu_seconds * 1e6 / records),
            (Measure::PeakRssBytes, after.peak_rss_bytes as f64),
        ])
    }

    fn wait_arrived(&self, worker: &Worker, name: &str, missing: impl Fn() -> Result<Option<String>>) -> Result<()> {
        let mut looked = Instant::now();
        wait_until(&format!("all records of {name}"), self.deadline, || {
            let state = match missing() {
                Ok(None) => return Seen::Met(Ok(())),
                Ok(Some(state)) => state,
                Err(error) => format!("{error:#}"),
            };
            if looked.elapsed() > LOOK_FOR_FAILURE {
                looked = Instant::now();
                if let Err(error) = still_running(worker.rest(), name) {
                    return Seen::Met(Err(error.context(format!("after {state}"))));
                }
            }
            Seen::NotYet(state)
        })?
    }
}

fn still_running(rest: &Rest, name: &str) -> Result<()> {
    let status = rest.status(name)?;
    if status.to_string().contains("\"FAILED\"") { bail!("it failed: {status}") } else { Ok(()) }
}
