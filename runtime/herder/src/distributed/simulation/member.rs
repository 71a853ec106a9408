//! The coordinator as one worker reaches it: the seams of the membership.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sluice_kafka::wire::{Error, HeartbeatOutcome, Joined};
use tokio::time::timeout;

use super::coordinator::{Answer, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, Request, UNKNOWN_MEMBER_ID};
use super::planted::Planted;
use super::world::{Clock, ProcessId, World};
use crate::distributed::membership::{GroupLink, Pulse};
use crate::group::Assignment;

/// The times of the group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) heartbeat: Duration,
    pub(super) session: Duration,
    pub(super) rebalance: Duration,
}

/// As the wire client waits for the answer to a join or sync.
const JOIN_MARGIN: Duration = Duration::from_secs(5);

/// A process's way to the coordinator.
#[derive(Clone)]
struct Line {
    world: World,
    process: ProcessId,
    clock: Clock,
    times: Times,
}

impl Line {
    async fn ask(&self, request: Request, limit: Duration) -> Result<Answer, Error> {
        let api = request.api();
        let answer = self.world.state().call(self.process, self.clock.now(), request);
        self.clock.sent.notify_one();
        let broken = |reason: &str| Error::Disconnected {
            address: "broker:9092".to_owned(),
            api,
            source: io::Error::other(reason.to_owned()),
        };
        match timeout(limit, answer).await {
            Ok(Ok(Answer::Error(code))) => Err(failed(api, code)),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(broken("the connection broke")),
            Err(_) => Err(broken("no answer")),
        }
    }

    async fn beat(&self, member_id: &str, generation: i32) -> Result<HeartbeatOutcome, Error> {
        let request = Request::Heartbeat { member_id: member_id.to_owned(), generation };
        let stale = self.world.state().planted == Planted::StaleGeneration;
        match self.ask(request, self.times.session.min(self.times.heartbeat * 2)).await {
            Ok(_) => Ok(HeartbeatOutcome::Ok),
            Err(Error::Disconnected { .. }) => Ok(HeartbeatOutcome::CoordinatorMoved),
            Err(error) => match code(&error) {
                REBALANCE_IN_PROGRESS => Ok(HeartbeatOutcome::RebalanceInProgress),
                UNKNOWN_MEMBER_ID | ILLEGAL_GENERATION if stale => Ok(HeartbeatOutcome::Ok),
                UNKNOWN_MEMBER_ID => Ok(HeartbeatOutcome::UnknownMember),
                ILLEGAL_GENERATION => Ok(HeartbeatOutcome::IllegalGeneration),
                _ => Err(error),
            },
        }
    }
}

fn failed(api: &'static str, code: i16) -> Error {
    Error::check(api, "sim", code).expect_err("the coordinator answers with error codes alone")
}

fn code(error: &Error) -> i16 {
    use sluice_kafka::wire::ErrorKind as Kind;
    match error.kind() {
        Kind::RebalanceInProgress => REBALANCE_IN_PROGRESS,
        Kind::UnknownMember => UNKNOWN_MEMBER_ID,
        Kind::IllegalGeneration => ILLEGAL_GENERATION,
        _ => 0,
    }
}

/// One membership, as `GroupMember` is on a wire: every call is one attempt.
pub(super) struct SimMember {
    line: Line,
    member_id: String,
    generation: i32,
    /// The generation that a pulse beats for.
    last_generation: i32,
}

impl SimMember {
    pub(super) fn new(world: World, process: ProcessId, clock: Clock, times: Times) -> Self {
        let line = Line { world, process, clock, times };
        Self { line, member_id: String::new(), generation: -1, last_generation: -1 }
    }

    fn forget_lost_membership(&mut self, error: &Error) {
        match code(error) {
            UNKNOWN_MEMBER_ID => {
                self.member_id.clear();
                (self.generation, self.last_generation) = (-1, -1);
            }
            ILLEGAL_GENERATION => self.generation = -1,
            _ => {}
        }
    }
}

#[async_trait]
impl GroupLink for SimMember {
    async fn join(&mut self, protocols: &[(String, Bytes)]) -> Result<Joined, Error> {
        self.generation = -1;
        loop {
            let Times { session, rebalance, .. } = self.line.times;
            let (member_id, protocols) = (self.member_id.clone(), protocols.to_vec());
            let request = Request::Join { member_id, protocols, session, rebalance };
            match self.line.ask(request, rebalance + JOIN_MARGIN).await {
                Ok(Answer::Joined(joined)) => {
                    (self.generation, self.last_generation) = (joined.generation, joined.generation);
                    return Ok(joined);
                }
                Ok(Answer::MemberIdRequired(id)) => self.member_id = id,
                Ok(other) => unreachable!("{other:?} is no answer to a join"),
                Err(error) => {
                    self.forget_lost_membership(&error);
                    return Err(error);
                }
            }
        }
    }

    async fn sync(&mut self, assignments: Vec<(String, Bytes)>) -> Result<Bytes, Error> {
        let (member_id, generation) = (self.member_id.clone(), self.generation);
        let request = Request::Sync { member_id, generation, assignments };
        match self.line.ask(request, self.line.times.rebalance + JOIN_MARGIN).await {
            Ok(Answer::Synced(bytes)) if self.line.world.state().planted == Planted::LostRevocation => {
                Ok(without_revocations(bytes))
            }
            Ok(Answer::Synced(bytes)) => Ok(bytes),
            Ok(other) => unreachable!("{other:?} is no answer to a sync"),
            Err(error) => {
                self.forget_lost_membership(&error);
                Err(error)
            }
        }
    }

    async fn heartbeat(&mut self) -> Result<HeartbeatOutcome, Error> {
        let outcome = self.line.beat(&self.member_id, self.generation).await;
        match outcome {
            Ok(HeartbeatOutcome::UnknownMember) => self.forget_lost_membership(&failed("Heartbeat", UNKNOWN_MEMBER_ID)),
            Ok(HeartbeatOutcome::IllegalGeneration) => self.generation = -1,
            _ => {}
        }
        outcome
    }

    async fn leave(&mut self) -> Result<(), Error> {
        (self.generation, self.last_generation) = (-1, -1);
        if self.member_id.is_empty() {
            return Ok(());
        }
        let request = Request::Leave { member_id: std::mem::take(&mut self.member_id) };
        match self.line.ask(request, self.line.times.session).await {
            Err(error) if code(&error) != UNKNOWN_MEMBER_ID => Err(error),
            _ => Ok(()),
        }
    }

    fn pulse(&self) -> Option<Box<dyn Pulse>> {
        let beats = self.last_generation >= 0 && !self.member_id.is_empty();
        let (line, member_id, generation) = (self.line.clone(), self.member_id.clone(), self.last_generation);
        beats.then(|| Box::new(SimPulse { line, member_id, generation }) as Box<dyn Pulse>)
    }
}

struct SimPulse {
    line: Line,
    member_id: String,
    generation: i32,
}

#[async_trait]
impl Pulse for SimPulse {
    async fn beat(&mut self) -> Result<HeartbeatOutcome, Error> {
        self.line.beat(&self.member_id, self.generation).await
    }
}

/// The planted bug: the worker does not see what it has to give up.
fn without_revocations(bytes: Bytes) -> Bytes {
    let Ok(mut assignment) = Assignment::decode(&bytes) else { return bytes };
    assignment.revoked = Default::default();
    assignment.encode(crate::group::ProtocolVersion::V2)
}
