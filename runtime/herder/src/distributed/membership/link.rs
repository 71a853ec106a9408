//! The group coordinator as one member sees it.

use async_trait::async_trait;
use bytes::Bytes;
use sluice_kafka::wire::{Error, GroupMember, GroupPulse, HeartbeatOutcome, Joined};

/// What the membership needs of the coordinator. Implemented by the wire client and by the simulator. Every call may be dropped
/// half-way and made again.
#[async_trait]
pub(crate) trait GroupLink: Send {
    /// Finds the coordinator and joins with what is offered, most wanted first; waits for the other members. One attempt.
    async fn join(&mut self, protocols: &[(String, Bytes)]) -> Result<Joined, Error>;
    /// Hands in every member's assignment as leader, nothing otherwise; gets this member's own.
    async fn sync(&mut self, assignments: Vec<(String, Bytes)>) -> Result<Bytes, Error>;
    /// Tells the coordinator that this member lives.
    async fn heartbeat(&mut self) -> Result<HeartbeatOutcome, Error>;
    /// Leaves the group; the next join is that of a new member.
    async fn leave(&mut self) -> Result<(), Error>;
    /// A heart that beats beside a pending join, on a connection of its own, for the generation of now; `None` before the first.
    fn pulse(&self) -> Option<Box<dyn Pulse>>;
}

/// See [`GroupLink::pulse`].
#[async_trait]
pub(crate) trait Pulse: Send {
    /// As [`GroupLink::heartbeat`].
    async fn beat(&mut self) -> Result<HeartbeatOutcome, Error>;
}

#[async_trait]
impl GroupLink for GroupMember {
    async fn join(&mut self, protocols: &[(String, Bytes)]) -> Result<Joined, Error> {
        self.try_join(protocols).await
    }

    async fn sync(&mut self, assignments: Vec<(String, Bytes)>) -> Result<Bytes, Error> {
        self.sync(assignments).await
    }

    async fn heartbeat(&mut self) -> Result<HeartbeatOutcome, Error> {
        self.heartbeat().await
    }

    async fn leave(&mut self) -> Result<(), Error> {
        self.leave().await
    }

    fn pulse(&self) -> Option<Box<dyn Pulse>> {
        Some(Box::new(self.pulse()?))
    }
}

#[async_trait]
impl Pulse for GroupPulse {
    async fn beat(&mut self) -> Result<HeartbeatOutcome, Error> {
        self.beat().await
    }
}
