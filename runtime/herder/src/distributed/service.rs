//! The herder's loop: one owner of what this worker runs. See the page in [`super`].

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sluice_storage::{ClusterConfigState, ConnectorTaskId};
use sluice_worker::{TaskConfigs, WorkerEvent};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::fencing::{ZombieFencings, require_transactions};
use super::inbox::{Event, Inbox};
use super::membership::{MembershipChannels, MembershipCommand, MembershipEvent};
use super::options::DistributedOptions;
use super::place::Place;
use super::rebalance_metrics::RebalanceMetrics;
use super::reconcile::Instance;
use super::task_configs::TaskConfigRetries;
use crate::HerderError;
use crate::connector_lane::ConnectorLanes;
use crate::group::{Assignment, ConnectorsAndTasks, Owners, ProtocolVersion};
use crate::stages::Stages;

/// What an operation does on the service.
pub(super) type ServiceFuture<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// An operation on the service. It answers its caller itself; when it is given up half-way, the caller sees that its reply is gone.
pub(super) struct Request {
    operation: Box<dyn for<'a> FnOnce(&'a mut Service) -> ServiceFuture<'a> + Send>,
    /// From when on nobody wants the answer; `None` for what has to be done even then.
    lapses: Option<Instant>,
}

impl Request {
    pub(super) fn new(
        lapses: Option<Instant>,
        operation: impl for<'a> FnOnce(&'a mut Service) -> ServiceFuture<'a> + Send + 'static,
    ) -> Self {
        Self { operation: Box::new(operation), lapses }
    }
}

/// The answer to a caller that may have gone.
pub(super) type Reply<T> = oneshot::Sender<Result<T, HerderError>>;

/// Stages of waiting, in Kafka's words.
const POLLING: &str = "polling the group coordinator until interrupted";
const JOINING: &str = "ensuring membership in the cluster";

/// What came of something that ran beside the loop.
pub(super) enum Report {
    /// A connector instance was started, or not; a REST caller may wait for it.
    ConnectorStarted { connector: String, attempt: u64, started: Result<(), String>, reply: Option<Reply<()>> },
    /// The configs that a connector with `config` wants for its tasks.
    TaskConfigs {
        connector: String,
        config: sluice_api::Properties,
        configs: Result<TaskConfigs, sluice_api::ConnectError>,
        reply: Option<Reply<()>>,
    },
    /// It is time to ask a connector for task configs again.
    RetryTaskConfigs(String),
    /// Tasks have stopped, or were given up and fenced.
    TasksStopped { tasks: Vec<ConnectorTaskId>, then: AfterStop },
    /// Connector instances have stopped for good.
    ConnectorsStopped(Vec<String>),
    /// The producers of a connector's earlier tasks are fenced, or why not.
    ZombiesFenced { connector: String, fenced: Result<(), sluice_api::ConnectError> },
}

/// What follows when tasks have stopped.
pub(super) enum AfterStop {
    /// Join again: a new set of tasks was committed, or a connector was removed.
    Rejoin,
    /// Start them again: a restart.
    Start(Option<Reply<()>>),
    /// Nothing.
    Nothing,
}

/// What the loop shares with the handle.
#[allow(dead_code, reason = "the group of one asks less than the contract offers")]
#[derive(Clone, Default)]
pub(super) struct Visible {
    /// Set once the internal topics were read: what takes long from then on is a trouble, not the start.
    pub(super) ready: bool,
    /// Why no connector runs here, for `/health`.
    pub(super) standing_back: Option<String>,
    /// A round was received, and the tenure it came with has not been lost since.
    pub(super) member: bool,
    /// What the last round asked for has been commanded.
    pub(super) resolved: bool,
    /// The protocol that the group agreed on.
    pub(super) version: Option<ProtocolVersion>,
}

/// The state of the loop.
pub(super) struct Service {
    pub(super) options: DistributedOptions,
    pub(super) stages: Stages,
    pub(super) visible: watch::Sender<Visible>,
    pub(super) lanes: ConnectorLanes,
    /// Connector instances that were commanded to run here.
    pub(super) instances: HashMap<String, Instance>,
    /// Connector instances that were commanded to stop for good and have not said so.
    pub(super) stopping_instances: HashSet<String>,
    /// Starts of instances so far; the number tells late reports from current ones.
    pub(super) attempts: u64,
    /// Tasks that were commanded to run here, those that failed at once included.
    pub(super) tasks: BTreeSet<ConnectorTaskId>,
    /// Tasks whose stop was commanded and is not confirmed.
    pub(super) stopping: HashSet<ConnectorTaskId>,
    /// The last assignment, `None` while this worker is not part of the group.
    pub(super) assignment: Option<Assignment>,
    /// Where this worker stood in the last round.
    pub(super) place: Place,
    /// Whether what the last assignment asked for has been commanded.
    pub(super) resolved: bool,
    /// Ask the membership to join again at the next turn.
    pub(super) wants_rejoin: bool,
    /// The membership was asked and has not answered: what runs goes on running, nothing is started or stopped.
    pub(super) rejoining: bool,
    pub(super) retries: TaskConfigRetries,
    pub(super) fencings: ZombieFencings,
    /// The generation of task configs that each task was last started with.
    pub(super) generations: HashMap<ConnectorTaskId, i32>,
    /// The fingerprint of the resolved config that each connector's tasks were committed for.
    pub(super) applied: HashMap<String, u64>,
    pub(super) reports: mpsc::UnboundedSender<Report>,
    pub(super) waiting: VecDeque<Request>,
    pub(super) membership: mpsc::UnboundedSender<MembershipCommand>,
    rebalances: RebalanceMetrics,
    /// The log has said that the worker is ready.
    announced: bool,
}

