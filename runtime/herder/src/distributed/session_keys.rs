//! The key that internal requests are signed with: the leader of a `sessioned` group makes it, gives it to all through the config
//! topic, and replaces it (KIP-507, connect-worker.md 3.7). Its age is told by wall clocks, which differ.

use std::time::Duration;

use sluice_storage::SessionKey;
use sluice_worker::config::InterWorkerKeys;
use tokio::time::Instant;
use tracing::{info, warn};

use super::place::Place;
use super::service::{Request, Service};
use crate::group::ProtocolVersion;
use crate::internal_request::MacAlgorithm;

/// After a write that failed.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// Clocks that differ by less are nobody's concern.
const TOLERANCE_MS: i64 = 60_000;

/// What the loop remembers of session keys; the key itself is in the snapshot.
#[derive(Default)]
pub(super) struct SessionKeys {
    /// A request to write one waits for its turn.
    queued: bool,
    not_before: Option<Instant>,
    /// One was read since the start.
    updated: bool,
}

/// How long a key still serves a group whose leader has these settings; `None` for ever.
fn remaining(key: Option<&SessionKey>, keys: &InterWorkerKeys, updated: bool, now_ms: i64) -> Option<Duration> {
    let Some(key) = key else { return Some(Duration::ZERO) };
    let length = MacAlgorithm::from_name(&keys.key_generation_algorithm).map(|mac| mac.key_bytes(keys.key_size));
    if key.algorithm != keys.key_generation_algorithm || Some(key.key.len()) != length {
        return Some(Duration::ZERO);
    }
    // Without a time to live, a key of an earlier life is replaced once, as in Kafka Connect.
    if keys.key_ttl.is_zero() && updated {
        return None;
    }
    let ttl_ms = i64::try_from(keys.key_ttl.as_millis()).unwrap_or(i64::MAX);
    let left_ms = key.creation_timestamp_ms.saturating_add(ttl_ms).saturating_sub(now_ms);
    Some(Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)))
}

impl Service {
    /// Step 5 of the loop: lets a new key be written when it is due; the write has its turn before waiting requests.
    pub(super) fn rotate_session_key(&mut self) {
        if self.session_key_due().is_none_or(|due| due > Instant::now()) {
            return;
        }
        self.session_keys.queued = true;
        self.waiting.push_front(Request::new(None, |service| Box::pin(service.write_session_key())));
    }

    /// When the key has to be replaced; `None` for a worker that does not, while a rebalance is not resolved, and when the new one waits
    /// to be written.
    pub(super) fn session_key_due(&self) -> Option<Instant> {
        let signs = matches!(self.place(), Place::Leader { version: ProtocolVersion::V2, .. });
        if !signs || !self.resolved || self.session_keys.queued || self.require_leader().is_err() {
            return None;
        }
        let (snapshot, now_ms) = (self.snapshot(), self.options.clock.now_ms());
        let key = snapshot.session_key.as_ref();
        let left = remaining(key, &self.options.inter_worker, self.session_keys.updated, now_ms)?;
        let due = Instant::now() + left;
        Some(self.session_keys.not_before.map_or(due, |pause| pause.max(due)))
    }

    async fn write_session_key(&mut self) {
        self.session_keys.queued = false;
        // What it was queued for may have changed.
        if self.session_key_due().is_none_or(|due| due > Instant::now()) {
            return;
        }
        let keys = &self.options.inter_worker;
        let name = keys.key_generation_algorithm.clone();
        let Some(Ok(key)) = MacAlgorithm::from_name(&name).map(|mac| mac.generate_key(keys.key_size)) else {
            warn!(algorithm = name, "cannot make a session key");
            return self.session_keys.not_before = Some(Instant::now() + RETRY_PAUSE);
        };
        let key = SessionKey { key, algorithm: name, creation_timestamp_ms: self.options.clock.now_ms() };
        let stage = self.stages.begin("writing a new session key to the config topic");
        self.claim_write_privileges().await;
        let configs = self.options.configs.clone();
        let mut written = configs.put_session_key(&key).await;
        if self.may_write_again(&written).await {
            written = configs.put_session_key(&key).await;
        }
        drop(stage);
        match written {
            Ok(()) => self.session_keys.not_before = None,
            Err(error) => {
                info!(%error, "the new session key was not written; reading the config topic before the next attempt");
                self.session_keys.not_before = Some(Instant::now() + RETRY_PAUSE);
                // Whoever leads now may have written one.
                drop(self.options.configs.refresh(self.options.sync_timeout).await);
            }
        }
    }

    /// A key has come from the topic. It works whatever its date.
    pub(super) fn session_key_read(&mut self, key: &SessionKey) {
        self.session_keys.updated = true;
        let ahead_ms = key.creation_timestamp_ms.saturating_sub(self.options.clock.now_ms());
        if ahead_ms.abs() <= TOLERANCE_MS {
            return;
        }
        let leader = match self.place() {
            Place::Follower { leader_url, .. } => leader_url.as_str(),
            Place::Leader { .. } => self.options.advertised_url.as_str(),
            Place::Nowhere => "(not known)",
        };
        let (seconds, way) = (ahead_ms.abs() / 1_000, if ahead_ms > 0 { "ahead" } else { "back" });
        warn!("the session key of the leader at {leader} is dated {seconds} s {way}: the clocks of the workers differ");
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    /// The defaults, with another time to live.
    pub(in crate::distributed) fn keys(ttl_s: u64) -> InterWorkerKeys {
        InterWorkerKeys {
            key_generation_algorithm: "HmacSHA256".to_owned(),
            key_size: None,
            key_ttl: Duration::from_secs(ttl_s),
            signature_algorithm: "HmacSHA256".to_owned(),
            verification_algorithms: vec!["HmacSHA256".to_owned()],
        }
    }

    fn key(bytes: usize, age_s: i64) -> SessionKey {
        let algorithm = "HmacSHA256".to_owned();
        SessionKey { key: vec![0; bytes], algorithm, creation_timestamp_ms: NOW_MS - age_s * 1_000 }
    }

    #[test]
    fn a_key_is_replaced_when_its_time_is_over() {
        let left =
            |age_s| remaining(Some(&key(32, age_s)), &keys(3_600), true, NOW_MS).expect("not for ever").as_secs();
        assert_eq!([left(0), left(3_599), left(3_600), left(7_200)], [3_600, 1, 0, 0]);
        // Of a leader whose clock is two hours ahead.
        assert_eq!(left(-7_200), 3 * 3_600);
        assert_eq!(remaining(None, &keys(3_600), true, NOW_MS), Some(Duration::ZERO));
    }

    #[test]
    fn a_new_leader_with_another_key_size_rotates() {
        let larger = InterWorkerKeys { key_size: Some(512), ..keys(3_600) };
        assert_eq!(remaining(Some(&key(32, 0)), &larger, true, NOW_MS), Some(Duration::ZERO));
        assert_ne!(remaining(Some(&key(64, 0)), &larger, true, NOW_MS), Some(Duration::ZERO));
        let other =
            InterWorkerKeys { key_generation_algorithm: "HmacSHA1".to_owned(), key_size: Some(256), ..keys(3_600) };
        assert_eq!(remaining(Some(&key(32, 0)), &other, true, NOW_MS), Some(Duration::ZERO));
    }

    #[test]
    fn without_a_time_to_live_only_the_key_of_an_earlier_life_is_replaced() {
        assert_eq!(remaining(Some(&key(32, 10)), &keys(0), false, NOW_MS), Some(Duration::ZERO));
        assert_eq!(remaining(Some(&key(32, 10)), &keys(0), true, NOW_MS), None);
    }
}
