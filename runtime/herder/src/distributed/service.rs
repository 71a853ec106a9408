//! The herder's loop: one owner of what this worker runs. See the page in [`super`].

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sluice_storage::{ClusterConfigState, ConnectorTaskId};
use sluice_worker::{TaskConfigs, WorkerEvent};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, info};

use super::catch_up::CatchUp;
use super::fencing::{ZombieFencings, require_transactions};
use super::inbox::{Event, Inbox};
use super::membership::{MembershipChannels, MembershipCommand, MembershipEvent, Offer};
use super::options::DistributedOptions;
use super::place::Place;
use super::rebalance_metrics::RebalanceMetrics;
use super::reconcile::Instance;
use super::session_keys::SessionKeys;
use super::stale_statuses::StaleStatuses;
use super::task_configs::TaskConfigRetries;
use super::to_leader::LeaderFencing;
use crate::connector_lane::ConnectorLanes;
use crate::group::{Assignment, AssignmentError, ConnectorsAndTasks, MemberAhead, ProtocolVersion};
use crate::stages::Stages;
use crate::{HerderError, PeerError};

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
    /// The leader has committed task configs, or not.
    Published { connector: String, fingerprint: u64, sent: Result<(), PeerError>, reply: Option<Reply<()>> },
    /// The leader has fenced for a task of this worker, or not.
    LeaderFenced { fencing: LeaderFencing, fenced: Result<(), PeerError> },
    /// It is time to ask the leader again.
    FenceAgain(LeaderFencing),
    /// The producers of a connector's earlier tasks are fenced, or why not.
    ZombiesFenced { connector: String, fenced: Result<(), sluice_api::ConnectError> },
    /// The config topic was read to its end, or why not.
    CaughtUp(Result<(), String>),
    /// What was revoked has stopped, and its statuses are written.
    Revoked,
    /// Statuses that were written are shown.
    StatusesShown,
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
#[derive(Clone, Default)]
pub(super) struct Visible {
    /// Set once the internal topics were read: what takes long from then on is a trouble, not the start.
    pub(super) ready: bool,
    /// What is in the way of taking part in the group, for `/health`.
    pub(super) trouble: Option<String>,
    /// A round was received, and the tenure it came with has not been lost since.
    pub(super) member: bool,
    /// What the last round asked for has been commanded.
    pub(super) resolved: bool,
    /// The protocol that the group agreed on.
    pub(super) version: Option<ProtocolVersion>,
}

/// What the last round of this tenure brought.
pub(super) struct Round {
    pub(super) generation: i32,
    /// Nothing of it starts: everything stops, and the next round counts.
    pub(super) stops: bool,
    pub(super) assignment: Assignment,
    /// As its leader found: members that have read the config topic further.
    pub(super) ahead: Vec<MemberAhead>,
}

impl Round {
    /// The leader could assign nothing.
    pub(super) fn has_failed(&self) -> bool {
        self.assignment.error != AssignmentError::None
    }
}

