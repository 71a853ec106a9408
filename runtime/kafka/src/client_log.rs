//! Where librdkafka's own log lines and errors go: trouble reaching the cluster once a minute at WARN, the rest at
//! debug.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// How often an unreachable cluster is said to be unreachable.
const REMINDER: Duration = Duration::from_secs(60);

/// One clock for all clients of the process, because a dozen of them lose the same cluster at the same moment.
static LAST_SAID: Mutex<Option<HashMap<String, Instant>>> = Mutex::new(None);

/// The log of one client: remembers why its cluster cannot be reached, for the errors that time out because of it.
pub(crate) struct ClientLog {
    client_id: String,
    bootstrap: String,
    trouble: Mutex<Option<String>>,
}

impl ClientLog {
    pub(crate) fn new(client_id: &str, bootstrap: &str) -> Self {
        Self { client_id: client_id.to_owned(), bootstrap: bootstrap.to_owned(), trouble: Mutex::new(None) }
    }

    /// The last reason why a broker could not be reached, if there was one.
    pub(crate) fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    pub(crate) fn line(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match (level, facility) {
            (_, "FAIL" | "ERROR") if is_connection_failure(message) => self.unreachable(message),
            (RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical, _) => {
                tracing::error!(client_id = self.client_id, facility, message, "kafka client");
            }
            (RDKafkaLogLevel::Warning, facility) if !["CONFWARN", "FAIL"].contains(&facility) => {
                tracing::warn!(client_id = self.client_id, facility, message, "kafka client");
            }
            _ => tracing::debug!(client_id = self.client_id, facility, message, "kafka client"),
        }
    }

    pub(crate) fn error(&self, error: &KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            // The lines about each broker say why; without one yet, the next try to connect will.
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                if let Some(reason) = self.trouble() {
                    self.unreachable(&reason);
                }
            }
            Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve)
                if is_connection_failure(reason) =>
            {
                self.unreachable(reason);
            }
            Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::OperationTimedOut) => {
                tracing::debug!(client_id = self.client_id, reason, "kafka client");
            }
            _ => tracing::warn!(client_id = self.client_id, reason, "kafka client"),
        }
    }

    fn unreachable(&self, reason: &str) {
        // Without the name of librdkafka's thread in front.
        let reason = reason.split_once("]: ").map_or(reason, |(_, reason)| reason);
        *lock(&self.trouble) = Some(reason.to_owned());
        if said_long_ago(&self.bootstrap) {
            tracing::warn!(bootstrap = self.bootstrap, reason, "cannot reach the kafka cluster, retrying");
        }
    }
}

/// Says, at most once a minute for each cluster, that something about it is being retried.
pub(crate) fn remind(bootstrap: &str, action: &str, reason: &dyn std::fmt::Display) {
    if said_long_ago(bootstrap) {
        tracing::warn!(bootstrap, %reason, "{action} failed, retrying");
    }
}

fn said_long_ago(bootstrap: &str) -> bool {
    let mut last_said = lock(&LAST_SAID);
    let last_said = last_said.get_or_insert_default();
    let now = Instant::now();
    last_said.retain(|_, said| now.duration_since(*said) < REMINDER);
    if last_said.contains_key(bootstrap) {
        return false;
    }
    last_said.insert(bootstrap.to_owned(), now);
    true
}

fn is_connection_failure(message: &str) -> bool {
    ["Connect to", "Failed to resolve", "Connection setup timed out", "Connection refused"]
        .iter()
        .any(|sign| message.contains(sign))
}

/// A panic while one of these locks is held leaves nothing half done behind it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
