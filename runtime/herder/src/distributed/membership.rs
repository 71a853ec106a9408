//! The membership of this worker in the Connect group: a task of its own that joins, syncs, heartbeats and reports.
//!
//! Invariant 5: what was assigned is ours until the session ends that the last answered heartbeat began. Whatever this task is
//! doing then, it reports [`MembershipEvent::Lost`]. A request to leave is heard at any time.

#[allow(dead_code, reason = "the loop takes it with the next change")]
mod link;
mod seat;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use sluice_kafka::wire::{Error, GroupConfig, GroupMember, HeartbeatOutcome, Reachability};
use sluice_storage::ConfigBackingStore;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tracing::{debug, info, warn};

use self::seat::{Seat, Taken};
use crate::group::{Assignment, ConnectProtocol, DecodeError};

/// How often an outage of the cluster is said in the log.
const OUTAGE_NOTICE_INTERVAL: Duration = Duration::from_secs(60);

/// How long the good-bye to the group may take.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the membership tells the herder's loop.
#[derive(Debug)]
pub(super) enum MembershipEvent {
    /// A round is over and this is our part.
    Assigned {
        /// The group's generation.
        generation: i32,
        /// The protocol that the group agreed on.
        protocol: String,
        /// What we shall run, as of which config offset, and who leads.
        assignment: Assignment,
    },
    /// Somebody else is in the group: run nothing until we are alone.
    OtherMember(String),
    /// The coordinator does not know us any more, or could not be reached for the session time-out: run nothing.
    Lost(String),
}

/// What the herder's loop tells the membership.
#[derive(Debug)]
pub(super) enum MembershipCommand {
    /// Join again, because what is configured has changed.
    Rejoin,
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
    Leave(oneshot::Sender<()>),
}

/// One membership, from start to leave.
pub(super) struct Membership {
    seat: Seat,
    heartbeat_interval: Duration,
    session_timeout: Duration,
    commands: mpsc::UnboundedReceiver<MembershipCommand>,
    events: mpsc::UnboundedSender<MembershipEvent>,
    /// When the session ends in which the herder has work; `None` while it has been told to run nothing.
    held_until: Option<Instant>,
    reported_other: Option<String>,
}

impl Membership {
    /// Starts the task. It ends after [`MembershipCommand::Leave`].
    pub(super) fn spawn(
        group: GroupConfig,
        protocol: ConnectProtocol,
        url: String,
        configs: Arc<dyn ConfigBackingStore>,
    ) -> MembershipChannels {
        let times = (group.heartbeat_interval, group.session_timeout);
        let member = GroupMember::new(group);
        tokio::spawn(tell_of_outages(member.reachability()));
        Self::drive(Seat::new(Box::new(member), protocol, url, configs), times)
    }

    fn drive(seat: Seat, (heartbeat_interval, session_timeout): (Duration, Duration)) -> MembershipChannels {
        let (command_tx, commands) = mpsc::unbounded_channel();
        let (events, event_rx) = mpsc::unbounded_channel();
        let membership = Self {
            seat,
            heartbeat_interval,
            session_timeout,
            commands,
            events,
            held_until: None,
            reported_other: None,
        };
        tokio::spawn(membership.run());
        (command_tx, event_rx)
    }

    async fn run(mut self) {
        let done = loop {
            let next = match self.round().await {
                Next::Wait => self.pause().await,
                next => next,
            };
            if let Next::Leave(done) = next {
                break done;
            }
        };
        self.leave().await;
        if done.send(()).is_err() {
            debug!("the herder did not wait for the good-bye to the group");
        }
    }

    /// One membership generation: take the seat, heartbeat until something changes.
    async fn round(&mut self) -> Next {
        let taken = tokio::select! {
            biased;
            done = leave_asked(&mut self.commands) => return Next::Leave(done),
            () = end_of(self.held_until) => return self.session_over(),
            taken = self.seat.take() => taken,
        };
        match taken {
            Ok(Taken::Alone { generation, protocol, assignment, heard }) => {
                self.report(generation, protocol, assignment);
                self.heartbeats(heard).await
            }
            Ok(Taken::Other { name, joined }) => self.stand_back(name, joined).await,
            Err(error) => self.after_failure(&error),
        }
    }

    fn report(&mut self, generation: i32, protocol: String, assignment: Result<Assignment, DecodeError>) {
        self.reported_other = None;
        match assignment {
            Ok(assignment) => self.send(MembershipEvent::Assigned { generation, protocol, assignment }),
            Err(error) => self.send(MembershipEvent::Lost(format!("the assignment cannot be read: {error}"))),
        }
    }

