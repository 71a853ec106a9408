//! The membership of this worker in the Connect group: a task of its own that joins, syncs, heartbeats and reports.
//!
//! Invariant 5: it keeps the tenure, see [`beats`], and whatever it is doing when that ends, it reports [`MembershipEvent::Lost`] and
//! joins again with empty hands. A request to leave is heard at any time; the tenure ends before the group is left.

mod beats;
mod link;
mod seat;
#[cfg(test)]
mod tests;

use std::time::Duration;

use sluice_kafka::Tenure;
use sluice_kafka::wire::{ErrorKind, GroupMember, HeartbeatOutcome, Joined, Reachability};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

use self::beats::{Beats, UNREACHABLE, end_of};
use super::options::DistributedOptions;
use crate::group::{Assignment, ConnectorsAndTasks, MemberAhead, Owners, ProtocolVersion, RoundOutcome};

pub(in crate::distributed) use self::beats::GroupTimes;
pub(crate) use self::link::GroupLink;
#[cfg(test)]
pub(crate) use self::link::Pulse;
pub(in crate::distributed) use self::seat::Seat;

/// How often an outage of the cluster is said in the log.
const OUTAGE_NOTICE_INTERVAL: Duration = Duration::from_secs(60);

/// How long the good-bye to the group may take.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Between two attempts to join.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What the membership tells the herder's loop.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one message a round")]
pub(super) enum MembershipEvent {
    /// A join is due: answer with what is held, as soon as nothing that was taken away still runs. An offer that is dropped is waited
    /// for until a command comes.
    JoinDue {
        /// What the group spoke in the last round of this tenure.
        version: Option<ProtocolVersion>,
        offer: oneshot::Sender<Offer>,
    },
    /// A round is over and this is our part.
    Assigned(RoundResult),
    /// The tenure is over, already when this is sent: run nothing. Comes before the next [`MembershipEvent::JoinDue`], whose answer
    /// says that nothing of the ended tenure acts any more, and makes one that waits void.
    Lost(String),
}

/// What this worker brings into a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    /// How far it has read the config topic.
    pub(super) config_offset: i64,
    /// What it holds; `None` before its first round.
    pub(super) held: Option<ConnectorsAndTasks>,
}

/// What a round has brought.
#[derive(Clone, Debug)]
pub(super) struct RoundResult {
    pub(super) generation: i32,
    pub(super) version: ProtocolVersion,
    pub(super) assignment: Assignment,
    /// Set when this worker led the round.
    pub(super) led: Option<Led>,
}

/// What the leader of a round knows besides.
#[derive(Clone, Debug, Default)]
pub(super) struct Led {
    pub(super) owners: Owners,
    /// Members that have read further than this worker.
    pub(super) ahead: Vec<MemberAhead>,
}

/// What the herder's loop tells the membership.
#[derive(Debug)]
pub(super) enum MembershipCommand {
    /// Join again, because what is configured has changed.
    Rejoin,
    /// Leave the group until [`MembershipCommand::StepIn`]; nothing runs any more.
    StepOut,
    /// Join again after a step out.
    StepIn,
    /// Leave the group and end.
    Leave(oneshot::Sender<()>),
}

/// Both ends that the herder's loop holds.
pub(super) type MembershipChannels =
    (mpsc::UnboundedSender<MembershipCommand>, mpsc::UnboundedReceiver<MembershipEvent>);

/// What follows a round.
enum Next {
    Rejoin,
    /// Join after a heartbeat interval.
    Wait,
    StepOut,
    Leave(oneshot::Sender<()>),
}

/// What interrupts a step of a round.
enum Interruption {
    Command(Next),
    Lost(&'static str),
}

/// One membership, from start to leave.
pub(super) struct Membership {
    link: Box<dyn GroupLink>,
    seat: Seat,
    beats: Beats,
    /// What the group spoke in the last round of this tenure.
    version: Option<ProtocolVersion>,
    commands: mpsc::UnboundedReceiver<MembershipCommand>,
    events: mpsc::UnboundedSender<MembershipEvent>,
}

impl Membership {
    /// Starts the task. It ends after [`MembershipCommand::Leave`].
    pub(super) fn spawn(options: &DistributedOptions) -> MembershipChannels {
        let group = options.group.clone();
        let times = GroupTimes {
            heartbeat: group.heartbeat_interval,
            session: group.session_timeout,
            rebalance: group.rebalance_timeout,
        };
        let max_delay_ms = i32::try_from(options.scheduled_rebalance_max_delay.as_millis()).unwrap_or(i32::MAX);
        let (url, configs) = (options.advertised_url.clone(), options.configs.clone());
        let seat = Seat::new(options.connect_protocol, url, configs, max_delay_ms);
        let member = GroupMember::new(group);
        tokio::spawn(tell_of_outages(member.reachability()));
        Self::drive(Box::new(member), seat, options.tenure.clone(), times)
    }

