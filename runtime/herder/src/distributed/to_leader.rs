//! What a follower asks of its leader: to commit task configs (KIP-507), and to fence zombies (KIP-618).
//!
//! Requests run beside the loop and come back as reports. One that failed is made again after a pause that grows, to whoever leads by
//! then. Keeps Invariant 4: what the leader has committed comes back through the config topic, and an attempt whose answer was lost is
//! not repeated before the topic was read to its end.

use std::time::Duration;

use bytes::Bytes;
use sluice_worker::TaskConfigs;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::reconcile::answer;
use super::service::{Reply, Report, Service};
use crate::group::ProtocolVersion;
use crate::internal_request::{InternalRequest, MacAlgorithm};
use crate::{HerderError, PeerError};

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// For so long after the first attempt, a refused signature means that the key was replaced and has not been read yet.
const ROTATION: Duration = Duration::from_secs(60);

/// Attempts at one thing, with pauses from 250 ms that double to 60 s.
pub(super) struct Attempts {
    since: Instant,
    pause: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { since: Instant::now(), pause: FIRST_PAUSE }
    }
}

impl Attempts {
    /// How long to wait before the next one.
    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        pause
    }

    /// Whether the signature was refused because the key is being replaced.
    pub(super) fn is_rotation(&self, error: &PeerError) -> bool {
        matches!(error, PeerError::Refused { status: 403, .. }) && self.since.elapsed() < ROTATION
    }
}

/// Zombies that a task of this worker wants to be fenced before it starts.
pub(super) struct LeaderFencing {
    connector: String,
    reply: Reply<()>,
    attempts: Attempts,
}

impl LeaderFencing {
    pub(super) fn new(connector: String, reply: Reply<()>) -> Self {
        Self { connector, reply, attempts: Attempts::default() }
    }
}

impl Service {
    /// Sends the configs to the leader at this URL; a [`Report::Published`] follows.
    pub(super) fn send_task_configs(
        &mut self,
        leader: String,
        connector: String,
        configs: &TaskConfigs,
        reply: Option<Reply<()>>,
    ) {
        let fingerprint = configs.fingerprint;
        let body = serde_json::to_vec(&configs.configs).expect("text maps serialize");
        let request = match self.signed(Bytes::from(body)) {
            Ok(request) => request,
            Err(error) => return self.published(connector, fingerprint, Err(error), reply),
        };
        let (peers, reports) = (self.options.peers.clone(), self.reports.clone());
        let (store, sync_timeout) = (self.options.configs.clone(), self.options.sync_timeout);
        self.beside(async move {
            debug!(connector, leader, "sending task configs to the leader");
            let sent = peers.put_task_configs(&leader, &connector, request).await;
            if sent.is_err() {
                // It may have been carried out all the same: the next attempt shall see it.
                drop(store.refresh(sync_timeout).await);
            }
            drop(reports.send(Report::Published { connector, fingerprint, sent, reply }));
        });
    }

    /// Fences before a task of this worker starts: here as leader, else through the leader.
    pub(super) async fn fence_for_task(&mut self, fencing: LeaderFencing) {
        match self.require_leader() {
            Ok(()) => self.fence_zombies(fencing.connector, fencing.reply).await,
            Err(HerderError::Forward(Some(leader))) => self.ask_leader_to_fence(leader, fencing),
            Err(_) => self.leader_fenced(fencing, Err(PeerError::Io("nobody is known to lead".to_owned()))),
        }
    }

    fn ask_leader_to_fence(&mut self, leader: String, fencing: LeaderFencing) {
        let request = match self.signed(Bytes::new()) {
            Ok(request) => request,
            Err(error) => return self.leader_fenced(fencing, Err(PeerError::Io(error.to_string()))),
        };
        let (peers, reports) = (self.options.peers.clone(), self.reports.clone());
        self.beside(async move {
            debug!(connector = fencing.connector, leader, "asking the leader to fence");
            let fenced = peers.fence_zombies(&leader, &fencing.connector, request).await;
            drop(reports.send(Report::LeaderFenced { fencing, fenced }));
        });
    }

    /// The leader has fenced, or is asked again when that may help. A task that was stopped meanwhile waits no more.
    pub(super) fn leader_fenced(&mut self, mut fencing: LeaderFencing, fenced: Result<(), PeerError>) {
        let error = match fenced {
            Ok(()) => return answer(Some(fencing.reply), Ok(())),
            Err(_) if fencing.reply.is_closed() => return,
            Err(error) => error,
        };
        let connector = fencing.connector.clone();
        match &error {
            PeerError::Refused { status: 409, message } if message.starts_with("Fencing failed because") => {
                return answer(Some(fencing.reply), Err(HerderError::Conflict(message.clone())));
            }
            PeerError::Refused { status: 409 | 503, .. } | PeerError::Io(_) => {
                warn!(connector, %error, "the leader has not fenced; asking again");
            }
            refused if fencing.attempts.is_rotation(refused) => {
                debug!(connector, %error, "the session key seems to be replaced; asking again");
            }
            PeerError::Refused { .. } => {
                let error = HerderError::Internal(format!("Failed to perform zombie fencing: {error}"));
                return answer(Some(fencing.reply), Err(error));
            }
        }
        let (pause, reports) = (fencing.attempts.next_pause(), self.reports.clone());
        self.beside(async move {
            tokio::time::sleep(pause).await;
            drop(reports.send(Report::FenceAgain(fencing)));
        });
    }

    /// The body as a request to the leader, signed where the group signs.
    fn signed(&self, body: Bytes) -> Result<InternalRequest, HerderError> {
        if self.place().version() != Some(ProtocolVersion::V2) {
            return Ok(InternalRequest::unsigned(body));
        }
        let snapshot = self.snapshot();
        let key = snapshot.session_key.as_ref().ok_or_else(|| {
            HerderError::ServiceUnavailable("no session key has been read from the config topic yet".to_owned())
        })?;
        let name = &self.options.inter_worker.signature_algorithm;
        let algorithm = MacAlgorithm::from_name(name)
            .ok_or_else(|| HerderError::Config(format!("`inter.worker.signature.algorithm`: {name} is not known")))?;
        InternalRequest::signed(body, key, algorithm)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_rotated_key_is_retried_quietly_for_a_minute() {
        let refused = |status| PeerError::Refused { status, message: "no".to_owned() };
        let mut attempts = Attempts::default();
        let mut waited = Duration::ZERO;
        while waited < ROTATION {
            assert!(attempts.is_rotation(&refused(403)), "after {waited:?}");
            assert!(!attempts.is_rotation(&refused(500)) && !attempts.is_rotation(&PeerError::Io("x".to_owned())));
            let pause = attempts.next_pause();
            advance(pause).await;
            waited += pause;
        }
        assert!(!attempts.is_rotation(&refused(403)));
        for _ in 0..10 {
            attempts.next_pause();
        }
        assert_eq!(attempts.next_pause(), LONGEST_PAUSE);
    }
}
