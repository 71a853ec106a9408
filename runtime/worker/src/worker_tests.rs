//! The worker with connectors that hang, panic and fail, on real threads.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::config::ConfigDef;
use sluice_api::connector::{
    CarrierContext, CarrierTask, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Progress, RunState,
    TaskFactory, TaskHandle,
};
use sluice_api::{ConnectError, OffsetMap, Properties, Value};
use sluice_kafka::Tenure;
use sluice_plugins::RegistryBuilder;
use sluice_storage::offset::MemoryOffsetBackingStore;
use sluice_storage::status::MemoryStatusBackingStore;
use sluice_storage::{ConnectorTaskId, OffsetBackingStore, State, StatusBackingStore, TargetState};
use tokio::time::Instant;

use crate::config::StandaloneConfig;
use crate::{Metrics, StatusReporter, Worker, WorkerOptions};

const CLASS: &str = "test.MoodyConnector";

/// Behaves as the key `mood` says.
struct Moody;

struct MoodyConnector(Properties);

struct MoodyTask {
    mood: String,
    context: Option<CarrierContext>,
}

impl ConnectorPlugin for Moody {
    fn class(&self) -> &'static str {
        CLASS
    }
    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }
    fn version(&self) -> &str {
        "7"
    }
    fn config_def(&self) -> ConfigDef {
        ConfigDef::new()
    }
    fn connector(&self) -> Box<dyn Connector> {
        Box::new(MoodyConnector(Properties::new()))
    }
    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Carrier(Box::new(MoodyTask { mood: String::new(), context: None })))
    }
}

/// Blocks the thread as badly written code does.
fn block() {
    loop {
        std::thread::park();
    }
}

#[async_trait(?Send)]
impl Connector for MoodyConnector {
    async fn start(&mut self, _: ConnectorContext, config: &Properties) -> Result<(), ConnectError> {
        self.0 = config.clone();
        match config["mood"].as_str() {
            "panic" => panic!("no mood for {}", 1 + 1),
            "block" => block(),
            "hang" => std::future::pending::<()>().await,
            "fail" => return Err(ConnectError::connect("not today")),
            _ => {}
        }
        Ok(())
    }

    async fn task_configs(&mut self, _: usize) -> Result<Vec<Properties>, ConnectError> {
        Ok(vec![self.0.clone()])
    }
}

#[async_trait(?Send)]
impl CarrierTask for MoodyTask {
    async fn start(&mut self, context: CarrierContext, config: &Properties) -> Result<(), ConnectError> {
        self.mood = config["mood"].clone();
        self.context = Some(context);
        Ok(())
    }