    /// As [`Membership::spawn`], with that link to the coordinator.
    pub(super) fn drive(link: Box<dyn GroupLink>, seat: Seat, tenure: Tenure, times: GroupTimes) -> MembershipChannels {
        let (command_tx, commands) = mpsc::unbounded_channel();
        let (events, event_rx) = mpsc::unbounded_channel();
        let beats = Beats::new(tenure, times);
        tokio::spawn(Self { link, seat, beats, version: None, commands, events }.run());
        (command_tx, event_rx)
    }

    async fn run(mut self) {
        let done = loop {
            let next = match self.round().await {
                Next::Wait => self.pause().await,
                next => next,
            };
            match next {
                Next::Rejoin | Next::Wait => {}
                Next::StepOut => {
                    if let Some(done) = self.stay_out().await {
                        break done;
                    }
                }
                Next::Leave(done) => break done,
            }
        };
        self.leave().await;
        if done.send(()).is_err() {
            debug!("the herder did not wait for the good-bye to the group");
        }
    }

    /// One generation: join, sync, heartbeat until something changes.
    async fn round(&mut self) -> Next {
        match self.take_part().await {
            Ok(result) => {
                self.send(MembershipEvent::Assigned(result));
                self.heartbeats().await
            }
            Err(next) => next,
        }
    }

    async fn take_part(&mut self) -> Result<RoundResult, Next> {
        let offer = self.offer().await?;
        let joined = self.join(offer).await?;
        debug!(generation = joined.generation, protocol = joined.protocol, "joined the group");
        let Some(version) = ProtocolVersion::from_name(&joined.protocol) else {
            warn!(protocol = joined.protocol, "the group has agreed on a protocol that this worker does not know");
            self.lost("the group speaks an unknown protocol");
            return Err(Next::Wait);
        };
        // Also when the round fails: an eager join stops everything first.
        self.version = Some(version);
        let outcome = joined.is_leader().then(|| self.seat.lead(&joined, version));
        let (assignments, led) = match outcome {
            Some(RoundOutcome { assignments, owners, ahead, .. }) => (assignments, Some(Led { owners, ahead })),
            None => (Vec::new(), None),
        };
        let assignment = self.sync(assignments, &joined, version).await?;
        Ok(RoundResult { generation: joined.generation, version, assignment, led })
    }

    /// Asks the loop for what is held, with heartbeats meanwhile.
    async fn offer(&mut self) -> Result<Offer, Next> {
        let (offer_tx, offered) = oneshot::channel();
        self.send(MembershipEvent::JoinDue { version: self.version, offer: offer_tx });
        let mut offered = std::pin::pin!(async {
            match offered.await {
                Ok(offer) => offer,
                Err(_) => std::future::pending().await,
            }
        });
        loop {
            let (end, next) = (self.beats.end(), self.beats.next());
            let beat = async {
                sleep_until(next).await;
                (Instant::now(), self.link.heartbeat().await)
            };
            let (sent, outcome) = tokio::select! {
                biased;
                next = way_out(&mut self.commands) => return Err(next),
                () = end_of(end) => return Err(self.lost(UNREACHABLE)),
                offer = &mut offered => return Ok(offer),
                beat = beat, if end.is_some() => beat,
            };
            if let Some(reason) = self.beats.heard(sent, outcome) {
                return Err(self.lost(reason));
            }
        }
    }