/// Runs the worker until `stop` becomes true: stores, membership, loop, shutdown.
///
/// # Errors
/// When a store cannot be used at all (a topic that is not compacted, …); nothing runs then.
pub(super) async fn run(
    mut options: DistributedOptions,
    join: impl FnOnce(&DistributedOptions) -> MembershipChannels,
    stages: Stages,
    requests: mpsc::UnboundedReceiver<Request>,
    visible: watch::Sender<Visible>,
    rebalances: RebalanceMetrics,
    mut stop: watch::Receiver<bool>,
) -> Result<(), sluice_storage::Error> {
    let guard = stages.begin("initializing and reading to the end of internal topics");
    tokio::select! {
        started = start_stores(&options) => started?,
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
    }
    drop(guard);
    visible.send_modify(|visible| visible.ready = true);
    let updates = options.configs.updates().expect("the herder alone takes the channel of config updates");
    let (membership, membership_rx) = join(&options);
    let (reports, reports_rx) = mpsc::unbounded_channel();
    let (_, no_events) = mpsc::unbounded_channel();
    let worker = std::mem::replace(&mut options.worker_events, no_events);
    let inbox = Inbox {
        requests,
        updates,
        membership: membership_rx,
        worker,
        reports: reports_rx,
        stop,
        ahead: VecDeque::new(),
    };
    Service::new(options, stages, visible, rebalances, reports, membership).work(inbox).await;
    Ok(())
}

async fn start_stores(options: &DistributedOptions) -> Result<(), sluice_storage::Error> {
    if options.transactional_leader {
        require_transactions(options).await?;
    }
    tokio::try_join!(options.offsets.start(), options.statuses.start(), options.configs.start())?;
    Ok(())
}

impl Service {
    pub(super) fn new(
        options: DistributedOptions,
        stages: Stages,
        visible: watch::Sender<Visible>,
        rebalances: RebalanceMetrics,
        reports: mpsc::UnboundedSender<Report>,
        membership: mpsc::UnboundedSender<MembershipCommand>,
    ) -> Self {
        Self {
            options,
            stages,
            visible,
            lanes: ConnectorLanes::default(),
            instances: HashMap::new(),
            stopping_instances: HashSet::new(),
            attempts: 0,
            tasks: BTreeSet::new(),
            stopping: HashSet::new(),
            assignment: None,
            place: Place::default(),
            resolved: false,
            wants_rejoin: false,
            rejoining: false,
            retries: TaskConfigRetries::default(),
            fencings: ZombieFencings::default(),
            generations: HashMap::new(),
            applied: HashMap::new(),
            reports,
            waiting: VecDeque::new(),
            membership,
            rebalances,
            announced: false,
        }
    }

    pub(super) async fn work(mut self, mut inbox: Inbox) {
        loop {
            self.catch_up().await;
            self.rejoin_if_wanted();
            self.reconcile();
            let stage = if self.resolved { POLLING } else { JOINING };
            let serve = self.resolved && !self.waiting.is_empty();
            match inbox.next(&self.stages, stage, serve).await {
                Event::Request(request) => self.wait_for_turn(request),
                Event::Serve => self.serve(&mut inbox).await,
                Event::Update(update) => self.apply_update(update),
                Event::Membership(event) => self.apply_membership(event),
                Event::Worker(event) => self.apply_worker_event(event),
                Event::Report(report) => self.apply_report(report),
                Event::Stop => break,
            }
        }
        self.shut_down(inbox).await;
    }

    /// The config topic as last read.
    pub(super) fn snapshot(&self) -> Arc<ClusterConfigState> {
        self.options.configs.snapshot()
    }

    /// Step 1: what is assigned counts only at the config offset that it was computed from.
    async fn catch_up(&mut self) {
        let Some(assignment) = &self.assignment else { return };
        if self.resolved || self.rejoining {
            return;
        }
        let wanted = assignment.config_offset;
        if self.snapshot().offset < wanted {
            let _stage = self.stages.begin("reading to the end of the config topic");
            if let Err(error) = self.options.configs.refresh(self.options.sync_timeout).await {
                warn!(%error, "cannot catch up with the config topic; joining the group again");
                self.wants_rejoin = true;
                return;
            }
        }
        if self.snapshot().offset == wanted {
            // Alone in its group, this worker leads it.
            self.claim_write_privileges().await;
            self.resolve();
        } else {
            self.wants_rejoin = true;
        }
    }