    /// Heartbeats until the group rebalances, we are asked to rejoin or leave, or we are out of the group. The session counts
    /// from when an answered heartbeat was sent, since the coordinator cannot have counted from earlier.
    async fn heartbeats(&mut self, mut heard: Instant) -> Next {
        let mut ticks = interval_at(Instant::now() + self.heartbeat_interval, self.heartbeat_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.held_until = Some(heard + self.session_timeout);
            let beat = async {
                ticks.tick().await;
                (Instant::now(), self.seat.member.heartbeat().await)
            };
            let (sent, outcome) = tokio::select! {
                biased;
                command = self.commands.recv() => return match command {
                    Some(MembershipCommand::Rejoin) => Next::Rejoin,
                    Some(MembershipCommand::Leave(done)) => Next::Leave(done),
                    None => Next::Leave(oneshot::channel().0),
                },
                () = end_of(self.held_until) => return self.session_over(),
                beat = beat => beat,
            };
            match outcome {
                Ok(HeartbeatOutcome::Ok) => heard = sent,
                Ok(HeartbeatOutcome::RebalanceInProgress) => return Next::Rejoin,
                Ok(HeartbeatOutcome::UnknownMember | HeartbeatOutcome::IllegalGeneration) => {
                    self.lost("the group has gone on without this worker".to_owned());
                    return Next::Rejoin;
                }
                Ok(HeartbeatOutcome::CoordinatorMoved) => debug!("the group coordinator has moved"),
                Err(error) => debug!(%error, "no answer to a heartbeat"),
            }
        }
    }

    /// Somebody else is in the group. What runs here stops; when something did, the group is not left but the session ends by
    /// itself, so that nobody is given our work before it has stopped (Invariant 5).
    async fn stand_back(&mut self, other: String, joined: bool) -> Next {
        let held = self.held_until.take().is_some();
        if held || self.reported_other.as_ref() != Some(&other) {
            warn!(member = other, "another worker is in the group; this one waits until it is alone and runs nothing");
            self.reported_other = Some(other.clone());
            self.send(MembershipEvent::OtherMember(other));
        }
        if joined && !held {
            self.leave().await;
        }
        Next::Wait
    }

    fn session_over(&mut self) -> Next {
        self.lost("the group coordinator cannot be reached".to_owned());
        Next::Rejoin
    }

    /// After an error that retrying inside the client did not heal. What may pass is tried again within the session.
    fn after_failure(&mut self, error: &Error) -> Next {
        if error.wants_rejoin() {
            debug!(%error, "joining again");
            return Next::Rejoin;
        }
        warn!(%error, "cannot join the group; trying again");
        if !error.is_retriable() {
            self.lost(error.to_string());
        }
        Next::Wait
    }

    async fn pause(&mut self) -> Next {
        tokio::select! {
            done = leave_asked(&mut self.commands) => Next::Leave(done),
            () = tokio::time::sleep(self.heartbeat_interval) => Next::Rejoin,
        }
    }

    async fn leave(&mut self) {
        match timeout(LEAVE_TIMEOUT, self.seat.member.leave()).await {
            Ok(Ok(())) => info!("left the group"),
            Ok(Err(error)) => {
                warn!(%error, "could not say good-bye to the group; it will notice after the session time-out");
            }
            Err(_) => warn!("the group does not answer the good-bye; it will notice after the session time-out"),
        }
    }

    /// Says so once: from then on the herder runs nothing.
    fn lost(&mut self, reason: String) {
        if self.held_until.take().is_some() {
            self.send(MembershipEvent::Lost(reason));
        }
    }

    fn send(&self, event: MembershipEvent) {
        // The loop has ended when nobody receives; then there is nothing to tell.
        drop(self.events.send(event));
    }
}

/// The next request to leave; requests to rejoin are what is being done already. A herder that is gone wants to leave too.
async fn leave_asked(commands: &mut mpsc::UnboundedReceiver<MembershipCommand>) -> oneshot::Sender<()> {
    loop {
        match commands.recv().await {
            Some(MembershipCommand::Rejoin) => {}
            Some(MembershipCommand::Leave(done)) => return done,
            None => return oneshot::channel().0,
        }
    }
}

/// Waits for the end of the session, for ever when there is none.
async fn end_of(session: Option<Instant>) {
    match session {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
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
