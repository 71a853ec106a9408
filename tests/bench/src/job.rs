//! The file jobs, source and sink: the same connector JSON to each worker, measured from its creation until the last record was seen to arrive.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sluice_harness::{Call, Kafka, Rest, SchemaRegistry, Scratch, Seen, Setup, Topics, Worker, wait_until};

use crate::corpus::{Corpus, Digest, texts};
use crate::engines::{Engines, Subject};
use crate::pipeline::{Pipeline, Registered, SINK_SCHEMA, merged};
use crate::plan::{Plan, Row};
use crate::progress::say;
use crate::report::{Figures, Measure};

/// The batches of a Java producer with its default settings: what a sink usually finds.
const BATCH_BYTES: &str = "16384";
/// How often a job that runs is asked whether it failed.
const LOOK_FOR_FAILURE: Duration = Duration::from_secs(3);

/// The jobs and the records that they move.
pub(crate) struct Jobs {
    topics: Topics,
    scratch: Scratch,
    corpus: Corpus,
    line_bytes: u32,
    deadline: Duration,
    registry: Option<(SchemaRegistry, Registered)>,
    /// What a sink's file is to have, for each pipeline whose topic was filled.
    filled: Vec<(Pipeline, Written)>,
}

/// What a sink's file is to have.
#[derive(Clone, Copy)]
struct Written {
    digest: Digest,
    bytes: u64,
}

impl Jobs {
    /// Writes the file with the lines, if a file job is planned, and starts the registry that its rows need.
    pub(crate) fn new(kafka: &Kafka, plan: &Plan) -> Result<Self> {
        let scratch = Scratch::new("bench")?;
        let pipelines: Vec<Pipeline> = plan.rows.iter().filter_map(|row| row.pipeline()).collect();
        let lines = if pipelines.is_empty() { 0 } else { plan.records };
        say(&format!("writing {lines} lines of {} bytes", plan.line_bytes));
        Ok(Jobs {
            topics: kafka.topics(),
            corpus: Corpus::write(scratch.join("lines"), lines, plan.line_bytes)?,
            scratch,
            line_bytes: plan.line_bytes,
            deadline: Duration::from_secs(120 + plan.records / 5_000),
            registry: if pipelines.contains(&Pipeline::Avro) { Some(registry()?) } else { None },
            filled: Vec::new(),
        })
    }

    /// FileStreamSource of the whole file into a new topic.
    pub(crate) fn source(&self, engines: &Engines<'_>, row: Row, subject: Subject, run: u32) -> Result<Figures> {
        let pipeline = row.pipeline().context("the row has no pipeline")?;
        let name = format!("bench-source-{}-{}-{run}", pipeline.slug(), subject.slug());
        self.topics.create(&name, 1, &[])?;
        let config = merged(
            json!({
                "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
                "tasks.max": "1", "file": self.corpus.path.display().to_string(), "topic": name,
            }),
            &pipeline.of_source(subject, self.registered())?,
        );
        let watch = self.topics.watch_end(&name)?;
        let wanted = i64::try_from(self.corpus.digest.lines)?;
        let worker = engines.worker(subject, pipeline)?;
        let figures = self.measure(worker, &name, &config, || match watch.end()? {
            end if end >= wanted => Ok(None),
            end => Ok(Some(format!("{end} of {wanted} records"))),
        })?;
        let (mut arrived, mut line, mut wrong) = (Digest::default(), Vec::new(), None);
        self.topics.visit(&name, |value| match pipeline.line_of(value, &mut line) {
            Ok(()) => arrived.add(&line),
            Err(error) => wrong = Some(error),
        })?;
        wrong.map_or(Ok(()), Err)?;
        self.corpus.digest.check(arrived)?;
        self.topics.delete(&name)?;
        Ok(figures)
    }