    /// Joins with what was offered, as often as it takes.
    async fn join(&mut self, offer: Offer) -> Result<Joined, Next> {
        let protocols = self.seat.offer(offer);
        let mut pause = FIRST_PAUSE;
        loop {
            let pulse = if self.beats.holding() { self.link.pulse() } else { None };
            self.beats.begin_join(pulse);
            let sent = Instant::now();
            let attempt = beside(&mut self.beats, &mut self.commands, self.link.join(&protocols)).await;
            self.beats.join_failed();
            match attempt {
                Ok(Ok(joined)) => {
                    self.beats.joined(sent, self.link.pulse());
                    return Ok(joined);
                }
                Ok(Err(error)) if error.kind() == ErrorKind::UnknownMember && self.beats.holding() => {
                    return Err(self.lost("the group has dropped this worker"));
                }
                Ok(Err(error)) if error.wants_rejoin() => debug!(%error, "joining again"),
                Ok(Err(error)) => {
                    warn!(%error, "cannot join the group; trying again");
                    self.lost("the group refuses this worker");
                    return Err(Next::Wait);
                }
                Err(interruption) => return Err(self.interrupted(interruption)),
            }
            let waited = beside(&mut self.beats, &mut self.commands, sleep(pause)).await;
            waited.map_err(|interruption| self.interrupted(interruption))?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Hands in what was computed, if anything, and gets this worker's part; the tenure is held then.
    async fn sync(
        &mut self,
        assignments: Vec<(String, bytes::Bytes)>,
        joined: &Joined,
        version: ProtocolVersion,
    ) -> Result<Assignment, Next> {
        let (generation, leads) = (joined.generation, joined.is_leader());
        let sent = Instant::now();
        let synced = beside(&mut self.beats, &mut self.commands, self.link.sync(assignments)).await;
        let bytes = match synced {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) if matches!(error.kind(), ErrorKind::UnknownMember | ErrorKind::IllegalGeneration) => {
                return Err(self.lost("the group has gone on without this worker"));
            }
            Ok(Err(error)) if error.wants_rejoin() => {
                debug!(%error, "joining again");
                return Err(Next::Rejoin);
            }
            Ok(Err(error)) => {
                warn!(%error, "cannot take part in the round; trying again");
                self.lost("the group refuses this worker");
                return Err(Next::Wait);
            }
            Err(interruption) => return Err(self.interrupted(interruption)),
        };
        let assignment = match self.seat.received(generation, version, &bytes) {
            Ok(assignment) => assignment,
            Err(error) => {
                warn!(%error, "the assignment cannot be read; joining again with empty hands");
                self.lost(&format!("the assignment cannot be read: {error}"));
                return Err(Next::Wait);
            }
        };
        let lives_since = self.confirm(leads.then_some(sent)).await?;
        if self.beats.synced(lives_since) { Ok(assignment) } else { Err(self.lost(UNREACHABLE)) }
    }

    /// Since when the coordinator counts our session in the new generation, at the earliest. What the leader handed in has restarted
    /// it; a follower's sync has not when the round was complete by then, so a follower that has not beaten since beats now.
    async fn confirm(&mut self, handed_in: Option<Instant>) -> Result<Instant, Next> {
        if let Some(since) = handed_in.or(self.beats.confirmed()) {
            return Ok(since);
        }
        let end = self.beats.end();
        let beat = async { (Instant::now(), self.link.heartbeat().await) };
        let (sent, outcome) = tokio::select! {
            biased;
            next = way_out(&mut self.commands) => return Err(next),
            () = end_of(end) => return Err(self.lost(UNREACHABLE)),
            beat = beat => beat,
        };
        let lives = matches!(outcome, Ok(HeartbeatOutcome::Ok | HeartbeatOutcome::RebalanceInProgress));
        match self.beats.heard(sent, outcome) {
            Some(reason) => Err(self.lost(reason)),
            None if lives => Ok(sent),
            None => Err(Next::Rejoin),
        }
    }

    /// Heartbeats until the group rebalances, we are asked to rejoin or leave, or we are out of the group.
    async fn heartbeats(&mut self) -> Next {
        loop {
            let (end, next) = (self.beats.end(), self.beats.next());
            let beat = async {
                sleep_until(next).await;
                (Instant::now(), self.link.heartbeat().await)
            };
            let (sent, outcome) = tokio::select! {
                biased;
                () = end_of(end) => return self.lost(UNREACHABLE),
                command = self.commands.recv() => match command {
                    Some(MembershipCommand::Rejoin) => return Next::Rejoin,
                    Some(MembershipCommand::StepOut) => return Next::StepOut,
                    Some(MembershipCommand::Leave(done)) => return Next::Leave(done),
                    Some(MembershipCommand::StepIn) => continue,
                    None => return Next::Leave(oneshot::channel().0),
                },
                beat = beat => beat,
            };
            let rebalances = matches!(outcome, Ok(HeartbeatOutcome::RebalanceInProgress));
            if let Some(reason) = self.beats.heard(sent, outcome) {
                return self.lost(reason);
            }
            if rebalances {
                return Next::Rejoin;
            }
        }
    }

    /// The tenure is over; says so when the herder has work under it, and joins again with empty hands.
    fn lost(&mut self, reason: &str) -> Next {
        self.version = None;
        if self.beats.lose() {
            self.send(MembershipEvent::Lost(reason.to_owned()));
        }
        Next::Rejoin
    }

    fn interrupted(&mut self, interruption: Interruption) -> Next {
        self.beats.join_failed();
        match interruption {
            Interruption::Command(next) => next,
            Interruption::Lost(reason) => self.lost(reason),
        }
    }

    async fn pause(&mut self) -> Next {
        let pause = self.beats.times().heartbeat;
        match beside(&mut self.beats, &mut self.commands, sleep(pause)).await {
            Ok(()) => Next::Rejoin,
            Err(interruption) => self.interrupted(interruption),
        }
    }

    /// Out of the group until the herder wants in again; `Some` when it wants to end instead.
    async fn stay_out(&mut self) -> Option<oneshot::Sender<()>> {
        self.leave().await;
        loop {
            match self.commands.recv().await {
                Some(MembershipCommand::StepIn) => return None,
                Some(MembershipCommand::Rejoin | MembershipCommand::StepOut) => {}
                Some(MembershipCommand::Leave(done)) => return Some(done),
                None => return Some(oneshot::channel().0),
            }
        }
    }

    /// Invariant 5: whoever gets our work gets it after our tenure.
    async fn leave(&mut self) {
        self.beats.lose();
        self.version = None;
        match timeout(LEAVE_TIMEOUT, self.link.leave()).await {
            Ok(Ok(())) => info!("left the group"),
            Ok(Err(error)) => {
                warn!(%error, "could not say good-bye to the group; it will notice after the session time-out");
            }
            Err(_) => warn!("the group does not answer the good-bye; it will notice after the session time-out"),
        }
    }

    fn send(&self, event: MembershipEvent) {
        // The loop has ended when nobody receives; then there is nothing to tell.
        drop(self.events.send(event));
    }
}

/// Waits for `work` while the tenure is kept.
async fn beside<T>(
    beats: &mut Beats,
    commands: &mut mpsc::UnboundedReceiver<MembershipCommand>,
    work: impl Future<Output = T>,
) -> Result<T, Interruption> {
    tokio::select! {
        biased;
        next = way_out(commands) => Err(Interruption::Command(next)),
        reason = beats.keep() => Err(Interruption::Lost(reason)),
        done = work => Ok(done),
    }
}

/// The next request to leave; requests to rejoin are what is being done already. A herder that is gone wants to leave too.
async fn way_out(commands: &mut mpsc::UnboundedReceiver<MembershipCommand>) -> Next {
    loop {
        match commands.recv().await {
            Some(MembershipCommand::Rejoin | MembershipCommand::StepIn) => {}
            Some(MembershipCommand::StepOut) => return Next::StepOut,
            Some(MembershipCommand::Leave(done)) => return Next::Leave(done),
            None => return Next::Leave(oneshot::channel().0),
        }
    }
}

/// Says once a minute that the cluster cannot be reached, and why.
async fn tell_of_outages(mut state: watch::Receiver<Reachability>) {
    loop {
        let reason = match &*state.borrow_and_update() {
            Reachability::Unreachable { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        if let Some(reason) = reason {
            warn!(reason, "Kafka cannot be reached; trying again");
            tokio::time::sleep(OUTAGE_NOTICE_INTERVAL).await;
        }
        if state.changed().await.is_err() {
            return;
        }
    }
}
