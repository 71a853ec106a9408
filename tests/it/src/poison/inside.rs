//! A worker in this process with a sink and a converter that misbehave on demand: what `put` refuses, what is reported through the
//! errant record reporter, and a converter's error that may pass but outlives `errors.retry.timeout`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use sluice_api::config::ConfigDef;
use sluice_api::connector::{Connector, ConnectorContext, ConnectorKind, TaskFactory, TaskHandle};
use sluice_api::data::{Schema, SchemaAndValue};
use sluice_api::{
    ConnectError, ConnectorPlugin, Converter, ConverterPlugin, ConverterUse, HeaderConverter, Properties, SinkRecord,
    SinkTask, SinkTaskContext, Value,
};
use sluice_harness::{Kafka, wait_until};
use sluice_plugins::RegistryBuilder;
use sluice_storage::offset::MemoryOffsetBackingStore;
use sluice_storage::status::MemoryStatusBackingStore;
use sluice_storage::{ConnectorTaskId, State, StatusBackingStore, TargetState};
use sluice_worker::config::StandaloneConfig;
use sluice_worker::{Metrics, StatusReporter, Worker, WorkerOptions};
use tokio::runtime::Runtime;

use super::{MODES, Mode, Outcome, committed, counter, letter_offsets, letters};

const DEADLINE: Duration = Duration::from_secs(90);
const TOTAL: usize = 40;
const SINK: &str = "test.PickySinkConnector";
const CONVERTER: &str = "test.FlakyConverter";
type Delivered = Arc<Mutex<BTreeSet<usize>>>;

/// Takes texts that begin with `good`, reports those that begin with `report` and refuses those that begin with `reject`.
struct Picky(Delivered);

struct PickyTask {
    delivered: Delivered,
    context: Option<SinkTaskContext>,
}

struct Idle;

#[async_trait(?Send)]
impl Connector for Idle {
    async fn start(&mut self, _: ConnectorContext, _: &Properties) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn task_configs(&mut self, _: usize) -> Result<Vec<Properties>, ConnectError> {
        Ok(vec![Properties::new()])
    }
}

impl ConnectorPlugin for Picky {
    fn class(&self) -> &'static str {
        SINK
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Sink
    }

    fn version(&self) -> &str {
        "1"
    }

    fn config_def(&self) -> ConfigDef {
        ConfigDef::new()
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(Idle)
    }

    fn task(&self) -> TaskFactory {
        let delivered = self.0.clone();
        Box::new(move || TaskHandle::Sink(Box::new(PickyTask { delivered, context: None })))
    }
}

#[async_trait(?Send)]
impl SinkTask for PickyTask {
    async fn start(&mut self, context: SinkTaskContext, _: &Properties) -> Result<(), ConnectError> {
        self.context = Some(context);
        Ok(())
    }

    async fn put(&mut self, records: &[SinkRecord]) -> Result<(), ConnectError> {
        for record in records {
            let text = record.value.to_string();
            if text.starts_with("reject") {
                return Err(ConnectError::connect(format!("offset {} is not for me", record.offset)));
            }
            if text.starts_with("report") {
                let reporter = self.context.as_ref().and_then(|context| context.errant_records.clone());
                let unwanted = || ConnectError::data("not wanted");
                match reporter {
                    Some(reporter) => reporter.report(record, unwanted())?,
                    None => return Err(unwanted()),
                }
                continue;
            }
            let number = usize::try_from(record.offset).expect("offsets are not negative");
            self.delivered.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
        }
        Ok(())
    }
}

/// Text in, text out; a text that begins with `flaky` fails in a way that may pass, and never does.
struct Flaky;

impl ConverterPlugin for Flaky {
    fn class(&self) -> &'static str {
        CONVERTER
    }

    fn config_def(&self) -> ConfigDef {
        ConfigDef::new()
    }

    fn converter(&self, _: &Properties, _: ConverterUse) -> Result<Option<Box<dyn Converter>>, ConnectError> {
        Ok(Some(Box::new(Flaky)))
    }

    fn header_converter(&self, _: &Properties) -> Result<Option<Box<dyn HeaderConverter>>, ConnectError> {
        Ok(None)
    }
}