    fn resolve(&mut self) {
        self.resolved = true;
        self.rebalances.completed();
        self.remove_stale_statuses();
        self.visible.send_modify(|visible| {
            visible.standing_back = None;
            visible.resolved = true;
        });
        if !std::mem::replace(&mut self.announced, true) {
            info!("the worker is ready");
        }
    }

    fn rejoin_if_wanted(&mut self) {
        if !std::mem::take(&mut self.wants_rejoin) {
            return;
        }
        self.unresolve();
        self.rejoining = true;
        // The membership ends only after `Leave`, which is the last command.
        drop(self.membership.send(MembershipCommand::Rejoin));
    }

    /// Puts a request behind the others, and forgets those that nobody waits for any more.
    fn wait_for_turn(&mut self, request: Request) {
        let now = Instant::now();
        self.waiting.retain(|request| request.lapses.is_none_or(|lapses| lapses > now));
        self.waiting.push_back(request);
    }

    /// Lets `operation` have its turn among the requests.
    pub(super) fn do_later(
        &mut self,
        operation: impl for<'a> FnOnce(&'a mut Service) -> ServiceFuture<'a> + Send + 'static,
    ) {
        self.wait_for_turn(Request::new(None, operation));
    }

    /// Step 3: one request. A write to Kafka may take long, so it is given up when the worker stops or may run nothing any more
    /// (Invariants 5 and 7); it may have taken effect by then.
    async fn serve(&mut self, inbox: &mut Inbox) {
        let Some(request) = self.waiting.pop_front() else { return };
        tokio::select! {
            biased;
            () = inbox.interruption() => debug!("a request was given up"),
            () = (request.operation)(self) => {}
        }
    }

    fn apply_membership(&mut self, event: MembershipEvent) {
        match event {
            MembershipEvent::Assigned { generation, protocol, assignment } => {
                self.options.reporter.set_generation(generation);
                self.rebalances.assigned(generation, &protocol, &assignment.leader_url);
                self.take_place(&protocol, &assignment.assigned);
                self.assignment = Some(assignment);
                self.unresolve();
                self.rejoining = false;
            }
            MembershipEvent::OtherMember(member) => {
                let reason =
                    format!("Another worker is in the group: {member}. This worker runs nothing until it is alone.");
                self.visible.send_modify(|visible| visible.standing_back = Some(reason));
                self.run_nothing();
            }
            MembershipEvent::Lost(reason) => {
                error!(reason, "this worker is out of the group; stopping what it runs");
                self.run_nothing();
            }
        }
    }

    /// Invariant 5: somebody else may own our work now, so all of it stops.
    fn run_nothing(&mut self) {
        self.assignment = None;
        self.place = Place::Nowhere;
        self.visible.send_modify(|visible| visible.member = false);
        self.unresolve();
        self.rejoining = false;
    }

    /// Alone in its group, this worker leads it.
    fn take_place(&mut self, protocol: &str, work: &ConnectorsAndTasks) {
        let version = ProtocolVersion::from_name(protocol).unwrap_or(ProtocolVersion::V0);
        let mut owners = Owners::default();
        owners.add(&self.options.advertised_url, work);
        self.place = Place::Leader { owners, version };
        self.visible.send_modify(|visible| {
            visible.member = true;
            visible.version = self.place.version();
        });
    }

    fn unresolve(&mut self) {
        self.resolved = false;
        self.visible.send_modify(|visible| visible.resolved = false);
    }

    fn apply_worker_event(&mut self, event: WorkerEvent) {
        match event {
            WorkerEvent::TaskReconfigurationRequested { connector } => self.request_task_configs(&connector, None),
            WorkerEvent::TaskCheckRequested { id, check, answer } => self.check_task(id, check, answer),
            // The tasks follow when the instance has started and their configs have changed.
            WorkerEvent::ReloadDue { connector } if self.instances.contains_key(&connector) => {
                info!(connector, "values of the connector's config have lived their time");
                self.restart_connector(&connector, false, None);
            }
            _ => {}
        }
    }

    fn apply_report(&mut self, report: Report) {
        match report {
            Report::ConnectorStarted { connector, attempt, started, reply } => {
                self.connector_started(&connector, attempt, started, reply);
            }
            Report::TaskConfigs { connector, config, configs, reply } => {
                self.task_configs_came(connector, config, configs, reply);
            }
            Report::RetryTaskConfigs(connector) => self.retry_is_due(&connector),
            Report::TasksStopped { tasks, then } => self.tasks_stopped(&tasks, then),
            Report::ZombiesFenced { connector, fenced } => self.zombies_fenced(connector, fenced),
            Report::ConnectorsStopped(connectors) => {
                for connector in connectors {
                    self.stopping_instances.remove(&connector);
                }
                self.remove_stale_statuses();
            }
        }
    }
}