    async fn run(&mut self) -> Result<(), ConnectError> {
        let context = self.context.as_mut().expect("started");
        match self.mood.as_str() {
            "task-panic" => panic!("task in no mood"),
            "task-block" => block(),
            _ => {}
        }
        let partition = Arc::new(OffsetMap::single("log", Value::from("a")));
        let source_offset = OffsetMap::single("position", Value::Int64(5));
        context.progress.report(Progress { source_partition: partition, source_offset, records: 5, bytes: 50 })?;
        while *context.state.borrow_and_update() != RunState::Stopping {
            if context.state.changed().await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

struct Rig {
    worker: Arc<Worker>,
    statuses: Arc<MemoryStatusBackingStore>,
    offsets: Arc<MemoryOffsetBackingStore>,
}

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn rig() -> Rig {
    rig_in(&Tenure::forever())
}

fn rig_in(tenure: &Tenure) -> Rig {
    let mut registry = RegistryBuilder::new().connector(Box::new(Moody));
    for plugin in sluice_converters::plugins() {
        registry = registry.converter(plugin);
    }
    let worker_properties = properties(&[
        ("bootstrap.servers", "127.0.0.1:1"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("header.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("offset.storage.file.filename", "unused"),
        ("task.shutdown.graceful.timeout.ms", "300"),
    ]);
    let config = StandaloneConfig::parse(&worker_properties).expect("a good config").worker;
    let statuses = Arc::new(MemoryStatusBackingStore::new());
    let offsets = Arc::new(MemoryOffsetBackingStore::new());
    let (worker, _events) = Worker::new(WorkerOptions {
        worker_id: "here:8083".to_owned(),
        config,
        registry: Arc::new(registry.build().expect("no duplicates")),
        offsets: offsets.clone(),
        statuses: Arc::new(StatusReporter::new(statuses.clone(), "here:8083")),
        metrics: Arc::new(Metrics::new()),
        group_id: None,
        tenure: tenure.clone(),
    });
    Rig { worker, statuses, offsets }
}

fn config(name: &str, mood: &str) -> Properties {
    properties(&[("name", name), ("connector.class", CLASS), ("tasks.max", "1"), ("mood", mood)])
}

fn soon(millis: u64) -> Instant {
    Instant::now() + Duration::from_millis(millis)
}

fn id(name: &str) -> ConnectorTaskId {
    ConnectorTaskId { connector: name.to_owned(), task: 0 }
}

impl Rig {
    async fn start(&self, name: &str, mood: &str, deadline: Instant) -> Result<TargetState, ConnectError> {
        self.worker.start_connector(name, &config(name, mood), TargetState::Started, deadline).await
    }

    fn start_task(&self, name: &str, mood: &str) {
        assert!(self.worker.start_task(id(name), &config(name, mood), &config(name, mood), TargetState::Started));
    }

    async fn task_reaches(&self, name: &str, state: State) {
        let deadline = soon(10_000);
        while self.statuses.task(&id(name)).map(|entry| entry.state) != Some(state) {
            assert!(Instant::now() < deadline, "{name} did not become {state:?}: {:?}", self.statuses.task(&id(name)));
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_connector_that_blocks_stalls_neither_its_caller_nor_the_others() {
    // Invariant 8.
    let rig = rig();
    let error = rig.start("blocking", "block", soon(50)).await.expect_err("blocked");
    assert_eq!(error.kind(), sluice_api::ErrorKind::Timeout);
    assert_eq!(rig.start("good", "fine", soon(10_000)).await.expect("started"), TargetState::Started);
    assert!(rig.worker.is_connector_running("good"));
    assert!(!rig.worker.is_connector_running("blocking"));
}

#[tokio::test]
async fn a_start_that_hangs_is_given_up_by_a_stop() {
    let rig = rig();
    assert!(rig.start("hanging", "hang", soon(50)).await.is_err());
    let began = Instant::now();
    rig.worker.stop_connectors(&["hanging".to_owned()]).await;
    assert!(began.elapsed() < Duration::from_secs(4), "not abandoned, but stopped");
    assert_eq!(rig.statuses.connector("hanging").map(|entry| entry.state), Some(State::Unassigned));
    assert!(rig.start("hanging", "fine", soon(10_000)).await.is_ok());
}

#[tokio::test]
async fn a_panic_becomes_a_failed_status_with_message_and_place() {
    // Invariant 8.
    let rig = rig();
    assert!(rig.start("panicking", "panic", soon(10_000)).await.is_err());
    let status = rig.statuses.connector("panicking").expect("a status");
    let trace = status.trace.expect("a trace");
    assert_eq!(status.state, State::Failed);
    assert!(trace.contains("worker_tests.rs:") && trace.contains("no mood for 2"), "{trace}");
    let stopped = rig.worker.set_connector_target_state("panicking", TargetState::Stopped, soon(10_000)).await;
    assert_eq!(stopped.expect("a failed connector can be stopped"), TargetState::Stopped);
}

#[tokio::test]
async fn a_failed_start_names_its_reason_and_pause_is_refused() {
    let rig = rig();
    let error = rig.start("failing", "fail", soon(10_000)).await.expect_err("failing");
    assert_eq!(error.message(), "not today");
    assert!(rig.worker.set_connector_target_state("failing", TargetState::Paused, soon(10_000)).await.is_err());
    assert_eq!(rig.worker.connectors(), ["failing"]);
}

#[tokio::test]
async fn task_configs_carry_the_task_class() {
    let rig = rig();
    rig.start("good", "fine", soon(10_000)).await.expect("started");
    let configs = rig.worker.connector_task_configs("good", &config("good", "fine"), soon(10_000)).await.expect("one");
    assert_eq!(configs.configs.len(), 1);
    assert_eq!(configs.configs[0]["task.class"], "test.MoodyTask");
}

#[tokio::test]
async fn a_carrier_stores_what_it_reported_and_stops() {
    // Invariants 1 and 7.
    let rig = rig();
    rig.start_task("carrier", "fine");
    rig.task_reaches("carrier", State::Running).await;
    rig.worker.stop_tasks(&[id("carrier")]).await;
    let stored = rig.offsets.connector_offsets("carrier").await.expect("in memory");
    assert_eq!(stored.len(), 1);
    assert!(rig.worker.tasks().is_empty());
}

#[tokio::test]
async fn a_task_that_panics_becomes_failed() {
    // Invariant 8.
    let rig = rig();
    rig.start_task("panicking", "task-panic");
    rig.task_reaches("panicking", State::Failed).await;
    let trace = rig.statuses.task(&id("panicking")).and_then(|entry| entry.trace).expect("a trace");
    assert!(trace.contains("task in no mood"), "{trace}");
    assert_eq!(rig.worker.tasks(), [id("panicking")], "known until it is stopped");
}

#[tokio::test]
async fn a_task_that_blocks_is_cancelled_at_the_deadline_and_can_be_started_again() {
    // Invariants 5 and 8.
    let rig = rig();
    rig.start_task("blocking", "task-block");
    rig.task_reaches("blocking", State::Running).await;
    let began = Instant::now();
    rig.worker.stop_tasks(&[id("blocking")]).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(rig.statuses.task(&id("blocking")).map(|entry| entry.state), Some(State::Running), "it writes nothing");
    rig.start_task("blocking", "fine");
    rig.worker.stop().await;
}

// Invariant 5.
#[tokio::test]
async fn what_runs_and_what_is_stopping_is_given_up_when_the_tenure_ends() {
    let tenure = Tenure::none();
    tenure.begin(soon(60_000));
    let rig = rig_in(&tenure);
    rig.start("good", "fine", soon(10_000)).await.expect("started");
    for (name, mood) in [("running", "fine"), ("late", "task-block")] {
        rig.start_task(name, mood);
        rig.task_reaches(name, State::Running).await;
    }
    let worker = rig.worker.clone();
    let stopping = tokio::spawn(async move { worker.stop_tasks(&[id("late")]).await });
    while rig.worker.tasks().len() > 1 {
        tokio::task::yield_now().await;
    }
    let late = super::worker::lock(&rig.worker.stopping)[0].upgrade().expect("it is waited for");
    tenure.end();
    rig.worker.abandon();
    assert!(late.is_cancelled());
    assert!(rig.worker.tasks().is_empty() && rig.worker.connectors().is_empty());
    assert!(rig.start("another", "fine", soon(10_000)).await.is_err(), "it was commanded in a tenure that is over");
    stopping.await.expect("no panic");
    // Whoever owns them now says how they are.
    assert_eq!(rig.statuses.connector("good").map(|entry| entry.state), Some(State::Running));
    assert_eq!(rig.statuses.task(&id("running")).map(|entry| entry.state), Some(State::Running));
    tenure.begin(soon(60_000));
    rig.start("good", "fine", soon(10_000)).await.expect("started");
    rig.start_task("running", "fine");
    rig.worker.stop().await;
}

#[tokio::test]
async fn a_task_with_a_wrong_config_is_failed_at_once() {
    let rig = rig();
    let mut wrong = config("wrong", "fine");
    wrong.insert("value.converter".to_owned(), "no.such.Converter".to_owned());
    assert!(!rig.worker.start_task(id("wrong"), &wrong, &wrong, TargetState::Started));
    let trace = rig.statuses.task(&id("wrong")).and_then(|entry| entry.trace).expect("a trace");
    assert!(trace.contains("no.such.Converter"), "{trace}");
}
