//! The herder's loop with stores in memory, connectors of every mood on real threads, and a scripted membership.

mod requests_between_workers;
mod statuses;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::config::ConfigDef;
use sluice_api::connector::{
    CarrierContext, CarrierTask, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, RunState, TaskFactory,
    TaskHandle,
};
use sluice_api::{ConnectError, Properties};
use sluice_kafka::Tenure;
use sluice_kafka::wire::GroupConfig;
use sluice_plugins::RegistryBuilder;
use sluice_storage::config::MemoryConfigBackingStore;
use sluice_storage::offset::MemoryOffsetBackingStore;
use sluice_storage::status::MemoryStatusBackingStore;
use sluice_storage::{ConfigBackingStore, ConnectorTaskId, OffsetBackingStore, State, StatusBackingStore, TargetState};
use sluice_worker::config::StandaloneConfig;
use sluice_worker::{Metrics, StatusReporter, Worker, WorkerOptions};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use super::membership::{Led, MembershipCommand, MembershipEvent, Offer, RoundResult};
use super::session_keys::tests::keys;
use super::{DistributedHerder, DistributedOptions};
use crate::group::{Assignment, AssignmentError, ConnectProtocol, ConnectorsAndTasks, Owners, ProtocolVersion};
use crate::{CreateConnector, Health, Herder, HerderError, Loggers, NoPeers, SystemClock};

const CLASS: &str = "test.MoodyConnector";
const HERE: &str = "http://here:8083/";
const CONVERTER: &str = "org.apache.kafka.connect.storage.StringConverter";

/// Behaves as the key `mood` says, and counts starts.
#[derive(Clone, Default)]
struct Moody {
    starts: Arc<AtomicU32>,
    refusals: Arc<AtomicU32>,
}

struct MoodyConnector(Moody, Properties);

struct MoodyTask(Option<CarrierContext>);

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
        Box::new(MoodyConnector(self.clone(), Properties::new()))
    }
    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Carrier(Box::new(MoodyTask(None))))
    }
}

#[async_trait(?Send)]
impl Connector for MoodyConnector {
    async fn start(&mut self, _: ConnectorContext, config: &Properties) -> Result<(), ConnectError> {
        self.1 = config.clone();
        let first = self.0.starts.fetch_add(1, Ordering::SeqCst) == 0;
        match config["mood"].as_str() {
            "hangs" => std::future::pending().await,
            "fails at first" if first => Err(ConnectError::connect("not today")),
            _ => Ok(()),
        }
    }

    async fn task_configs(&mut self, _: usize) -> Result<Vec<Properties>, ConnectError> {
        if self.1["mood"] == "has no tasks at first" && self.0.refusals.fetch_add(1, Ordering::SeqCst) < 2 {
            return Err(ConnectError::config("not yet"));
        }
        Ok(vec![self.1.clone()])
    }
}

#[async_trait(?Send)]
impl CarrierTask for MoodyTask {
    async fn start(&mut self, context: CarrierContext, _: &Properties) -> Result<(), ConnectError> {
        self.0 = Some(context);
        Ok(())
    }