    /// FileStreamSink of all records into a new file.
    pub(crate) fn sink(&mut self, engines: &Engines<'_>, row: Row, subject: Subject, run: u32) -> Result<Figures> {
        let pipeline = row.pipeline().context("the row has no pipeline")?;
        let written = self.fill_sink_topic(pipeline)?;
        let name = format!("bench-sink-{}-{}-{run}", pipeline.slug(), subject.slug());
        let file = self.scratch.join(&name);
        let config = merged(
            json!({
                "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
                "tasks.max": "1", "file": file.display().to_string(), "topics": sink_topic(pipeline),
            }),
            &pipeline.of_sink(subject, self.registered())?,
        );
        let wanted = written.bytes;
        let worker = engines.worker(subject, pipeline)?;
        let figures = self.measure(worker, &name, &config, || match fs::metadata(&file) {
            Ok(found) if found.len() >= wanted => Ok(None),
            Ok(found) => Ok(Some(format!("{} of {wanted} bytes", found.len()))),
            Err(_) => Ok(Some("no file".to_owned())),
        })?;
        written.digest.check(Digest::of_file(&file)?)?;
        fs::remove_file(&file).context("removing the file of a sink")?;
        Ok(figures)
    }

    fn registered(&self) -> Option<&Registered> {
        self.registry.as_ref().map(|(_, registered)| registered)
    }

    /// Fills the topic once, and says what comes out of it.
    fn fill_sink_topic(&mut self, pipeline: Pipeline) -> Result<Written> {
        if let Some((_, written)) = self.filled.iter().find(|(filled, _)| *filled == pipeline) {
            return Ok(*written);
        }
        say("producing the records for the sink");
        let topic = sink_topic(pipeline);
        self.topics.create(&topic, 1, &[])?;
        let mut written = Written { digest: Digest::default(), bytes: 0 };
        let mut wrong = None;
        let records = (0..).zip(texts(self.corpus.digest.lines, self.line_bytes)).map(|(id, line)| {
            let out = pipeline.written(id, &line);
            written.digest.add(&out);
            written.bytes += out.len() as u64 + 1;
            pipeline.record(id, &line, self.registered()).unwrap_or_else(|error| {
                wrong = Some(error);
                Vec::new()
            })
        });
        self.topics.clone().producing_with("batch.size", BATCH_BYTES).produce(&topic, records)?;
        wrong.map_or(Ok(()), Err)?;
        self.filled.push((pipeline, written));
        Ok(written)
    }

    /// Runs one connector on a fresh worker. `missing` says what has not arrived yet.
    fn measure(
        &self,
        worker: Setup,
        name: &str,
        config: &Value,
        missing: impl Fn() -> Result<Option<String>>,
    ) -> Result<Figures> {
        let worker = worker.start()?;
        quiet_disk()?;
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

/// The topic from which every sink run of a pipeline reads.
fn sink_topic(pipeline: Pipeline) -> String {
    format!("bench-{}", pipeline.slug())
}

/// A registry that knows the schema of the sink's records.
fn registry() -> Result<(SchemaRegistry, Registered)> {
    say("starting a schema registry");
    let registry = SchemaRegistry::start()?;
    let body = json!({"schema": SINK_SCHEMA}).to_string();
    let path = SchemaRegistry::path(&format!("/subjects/{}-value/versions", sink_topic(Pipeline::Avro)));
    let answer = registry.rest().send(&Call::new("POST", &path).json(&body))?.expect(200)?;
    let id = serde_json::from_str::<Value>(&answer.body)?["id"].as_u64().context("an answer without an id")?;
    let registered = Registered { url: registry.url(), own_url: registry.own_url(), schema_id: u32::try_from(id)? };
    Ok((registry, registered))
}

fn still_running(rest: &Rest, name: &str) -> Result<()> {
    let status = rest.status(name)?;
    if status.to_string().contains("\"FAILED\"") { bail!("it failed: {status}") } else { Ok(()) }
}

/// Writes what earlier runs have left in memory to the disk: the kernel would do it during the next run, on the same cores.
fn quiet_disk() -> Result<()> {
    let synced = Command::new("sync").status().context("running `sync`")?;
    ensure!(synced.success(), "`sync` ended with {synced}");
    Ok(())
}