/// The state of the loop.
pub(super) struct Service {
    pub(super) options: DistributedOptions,
    pub(super) stages: Stages,
    pub(super) visible: watch::Sender<Visible>,
    pub(super) lanes: ConnectorLanes,
    /// Connector instances that were commanded to run here.
    pub(super) instances: BTreeMap<String, Instance>,
    /// Connector instances that were commanded to stop for good and have not said so.
    pub(super) stopping_instances: BTreeSet<String>,
    /// Starts of instances so far; the number tells late reports from current ones.
    pub(super) attempts: u64,
    /// Tasks that were commanded to run here, those that failed at once included.
    pub(super) tasks: BTreeSet<ConnectorTaskId>,
    /// Tasks whose stop was commanded and is not confirmed.
    pub(super) stopping: BTreeSet<ConnectorTaskId>,
    /// What is this worker's, running or not, as the group gave it.
    pub(super) held: ConnectorsAndTasks,
    /// Connectors that were configured at the last round: whichever comes besides is new to the group.
    pub(super) assigned: BTreeSet<String>,
    /// The last round, `None` before the first one of a tenure.
    pub(super) round: Option<Round>,
    /// Where this worker stood in the last round.
    pub(super) place: Place,
    /// Whether what the last round asked for has been commanded: work is started and requests are served.
    pub(super) resolved: bool,
    pub(super) catch_up: CatchUp,
    /// Something was revoked that has not been confirmed.
    pub(super) revoking: bool,
    /// The statuses of what was revoked are being written.
    pub(super) flushing: bool,
    /// They are, which calls for a rejoin without delay.
    pub(super) revocation_done: bool,
    /// A membership that is about to join.
    pub(super) offer_to: Option<oneshot::Sender<Offer>>,
    /// When a delayed assignment asks for the next round.
    pub(super) rejoin_at: Option<Instant>,
    /// Ask the membership to join again at the next turn.
    pub(super) wants_rejoin: bool,
    /// Since when.
    pub(super) wanted_since: Option<Instant>,
    /// A join is asked for, due or under way: what runs goes on running, nothing is started.
    pub(super) rejoining: bool,
    pub(super) retries: TaskConfigRetries,
    pub(super) fencings: ZombieFencings,
    pub(super) session_keys: SessionKeys,
    pub(super) stale_statuses: StaleStatuses,
    /// The generation of task configs that each task was last started with.
    pub(super) generations: HashMap<ConnectorTaskId, i32>,
    /// The fingerprint of the resolved config that each connector's tasks were committed for.
    pub(super) applied: HashMap<String, u64>,
    pub(super) reports: mpsc::UnboundedSender<Report>,
    /// What runs beside the loop under this tenure.
    pub(super) beside: JoinSet<()>,
    pub(super) waiting: VecDeque<Request>,
    pub(super) membership: mpsc::UnboundedSender<MembershipCommand>,
    pub(super) rebalances: RebalanceMetrics,
    /// The leader's right to write was claimed since this worker leads.
    claimed: bool,
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
            instances: BTreeMap::new(),
            stopping_instances: BTreeSet::new(),
            attempts: 0,
            tasks: BTreeSet::new(),
            stopping: BTreeSet::new(),
            held: ConnectorsAndTasks::default(),
            assigned: BTreeSet::new(),
            round: None,
            place: Place::default(),
            resolved: false,
            catch_up: CatchUp::default(),
            revoking: false,
            flushing: false,
            revocation_done: false,
            offer_to: None,
            rejoin_at: None,
            wants_rejoin: false,
            wanted_since: None,
            rejoining: false,
            retries: TaskConfigRetries::default(),
            fencings: ZombieFencings::default(),
            session_keys: SessionKeys::default(),
            stale_statuses: StaleStatuses::default(),
            generations: HashMap::new(),
            applied: HashMap::new(),
            reports,
            beside: JoinSet::new(),
            waiting: VecDeque::new(),
            membership,
            rebalances,
            claimed: false,
            announced: false,
        }
    }

    pub(super) async fn work(mut self, mut inbox: Inbox) {
        loop {
            self.catch_up();
            self.rejoin_if_wanted();
            self.reconcile();
            self.confirm_revocation();
            self.offer();
            self.rotate_session_key();
            while self.beside.try_join_next().is_some() {}
            let stage = if self.resolved { POLLING } else { JOINING };
            let serve = self.resolved && !self.waiting.is_empty();
            match inbox.next(&self.stages, stage, serve, self.wakes()).await {
                Event::Request(request) => self.wait_for_turn(request),
                Event::Serve => self.serve(&mut inbox).await,
                Event::Update(update) => self.apply_update(update),
                Event::Membership(event) => self.apply_membership(event, &mut inbox),
                Event::Worker(event) => self.apply_worker_event(event),
                Event::Report(report) => self.apply_report(report),
                Event::Due => {}
                Event::Stop => break,
            }
        }
        self.shut_down(inbox).await;
    }

    /// The config topic as last read.
    pub(super) fn snapshot(&self) -> Arc<ClusterConfigState> {
        self.options.configs.snapshot()
    }

    /// When the loop has to look again, whatever comes.
    fn wakes(&self) -> Option<Instant> {
        let delayed = if self.rejoining { None } else { self.rejoin_at };
        [delayed, self.catch_up.wakes(), self.session_key_due()].into_iter().flatten().min()
    }

    /// Runs `work` beside the loop for as long as the tenure lasts.
    pub(super) fn beside(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.beside.spawn(work);
    }

    /// What was assigned may begin.
    pub(super) fn resolve(&mut self) {
        self.resolved = true;
        self.assigned = self.snapshot().connectors().map(str::to_owned).collect();
        self.caught_up_with_the_round();
        self.rebalances.completed();
        self.claim_as_leader();
        self.look_for_stale_statuses();
        self.visible.send_modify(|visible| visible.resolved = true);
        if !std::mem::replace(&mut self.announced, true) {
            info!("the worker is ready");
        }
    }

    pub(super) fn unresolve(&mut self) {
        self.resolved = false;
        self.visible.send_modify(|visible| visible.resolved = false);
    }

    /// A new leader fences the writes of the one before it. In turn with the requests, because it may take long.
    fn claim_as_leader(&mut self) {
        let leads = self.require_leader().is_ok();
        if leads && !std::mem::replace(&mut self.claimed, leads) {
            self.do_later(|service| {
                Box::pin(async move {
                    if service.require_leader().is_ok() {
                        service.claim_write_privileges().await;
                    }
                })
            });
        }
        self.claimed = leads;
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

    fn apply_membership(&mut self, event: MembershipEvent, inbox: &mut Inbox) {
        match event {
            MembershipEvent::JoinDue { version, offer } => self.join_is_due(version, offer),
            MembershipEvent::Assigned(result) => self.assigned(result),
            MembershipEvent::Lost(reason) => self.end_tenure(&reason, inbox),
        }
    }

    pub(super) fn take_place(&mut self, place: Place) {
        self.visible.send_modify(|visible| {
            visible.member = true;
            visible.version = place.version();
        });
        self.place = place;
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
            Report::Published { connector, fingerprint, sent, reply } => {
                self.published_by_leader(connector, fingerprint, sent, reply);
            }
            Report::LeaderFenced { fencing, fenced } => self.leader_fenced(fencing, fenced),
            Report::FenceAgain(fencing) => self.do_later(|service| Box::pin(service.fence_for_task(fencing))),
            Report::ZombiesFenced { connector, fenced } => self.zombies_fenced(connector, fenced),
            Report::CaughtUp(read) => self.caught_up(read),
            Report::Revoked => self.revoked(),
            Report::StatusesShown => self.statuses_shown(),
            Report::ConnectorsStopped(connectors) => {
                for connector in connectors {
                    self.stopping_instances.remove(&connector);
                }
                self.look_for_stale_statuses();
            }
        }
    }
}