impl Converter for Flaky {
    fn from_connect_data(&mut self, _: &str, _: Option<&Schema>, value: &Value) -> Result<Option<Bytes>, ConnectError> {
        Ok(Some(value.to_string().into_bytes().into()))
    }

    fn to_connect_data(&mut self, _: &str, data: Option<&Bytes>) -> Result<SchemaAndValue, ConnectError> {
        let text = std::str::from_utf8(data.map_or(&[], |data| &data[..])).unwrap_or_default();
        if text.starts_with("flaky") {
            return Err(ConnectError::retriable("nobody answers at the moment"));
        }
        Ok(SchemaAndValue::new(Schema::STRING, text))
    }
}

struct Rig {
    kafka: &'static Kafka,
    worker: Arc<Worker>,
    statuses: Arc<MemoryStatusBackingStore>,
    delivered: Delivered,
    topic: String,
}

impl Rig {
    /// Must be called within a runtime.
    fn open(topic: &str, bad: &str) -> Result<Self> {
        let kafka = Kafka::shared()?;
        kafka.topics().create(topic, 1, &[])?;
        let word = |number| if is_poison(number) { bad } else { "good" };
        kafka.topics().produce(topic, (0..TOTAL).map(|number| format!("{} {number}", word(number))))?;
        let delivered = Delivered::default();
        let mut registry =
            RegistryBuilder::new().connector(Box::new(Picky(delivered.clone()))).converter(Box::new(Flaky));
        for plugin in sluice_converters::plugins() {
            registry = registry.converter(plugin);
        }
        let properties = properties(&[
            ("bootstrap.servers", &kafka.bootstrap()),
            ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
            ("value.converter", CONVERTER),
            ("offset.storage.file.filename", "unused"),
            ("offset.flush.interval.ms", "200"),
        ]);
        let config = StandaloneConfig::parse(&properties)
            .map_err(|problems| anyhow::anyhow!("the worker's properties are wrong: {problems:?}"))?;
        let statuses = Arc::new(MemoryStatusBackingStore::new());
        let (worker, _) = Worker::new(WorkerOptions {
            worker_id: "here:1".to_owned(),
            config: config.worker,
            registry: Arc::new(registry.build()?),
            offsets: Arc::new(MemoryOffsetBackingStore::new()),
            statuses: Arc::new(StatusReporter::new(statuses.clone(), "here:1")),
            metrics: Arc::new(Metrics::new()),
            group_id: None,
            tenure: sluice_kafka::Tenure::forever(),
        });
        Ok(Rig { kafka, worker, statuses, delivered, topic: topic.to_owned() })
    }

    /// Starts a task of a connector for `mode`; what earlier ones delivered is forgotten.
    fn start(&self, mode: Mode, more: &[(&str, &str)]) -> Result<ConnectorTaskId> {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let id = ConnectorTaskId { connector: format!("{}-{}", self.topic, mode.name()), task: 0 };
        let queue = self.queue(mode);
        let mut config = properties(&[
            ("name", &id.connector),
            ("connector.class", SINK),
            ("topics", &self.topic),
            ("errors.tolerance", if mode.tolerant { "all" } else { "none" }),
            ("errors.log.enable", "true"),
        ]);
        if mode.queue {
            config.extend(properties(&[
                ("errors.deadletterqueue.topic.name", &queue),
                ("errors.deadletterqueue.topic.replication.factor", "1"),
                ("errors.deadletterqueue.context.headers.enable", "true"),
            ]));
        }
        config.extend(properties(more));
        let started = self.worker.start_task(id.clone(), &config, &Properties::new(), TargetState::Started);
        ensure!(started, "the task did not start: {:?}", self.statuses.task(&id));
        Ok(id)
    }

    fn outcome(&self, id: &ConnectorTaskId, mode: Mode) -> Result<Outcome> {
        Ok(Outcome {
            total: TOTAL,
            poison: (0..TOTAL).filter(|number| is_poison(*number)).collect(),
            delivered: self.delivered.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            letters: letter_offsets(&letters(self.kafka, &self.queue(mode))?),
            skipped: counter(&self.worker.metrics().render(), "total_records_skipped", &id.connector),
            committed: committed(self.kafka, &id.connector, &self.topic)?,
        })
    }

