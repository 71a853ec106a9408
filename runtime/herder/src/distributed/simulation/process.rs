//! One process of a simulated worker: a runtime with a clock of its own, the real herder on it, simulated seams around it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::config::ConfigDef;
use sluice_api::connector::{
    CarrierContext, CarrierTask, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, TaskFactory, TaskHandle,
};
use sluice_api::{ConnectError, Properties};
use sluice_kafka::Tenure;
use sluice_kafka::wire::GroupConfig;
use sluice_plugins::{Registry, RegistryBuilder};
use sluice_storage::config::log::LogConfigBackingStore;
use sluice_storage::offset::MemoryOffsetBackingStore;
use sluice_storage::status::MemoryStatusBackingStore;
use sluice_worker::StatusReporter;
use sluice_worker::config::{StandaloneConfig, WorkerConfig};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep_until};

use super::coordinator::Time;
use super::log::SimLog;
use super::member::{SimMember, Times};
use super::peers::{Directory, Listing, SimPeers};
use super::plane::{GRACEFUL_TIMEOUT, SimPlane};
use super::world::{Clock, ProcessId, World};
use crate::distributed::membership::{GroupTimes, Membership, Seat};
use crate::distributed::session_keys::tests::keys;
use crate::distributed::{DistributedHerder, DistributedOptions};
use crate::group::ConnectProtocol;
use crate::{DataPlane, Loggers, WallClock};

pub(super) const CLASS: &str = "sim.Connector";
pub(super) const TIMES: Times =
    Times { heartbeat: Duration::from_secs(3), session: Duration::from_secs(10), rebalance: Duration::from_secs(20) };
pub(super) const MAX_DELAY: Duration = Duration::from_secs(5);
const SYNC_TIMEOUT: Duration = Duration::from_secs(3);
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Within this a process has ended after SIGTERM: what it runs, its last writes, its good-bye (Invariant 7).
pub(super) const SHUTDOWN_LIMIT: Duration =
    Duration::from_secs(GRACEFUL_TIMEOUT.as_secs() * 2 + SYNC_TIMEOUT.as_secs() * 2 + 2);

/// What all processes of all histories share.
struct Plugins {
    registry: Arc<Registry>,
    config: Arc<WorkerConfig>,
}

fn plugins() -> &'static Plugins {
    static PLUGINS: OnceLock<Plugins> = OnceLock::new();
    PLUGINS.get_or_init(|| {
        let mut registry = RegistryBuilder::new().connector(Box::new(SimPlugin));
        for plugin in sluice_converters::plugins() {
            registry = registry.converter(plugin);
        }
        let converter = "org.apache.kafka.connect.storage.StringConverter";
        let properties: Properties = [
            ("bootstrap.servers", "127.0.0.1:1"),
            ("key.converter", converter),
            ("value.converter", converter),
            ("header.converter", converter),
            ("offset.storage.file.filename", "unused"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into_iter()
        .collect();
        Plugins {
            registry: Arc::new(registry.build().expect("no duplicates")),
            config: StandaloneConfig::parse(&properties).expect("a good config").worker,
        }
    })
}

/// The time of day of one worker: some are hours off.
struct OffClock(Clock, i64);

impl WallClock for OffClock {
    fn now_ms(&self) -> i64 {
        1_800_000_000_000 + self.1 + self.0.now().as_millis() as i64
    }
}

/// See the module.
pub(super) struct Process {
    pub(super) id: ProcessId,
    pub(super) clock: Clock,
    /// How far it has come.
    pub(super) time: Time,
    pub(super) frozen: bool,
    pub(super) configs: Arc<LogConfigBackingStore>,
    plane: Arc<SimPlane>,
    herder: Arc<DistributedHerder>,
    stop: watch::Sender<bool>,
    ended: JoinHandle<Result<(), sluice_storage::Error>>,
    runtime: Runtime,
}

/// What a process is started with.
pub(super) struct Surroundings<'a> {
    pub(super) world: &'a World,
    pub(super) directory: &'a Directory,
    pub(super) statuses: &'a Arc<MemoryStatusBackingStore>,
    pub(super) protocol: ConnectProtocol,
    /// How far its wall clock is off.
    pub(super) clock_off_ms: i64,
}

impl Process {
    pub(super) fn start(id: ProcessId, surroundings: &Surroundings<'_>) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let world = surroundings.world.clone();
        let born = world.state().now;
        let started = runtime.block_on(async {
            let clock = Clock { zero: Instant::now(), born, sent: Arc::new(Notify::new()) };
            let tenure = Tenure::none();
            let log = SimLog {
                world: world.clone(),
                process: id,
                clock: clock.clone(),
                tenure: tenure.clone(),
                purges: Arc::default(),
            };
            let configs = Arc::new(LogConfigBackingStore::new(Arc::new(log)));
            let reporter = Arc::new(StatusReporter::new(surroundings.statuses.clone(), worker_id(id)));
            let plane = SimPlane::new(world.clone(), id, clock.clone(), tenure.clone(), reporter.clone());
            let options = options(id, surroundings, &clock, tenure, configs.clone(), reporter, plane.clone());
            let (stop, stopped) = watch::channel(false);
            let member = SimMember::new(world.clone(), id, clock.clone(), TIMES);
            let (herder, ended) = DistributedHerder::spawn_in(options, stopped, move |options| {
                let Times { heartbeat, session, rebalance } = TIMES;
                let (url, configs) = (options.advertised_url.clone(), options.configs.clone());
                let max_delay_ms = MAX_DELAY.as_millis() as i32;
                let seat = Seat::new(options.connect_protocol, url, configs, max_delay_ms);
                let times = GroupTimes { heartbeat, session, rebalance };
                Membership::drive(Box::new(member), seat, options.tenure.clone(), times)
            });
            (clock, configs, plane, herder, stop, ended)
        });
        let (clock, configs, plane, herder, stop, ended) = started;
        world.state().alive.insert(id);
        let listing = Listing { process: id, runtime: runtime.handle().clone(), herder: herder.clone() };
        surroundings.directory.enter(url(id), listing);
        Self { id, clock, time: born, frozen: false, configs, plane, herder, stop, ended, runtime }
    }