    async fn run(&mut self) -> Result<(), ConnectError> {
        let context = self.0.as_mut().expect("started");
        while *context.state.borrow_and_update() != RunState::Stopping {
            if context.state.changed().await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn config(name: &str, mood: &str) -> Properties {
    properties(&[("name", name), ("connector.class", CLASS), ("tasks.max", "1"), ("mood", mood)])
}

struct Rig {
    herder: Arc<DistributedHerder>,
    configs: Arc<MemoryConfigBackingStore>,
    statuses: Arc<MemoryStatusBackingStore>,
    worker: Arc<Worker>,
    moody: Moody,
    /// From now on, no wish to join is answered.
    silent: Arc<AtomicBool>,
    tenure: Tenure,
    /// Into the loop, past the scripted membership.
    events: mpsc::UnboundedSender<MembershipEvent>,
    stop: watch::Sender<bool>,
    ended: tokio::task::JoinHandle<Result<(), sluice_storage::Error>>,
}

/// How a scripted round ends.
fn round(generation: i32, version: ProtocolVersion, assignment: Assignment) -> MembershipEvent {
    let mut owners = Owners::default();
    owners.add("http://here:8083/", &assignment.assigned);
    let led = Some(Led { owners, ahead: Vec::new() });
    MembershipEvent::Assigned(RoundResult { generation, version, assignment, led })
}

/// Everything that is configured, as the leader of a group of one assigns it.
fn everything(leader: &str, configs: &MemoryConfigBackingStore) -> Assignment {
    let snapshot = configs.snapshot();
    Assignment {
        error: AssignmentError::None,
        leader: "us".into(),
        leader_url: leader.into(),
        config_offset: snapshot.offset,
        assigned: ConnectorsAndTasks::configured(&snapshot),
        revoked: ConnectorsAndTasks::default(),
        delay_ms: 0,
    }
}

fn assigned(configs: &MemoryConfigBackingStore, generation: i32) -> MembershipEvent {
    assigned_by(HERE, everything(HERE, configs), generation)
}

/// That part of a round, as the worker at this URL assigns it.
fn assigned_by(leader: &str, assignment: Assignment, generation: i32) -> MembershipEvent {
    if leader == HERE {
        return round(generation, ProtocolVersion::V2, assignment);
    }
    MembershipEvent::Assigned(RoundResult { generation, version: ProtocolVersion::V2, assignment, led: None })
}

/// Asks for an offer, and gives it.
async fn offered(events: &mpsc::UnboundedSender<MembershipEvent>, version: Option<ProtocolVersion>) -> Option<Offer> {
    let (offer_tx, offer) = oneshot::channel();
    drop(events.send(MembershipEvent::JoinDue { version, offer: offer_tx }));
    offer.await.ok()
}

/// Answers every wish to join with an assignment of this leader, which revokes what is not configured any more.
async fn script(
    leader: &'static str,
    silent: Arc<AtomicBool>,
    configs: Arc<MemoryConfigBackingStore>,
    events: mpsc::UnboundedSender<MembershipEvent>,
    mut commands: mpsc::UnboundedReceiver<MembershipCommand>,
) {
    let mut generation = 1;
    let mut command = Some(MembershipCommand::Rejoin);
    while let Some(MembershipCommand::Rejoin) = command {
        let Some(offer) = offered(&events, Some(ProtocolVersion::V2)).await else { return };
        if !silent.load(Ordering::SeqCst) {
            let mut assignment = everything(leader, &configs);
            let mut revoked = offer.held.unwrap_or_default();
            revoked.remove(&assignment.assigned);
            assignment.revoked = revoked;
            drop(events.send(assigned_by(leader, assignment, generation)));
        }
        generation += 1;
        command = commands.recv().await;
    }
    if let Some(MembershipCommand::Leave(done)) = command {
        done.send(()).ok();
    }
}

fn rig() -> Rig {
    rig_led_by(HERE, |_, _| {})
}

/// A rig in the group of a leader, with other options.
fn rig_led_by(
    leader: &'static str,
    change: impl FnOnce(&mut DistributedOptions, &Arc<MemoryConfigBackingStore>),
) -> Rig {
    rig_with(change, move |silent, configs, events, commands| {
        drop(tokio::spawn(script(leader, silent, configs, events, commands)));
    })
}

/// With that in the membership's place.
fn rig_with(
    change: impl FnOnce(&mut DistributedOptions, &Arc<MemoryConfigBackingStore>),
    membership: impl FnOnce(
        Arc<AtomicBool>,
        Arc<MemoryConfigBackingStore>,
        mpsc::UnboundedSender<MembershipEvent>,
        mpsc::UnboundedReceiver<MembershipCommand>,
    ) + Send
    + 'static,
) -> Rig {
    let tenure = Tenure::none();
    tenure.begin(Instant::now() + Duration::from_secs(600));
    let moody = Moody::default();
    let mut registry = RegistryBuilder::new().connector(Box::new(moody.clone()));
    for plugin in sluice_converters::plugins() {
        registry = registry.converter(plugin);
    }
    let registry = Arc::new(registry.build().expect("no duplicates"));
    let worker_properties = properties(&[
        ("bootstrap.servers", "127.0.0.1:1"),
        ("key.converter", CONVERTER),
        ("value.converter", CONVERTER),
        ("header.converter", CONVERTER),
        ("offset.storage.file.filename", "unused"),
        ("task.shutdown.graceful.timeout.ms", "300"),
    ]);
    let worker_config = StandaloneConfig::parse(&worker_properties).expect("a good config").worker;
    let configs = Arc::new(MemoryConfigBackingStore::new());
    let statuses = Arc::new(MemoryStatusBackingStore::new());
    let offsets: Arc<dyn OffsetBackingStore> = Arc::new(MemoryOffsetBackingStore::new());
    let reporter = Arc::new(StatusReporter::new(statuses.clone(), "here:8083"));
    let (worker, worker_events) = Worker::new(WorkerOptions {
        worker_id: "here:8083".into(),
        config: worker_config.clone(),
        registry: registry.clone(),
        offsets: offsets.clone(),
        statuses: reporter.clone(),
        metrics: Arc::new(Metrics::new()),
        group_id: Some("g".into()),
        tenure: tenure.clone(),
    });
    let (_, cluster_id) = watch::channel(None);
    let mut options = DistributedOptions {
        transactional_leader: false,
        config: worker_config,
        advertised_url: HERE.into(),
        connect_protocol: ConnectProtocol::Sessioned,
        group: GroupConfig::parse([("bootstrap.servers", "127.0.0.1:1"), ("group.id", "g")]).expect("a good config"),
        scheduled_rebalance_max_delay: Duration::from_secs(300),
        sync_timeout: Duration::from_secs(3),
        unsync_backoff: Duration::from_secs(300),
        config_topic: "connect-configs".into(),
        inter_worker: keys(3_600),
        request_timeout: Duration::from_secs(20),
        registry,
        configs: configs.clone(),
        offsets,
        statuses: statuses.clone(),
        reporter,
        worker: worker.clone(),
        tenure: tenure.clone(),
        peers: Arc::new(NoPeers),
        clock: Arc::new(SystemClock),
        worker_events,
        loggers: Arc::new(Loggers::new(Default::default(), Arc::new(|_| {}))),
        cluster_id,
    };
    change(&mut options, &configs);
    let (stop, stopped) = watch::channel(false);
    let (events, event_rx) = mpsc::unbounded_channel();
    let (command_tx, commands) = mpsc::unbounded_channel();
    let (scripted, sender, silent) = (configs.clone(), events.clone(), Arc::new(AtomicBool::new(false)));
    let silenced = silent.clone();
    let (herder, ended) = DistributedHerder::spawn_in(options, stopped, move |_| {
        membership(silenced, scripted, sender, commands);
        (command_tx, event_rx)
    });
    Rig { herder, configs, statuses, worker, moody, silent, tenure, events, stop, ended }
}

fn task(name: &str) -> ConnectorTaskId {
    ConnectorTaskId { connector: name.to_owned(), task: 0 }
}

impl Rig {
    async fn create(&self, name: &str, mood: &str) {
        let request = CreateConnector { name: name.into(), config: config(name, mood).into(), initial_state: None };
        self.herder.create_connector(request).await.expect("created");
    }

    async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(15);
        while !condition(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            sleep(Duration::from_millis(2)).await;
        }
    }

    fn connector(&self, name: &str) -> Option<State> {
        self.statuses.connector(name).map(|status| status.state)
    }

    fn task(&self, name: &str) -> Option<State> {
        self.statuses.task(&task(name)).map(|status| status.state)
    }

    async fn runs(&self, name: &str) {
        self.until("connector and task RUNNING", |rig| {
            rig.connector(name) == Some(State::Running) && rig.task(name) == Some(State::Running)
        })
        .await;
    }

    fn starts(&self) -> u32 {
        self.moody.starts.load(Ordering::SeqCst)
    }

    /// The tenure ends, as the membership would end it.
    fn lose(&self) {
        self.tenure.end();
        self.events.send(MembershipEvent::Lost("the coordinator cannot be reached".into())).expect("the loop runs");
    }

    /// The next round is due, in a tenure of its own.
    async fn come_back(&self) -> Offer {
        let offer = offered(&self.events, None).await.expect("the loop runs");
        self.tenure.begin(Instant::now() + Duration::from_secs(600));
        offer
    }

    async fn end(self) {
        self.stop.send_replace(true);
        timeout(Duration::from_secs(10), self.ended).await.expect("in time").expect("no panic").expect("no error");
        assert!(self.worker.connectors().is_empty() && self.worker.tasks().is_empty());
    }
}

#[tokio::test]
async fn a_connector_goes_through_all_target_states_and_is_deleted() {
    let rig = rig();
    rig.create("c", "well").await;
    rig.runs("c").await;
    rig.herder.set_target_state("c", TargetState::Paused).await.expect("paused");
    rig.until("PAUSED", |rig| rig.connector("c") == Some(State::Paused) && rig.task("c") == Some(State::Paused)).await;
    rig.herder.set_target_state("c", TargetState::Stopped).await.expect("stopped");
    rig.until("STOPPED without tasks", |rig| rig.connector("c") == Some(State::Stopped) && rig.task("c").is_none())
        .await;
    rig.herder.set_target_state("c", TargetState::Started).await.expect("resumed");
    rig.runs("c").await;
    rig.herder.delete_connector("c").await.expect("deleted");
    rig.until("no status", |rig| rig.connector("c").is_none() && rig.worker.connectors().is_empty()).await;
    rig.end().await;
}

#[tokio::test]
async fn the_same_config_again_restarts_a_failed_connector() {
    let rig = rig();
    rig.create("c", "fails at first").await;
    rig.until("FAILED", |rig| rig.connector("c") == Some(State::Failed)).await;
    rig.herder.put_connector_config("c", config("c", "fails at first").into()).await.expect("replaced");
    rig.runs("c").await;
    rig.end().await;
}

#[tokio::test]
async fn a_restart_brings_a_failed_connector_and_its_tasks_back() {
    let rig = rig();
    rig.create("c", "fails at first").await;
    rig.until("FAILED", |rig| rig.connector("c") == Some(State::Failed)).await;
    rig.herder.restart_connector("c").await.expect("restarted");
    rig.runs("c").await;
    rig.herder.restart_task(&task("c")).await.expect("restarted");
    rig.runs("c").await;
    rig.end().await;
}

#[tokio::test]
async fn two_configs_in_quick_succession_end_with_the_second() {
    let rig = rig();
    rig.create("c", "well").await;
    rig.runs("c").await;
    for mood in ["better", "best"] {
        rig.herder.put_connector_config("c", config("c", mood).into()).await.expect("replaced");
    }
    let committed =
        |rig: &Rig| rig.configs.snapshot().task_configs.get(&task("c")).map(|config| config["mood"].clone());
    rig.until("the second config in the tasks", |rig| committed(rig).as_deref() == Some("best")).await;
    rig.runs("c").await;
    rig.end().await;
}

#[tokio::test]
async fn a_connector_that_refuses_task_configs_is_asked_again() {
    let rig = rig();
    rig.create("c", "has no tasks at first").await;
    rig.runs("c").await;
    rig.end().await;
}

// Invariant 8.
#[tokio::test]
async fn a_start_that_hangs_holds_up_neither_others_nor_a_new_config_nor_the_shutdown() {
    let rig = rig();
    rig.create("h", "hangs").await;
    rig.until("the start begins", |rig| rig.starts() == 1).await;
    rig.create("c", "well").await;
    rig.runs("c").await;
    rig.herder.put_connector_config("h", config("h", "well").into()).await.expect("replaced");
    rig.runs("h").await;
    rig.herder.put_connector_config("h", config("h", "hangs").into()).await.expect("replaced");
    rig.until("the start begins", |rig| rig.starts() == 4).await;
    rig.herder.delete_connector("h").await.expect("deleted");
    rig.until("it is gone", |rig| rig.connector("h").is_none() && rig.worker.connectors() == ["c"]).await;
    rig.end().await;
}

#[tokio::test]
async fn a_caller_whose_restart_is_overtaken_is_answered() {
    let rig = rig();
    rig.create("h", "hangs").await;
    rig.until("the start begins", |rig| rig.starts() == 1).await;
    let herder = rig.herder.clone();
    let overtaken = tokio::spawn(async move { herder.restart_connector("h").await });
    rig.until("the restart begins", |rig| rig.starts() == 2).await;
    rig.herder.put_connector_config("h", config("h", "well").into()).await.expect("replaced");
    let answer = timeout(Duration::from_secs(10), overtaken).await.expect("an answer").expect("no panic");
    assert!(matches!(answer, Err(HerderError::Forward(None))), "{answer:?}");
    rig.end().await;
}

#[tokio::test]
async fn a_task_that_cannot_start_is_started_once() {
    let rig = rig();
    let mut broken = config("c", "well");
    broken.insert("value.converter".into(), "no.such.Converter".into());
    rig.configs.put_connector_config("c", &broken, None).await.expect("in memory");
    rig.configs.put_task_configs("c", std::slice::from_ref(&broken)).await.expect("in memory");
    rig.until("FAILED", |rig| rig.task("c") == Some(State::Failed)).await;
    for _ in 0..20 {
        rig.herder.connector_info("c").await.expect("known");
    }
    let failures = "kafka_connect_connect_worker_metrics_task_startup_failure_total ";
    let metrics = rig.herder.metrics();
    let count: f64 =
        metrics.lines().find_map(|line| line.strip_prefix(failures)).expect("shown").parse().expect("a number");
    // Rebalances after the commit may start it anew, turns of the loop may not.
    assert!(count <= 3.0, "{count}");
    rig.end().await;
}

// Invariant 5.
#[tokio::test]
async fn a_worker_out_of_the_group_runs_nothing_and_goes_on_when_it_is_back() {
    let rig = rig();
    rig.create("c", "well").await;
    rig.runs("c").await;
    rig.lose();
    rig.until("nothing runs", |rig| rig.worker.connectors().is_empty() && rig.worker.tasks().is_empty()).await;
    // Whoever has it now says how it is.
    assert_eq!((rig.connector("c"), rig.task("c")), (Some(State::Running), Some(State::Running)));
    assert!(matches!(rig.herder.health(Duration::from_millis(50)).await, Health::Unhealthy(_)));
    let herder = rig.herder.clone();
    let waiting = tokio::spawn(async move { herder.connector_info("c").await });
    let offer = rig.come_back().await;
    assert_eq!(offer.held, None, "empty hands");
    rig.events.send(assigned(&rig.configs, 9)).expect("the loop runs");
    rig.runs("c").await;
    assert!(waiting.await.expect("no panic").is_ok());
    assert_eq!(rig.herder.health(Duration::from_secs(5)).await, Health::Healthy);
    rig.end().await;
}

// Invariant 5.
#[tokio::test]
async fn what_was_commanded_in_an_ended_tenure_does_nothing_in_the_next() {
    let rig = rig();
    rig.create("c", "well").await;
    rig.runs("c").await;
    rig.create("h", "hangs").await;
    rig.until("the start begins", |rig| rig.starts() == 2).await;
    // Behind the start that hangs.
    rig.herder.put_connector_config("h", config("h", "well").into()).await.expect("replaced");
    rig.lose();
    rig.until("nothing runs", |rig| rig.worker.connectors().is_empty()).await;
    rig.come_back().await;
    let nothing = Assignment { assigned: ConnectorsAndTasks::default(), ..everything(HERE, &rig.configs) };
    rig.events.send(round(9, ProtocolVersion::V2, nothing)).expect("the loop runs");
    assert_eq!(rig.herder.health(Duration::from_secs(5)).await, Health::Healthy);
    sleep(Duration::from_millis(500)).await;
    assert!(rig.worker.connectors().is_empty() && rig.worker.tasks().is_empty());
    rig.end().await;
}

fn of_task(name: &str) -> ConnectorsAndTasks {
    ConnectorsAndTasks { connectors: Default::default(), tasks: [task(name)].into() }
}

// Invariant 5.
#[tokio::test]
async fn what_is_revoked_has_stopped_before_the_next_offer_leaves_it_out() {
    let rig = rig();
    rig.create("c", "well").await;
    rig.runs("c").await;
    let revocation =
        Assignment { assigned: ConnectorsAndTasks::default(), revoked: of_task("c"), ..everything(HERE, &rig.configs) };
    rig.events.send(round(7, ProtocolVersion::V2, revocation)).expect("the loop runs");
    let offer = offered(&rig.events, Some(ProtocolVersion::V2)).await.expect("the loop runs");
    assert!(rig.worker.tasks().is_empty(), "stopped");
    assert_eq!(rig.task("c"), Some(State::Unassigned), "and said so");
    let held = offer.held.expect("a round before");
    assert!(held.tasks.is_empty() && held.connectors.contains("c"));
    rig.end().await;
}

// Invariant 5.
#[tokio::test]
async fn an_eager_worker_offers_nothing_and_a_newcomer_waits_a_round() {
    let rig = rig_with(
        |_, _| {},
        |_, _, _, commands| {
            // Nobody answers but the test.
            std::mem::forget(commands);
        },
    );
    rig.configs.put_connector_config("c", &config("c", "well"), None).await.expect("in memory");
    assert_eq!(offered(&rig.events, None).await.expect("the loop runs").held, None);
    let eager = |generation| round(generation, ProtocolVersion::V0, everything(HERE, &rig.configs));
    rig.events.send(eager(1)).expect("the loop runs");
    let offer = offered(&rig.events, Some(ProtocolVersion::V0)).await.expect("the loop runs");
    assert_eq!((offer.held, rig.starts()), (Some(ConnectorsAndTasks::default()), 0), "others may run it still");
    // The coordinator has nothing new.
    rig.events.send(eager(1)).expect("the loop runs");
    let offer = offered(&rig.events, Some(ProtocolVersion::V0)).await.expect("the loop runs");
    assert_eq!((offer.held, rig.starts()), (Some(ConnectorsAndTasks::default()), 0));
    rig.events.send(eager(2)).expect("the loop runs");
    rig.until("it gave its task configs", |rig| rig.configs.snapshot().task_configs.contains_key(&task("c"))).await;
    let offer = offered(&rig.events, Some(ProtocolVersion::V0)).await.expect("the loop runs");
    assert_eq!(offer.held, Some(ConnectorsAndTasks::default()));
    assert!(rig.worker.connectors().is_empty() && rig.worker.tasks().is_empty());
    rig.events.send(eager(3)).expect("the loop runs");
    rig.runs("c").await;
}

#[tokio::test]
async fn a_follower_that_reads_another_topic_is_told_so_and_keeps_what_it_has() {
    let rig = rig();
    rig.create("c", "well").await;
    rig.runs("c").await;
    let ahead = Assignment {
        leader: "m2".into(),
        leader_url: "http://there:8083/".into(),
        config_offset: 1_000_000,
        assigned: ConnectorsAndTasks::default(),
        ..everything(HERE, &rig.configs)
    };
    let result = RoundResult { generation: 8, version: ProtocolVersion::V2, assignment: ahead, led: None };
    rig.events.send(MembershipEvent::Assigned(result)).expect("the loop runs");
    let deadline = Instant::now() + Duration::from_secs(10);
    let trouble = loop {
        match rig.herder.health(Duration::from_millis(20)).await {
            Health::Starting(Some(trouble)) => break trouble,
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
    };
    assert!(
        trouble.starts_with("The leader at http://there:8083/ assigned as of offset 1000000, topic connect-configs"),
        "{trouble}"
    );
    assert_eq!(rig.worker.connectors(), ["c"]);
    rig.end().await;
}