    fn failed(&self, id: &ConnectorTaskId) -> Result<String> {
        wait_until("the task to fail", DEADLINE, || {
            let status = self.statuses.task(id).context("a status")?;
            ensure!(status.state == State::Failed, "{:?}", status.state);
            status.trace.context("a trace")
        })
    }

    fn queue(&self, mode: Mode) -> String {
        format!("{}-letters-{}", self.topic, mode.name())
    }
}

fn is_poison(number: usize) -> bool {
    number % 10 == 3
}

fn properties(entries: &[(&str, &str)]) -> Properties {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The waits block this thread; the worker's own work goes on on others.
fn in_runtime(test: impl FnOnce(&Runtime) -> Result<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let _entered = runtime.enter();
    test(&runtime)
}

#[test]
fn what_a_sink_task_reports_is_in_the_queue_or_ends_the_task() -> Result<()> {
    in_runtime(|runtime| {
        let rig = Rig::open("poison-report", "report")?;
        for mode in MODES {
            let id = rig.start(mode, &[])?;
            if mode.tolerant {
                wait_until("every record to be delivered, queued or skipped", DEADLINE, || {
                    rig.outcome(&id, mode)?.is_complete(mode.queue)
                })?;
            } else {
                let trace = rig.failed(&id)?;
                ensure!(trace.contains("Tolerance exceeded in error handler"), "{trace}");
                ensure!(trace.contains("not wanted"), "{trace}");
                let outcome = rig.outcome(&id, mode)?;
                // The batch was put as a whole: what came before the bad record counts as delivered.
                outcome.stopped_at_the_first(mode.queue)?;
            }
            runtime.block_on(rig.worker.stop_tasks(&[id]));
        }
        Ok(())
    })
}

#[test]
fn what_put_refuses_for_good_ends_the_task_whatever_is_tolerated() -> Result<()> {
    in_runtime(|runtime| {
        let rig = Rig::open("poison-reject", "reject")?;
        for mode in MODES {
            let id = rig.start(mode, &[])?;
            let trace = rig.failed(&id)?;
            ensure!(trace.contains("offset 3 is not for me"), "{trace}");
            let outcome = rig.outcome(&id, mode)?;
            outcome.stopped_at_the_first(false)?;
            runtime.block_on(rig.worker.stop_tasks(&[id]));
        }
        Ok(())
    })
}

// The deviation from Kafka Connect, which drops such a record even with `errors.tolerance=none`.
#[test]
fn an_error_that_outlives_its_time_is_no_longer_one_that_may_pass() -> Result<()> {
    const TIMEOUT: Duration = Duration::from_millis(700);
    in_runtime(|runtime| {
        let rig = Rig::open("poison-flaky", "flaky")?;
        for mode in MODES {
            let began = Instant::now();
            let id = rig.start(mode, &[("errors.retry.timeout", "700"), ("errors.retry.delay.max.ms", "1000")])?;
            if mode.tolerant {
                wait_until("every record to be delivered, queued or skipped", DEADLINE, || {
                    rig.outcome(&id, mode)?.is_complete(mode.queue)
                })?;
                ensure!(began.elapsed() >= 4 * TIMEOUT, "given up too early: {:?}", began.elapsed());
            } else {
                let trace = rig.failed(&id)?;
                ensure!(trace.contains("nobody answers at the moment"), "{trace}");
                rig.outcome(&id, mode)?.stopped_at_the_first(mode.queue)?;
                ensure!(began.elapsed() >= TIMEOUT, "given up too early: {:?}", began.elapsed());
            }
            // After 300 ms, then after what is left of 700 ms; a busy machine may wake up so late that nothing is left.
            let retries = counter(&rig.worker.metrics().render(), "total_retries", &id.connector);
            let failed = if mode.tolerant { 4 } else { 1 };
            ensure!(retries >= failed, "{retries} retries of {failed} records");
            runtime.block_on(rig.worker.stop_tasks(&[id]));
        }
        Ok(())
    })
}