    /// Lets the process run until `time`, or until it has sent something.
    pub(super) fn run_until(&mut self, time: Time) {
        let (end, sent) = (self.clock.instant(time), self.clock.sent.clone());
        self.time = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = sleep_until(end) => {}
                () = sent.notified() => {}
            }
            self.clock.now()
        });
    }

    /// SIGCONT: it is `now` at once, whatever should have happened before.
    pub(super) fn wake_at(&mut self, now: Time) {
        self.frozen = false;
        let missed = now.saturating_sub(self.time);
        self.runtime.block_on(advance(missed));
        self.time = now;
    }

    pub(super) fn shut_down(&self) {
        self.stop.send_replace(true);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_finished()
    }

    pub(super) fn url(&self) -> String {
        url(self.id)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.plane.is_stopping()
    }

    pub(super) fn plane_connectors(&self) -> usize {
        self.plane.connectors().len()
    }

    pub(super) fn plane_tasks(&self) -> usize {
        self.plane.tasks().len()
    }

    /// The process is gone, wherever it was.
    pub(super) fn end(self, world: &World, directory: &Directory) {
        directory.remove(&self.url());
        world.state().bury(self.id);
        drop(self.herder);
        drop(self.runtime);
    }
}

fn worker_id(id: ProcessId) -> String {
    format!("w{}:8083", id.worker)
}

pub(super) fn url(id: ProcessId) -> String {
    format!("http://{}/", worker_id(id))
}

fn options(
    id: ProcessId,
    surroundings: &Surroundings<'_>,
    clock: &Clock,
    tenure: Tenure,
    configs: Arc<LogConfigBackingStore>,
    reporter: Arc<StatusReporter>,
    plane: Arc<SimPlane>,
) -> DistributedOptions {
    let Surroundings { world, directory, statuses, protocol, clock_off_ms } = surroundings;
    let peers =
        SimPeers { world: (*world).clone(), process: id, clock: clock.clone(), directory: (*directory).clone() };
    let (_, worker_events) = mpsc::unbounded_channel();
    let (_, cluster_id) = watch::channel(None);
    DistributedOptions {
        transactional_leader: false,
        config: plugins().config.clone(),
        advertised_url: url(id),
        connect_protocol: *protocol,
        group: GroupConfig::parse([("bootstrap.servers", "127.0.0.1:1"), ("group.id", "g")]).expect("a good config"),
        scheduled_rebalance_max_delay: MAX_DELAY,
        sync_timeout: SYNC_TIMEOUT,
        unsync_backoff: Duration::from_secs(2),
        config_topic: "connect-configs".into(),
        inter_worker: keys(3_600),
        request_timeout: REQUEST_TIMEOUT,
        registry: plugins().registry.clone(),
        configs,
        offsets: Arc::new(MemoryOffsetBackingStore::new()),
        statuses: (*statuses).clone(),
        reporter,
        worker: plane,
        tenure,
        peers: Arc::new(peers),
        clock: Arc::new(OffClock(clock.clone(), *clock_off_ms)),
        worker_events,
        loggers: Arc::new(Loggers::new(Default::default(), Arc::new(|_| {}))),
        cluster_id,
    }
}

/// What validation knows of the simulated connectors; the plane runs them.
#[derive(Clone)]
struct SimPlugin;

struct NothingToRun;

impl ConnectorPlugin for SimPlugin {
    fn class(&self) -> &'static str {
        CLASS
    }
    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }
    fn version(&self) -> &str {
        "1"
    }
    fn config_def(&self) -> ConfigDef {
        ConfigDef::new()
    }
    fn connector(&self) -> Box<dyn Connector> {
        Box::new(NothingToRun)
    }
    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Carrier(Box::new(NothingToRun)))
    }
}

#[async_trait(?Send)]
impl Connector for NothingToRun {
    async fn start(&mut self, _: ConnectorContext, _: &Properties) -> Result<(), ConnectError> {
        Ok(())
    }
    async fn task_configs(&mut self, _: usize) -> Result<Vec<Properties>, ConnectError> {
        Ok(Vec::new())
    }
}

#[async_trait(?Send)]
impl CarrierTask for NothingToRun {
    async fn start(&mut self, _: CarrierContext, _: &Properties) -> Result<(), ConnectError> {
        Ok(())
    }
    async fn run(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }
}
