//! What this worker asks of others: the leader writes task configs and fences for all.

use async_trait::async_trait;

use crate::internal_request::InternalRequest;

/// Other workers, as the loop reaches them. Implemented by the REST client and by the cluster simulator.
#[async_trait]
pub trait Peers: Send + Sync {
    /// `POST /connectors/C/tasks` at the leader: the body is the set of task configs. Returns when they are committed. Cancel safe
    /// as far as this worker goes; the leader may carry it out all the same.
    ///
    /// # Errors
    /// The leader refused, or it cannot be reached.
    async fn put_task_configs(
        &self,
        leader_url: &str,
        connector: &str,
        request: InternalRequest,
    ) -> Result<(), PeerError>;

    /// `PUT /connectors/C/fence` at the leader, with an empty body. Returns when nothing of earlier tasks can write any more.
    ///
    /// # Errors
    /// As for [`Peers::put_task_configs`].
    async fn fence_zombies(&self, leader_url: &str, connector: &str, request: InternalRequest)
    -> Result<(), PeerError>;
}

/// Why another worker did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// It answered with an error.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The `message` of its answer.
        message: String,
    },
    /// No answer came: the network, TLS, or the time was up.
    #[error("IO Error trying to forward REST request: {0}")]
    Io(String),
}

/// Nobody else is there: every request fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPeers;

#[async_trait]
impl Peers for NoPeers {
    async fn put_task_configs(&self, leader_url: &str, _: &str, _: InternalRequest) -> Result<(), PeerError> {
        Err(nobody(leader_url))
    }

    async fn fence_zombies(&self, leader_url: &str, _: &str, _: InternalRequest) -> Result<(), PeerError> {
        Err(nobody(leader_url))
    }
}

fn nobody(leader_url: &str) -> PeerError {
    PeerError::Io(format!("this worker cannot reach others, {leader_url} among them"))
}
