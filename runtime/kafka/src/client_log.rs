//! Where librdkafka's own log lines and errors go: trouble reaching the cluster, or being refused by it, once a minute at WARN,
//! the rest at debug. What librdkafka asks of the client beside that is a token, for SASL OAUTHBEARER.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::error::{Error, ErrorKind};
use crate::properties::Translation;
use crate::security::Security;
use crate::security::token::TokenSource;

/// How often an unreachable cluster is said to be unreachable.
const REMINDER: Duration = Duration::from_secs(60);

/// One clock for all clients of the process, because a dozen of them lose the same cluster at the same moment.
static LAST_SAID: Mutex<Option<HashMap<String, Instant>>> = Mutex::new(None);

/// The log of one client: remembers why its cluster cannot be reached, for the errors that time out because of it.
pub(crate) struct ClientLog {
    client_id: String,
    bootstrap: String,
    trouble: Mutex<Option<String>>,
    security: Arc<Security>,
    /// Why the cluster refuses this client, until somebody takes it.
    refusal: Mutex<Option<Error>>,
    is_refused: AtomicBool,
    asked_for_token: AtomicBool,
}

impl ClientLog {
    pub(crate) fn new(translation: &Translation) -> Self {
        Self {
            client_id: translation.client_id().to_owned(),
            bootstrap: translation.bootstrap().to_owned(),
            trouble: Mutex::new(None),
            security: Arc::clone(translation.security()),
            refusal: Mutex::new(None),
            is_refused: AtomicBool::new(false),
            asked_for_token: AtomicBool::new(false),
        }
    }

    /// Why the cluster refused this client since the last call, if it did: retrying is pointless until somebody changes
    /// something.
    pub(crate) fn take_refusal(&self) -> Option<Error> {
        // Asked with every poll: no lock while there is nothing.
        if !self.is_refused.swap(false, Ordering::AcqRel) {
            return None;
        }
        lock(&self.refusal).take()
    }

    /// Whether this client cannot connect before its first token was asked for.
    pub(crate) fn waits_for_token(&self) -> bool {
        self.tokens().is_some() && !self.asked_for_token.load(Ordering::Acquire)
    }

    /// A token for librdkafka. Blocks while one is fetched; a failure is tried again by librdkafka after ten seconds.
    pub(crate) fn token(&self) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.asked_for_token.store(true, Ordering::Release);
        let source = self.tokens().ok_or("this client has no source of tokens")?;
        let token = source.token()?;
        let lifetime_ms = token.expires_ms();
        Ok(OAuthToken { token: token.value.expose().to_owned(), principal_name: token.principal, lifetime_ms })
    }

    fn tokens(&self) -> Option<&TokenSource> {
        self.security.sasl.as_ref().and_then(|sasl| sasl.tokens())
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
            Some(code) if is_refusal(code, reason) => self.refused(reason),
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL) => self.unreachable(reason),
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

    fn refused(&self, reason: &str) {
        let reason = in_our_words(reason);
        *lock(&self.trouble) = Some(reason.clone());
        if said_long_ago(&self.bootstrap) {
            tracing::warn!(bootstrap = self.bootstrap, reason, "the kafka cluster refuses this client");
        }
        let error = Error::new(ErrorKind::Authentication, format!("the Kafka cluster refuses this client: {reason}"));
        *lock(&self.refusal) = Some(error);
        self.is_refused.store(true, Ordering::Release);
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

/// Whether the cluster does not want this client, or this client the cluster; a connection that broke meanwhile is neither.
fn is_refusal(code: RDKafkaErrorCode, reason: &str) -> bool {
    match code {
        RDKafkaErrorCode::Authentication => !reason.contains("Local: ") && !reason.contains("Disconnected"),
        RDKafkaErrorCode::SSL => !reason.contains("Disconnected"),
        // A broker that wants a certificate of the client says so only after the handshake of TLS 1.3.
        RDKafkaErrorCode::BrokerTransportFailure => reason.contains("SSL alert number"),
        _ => false,
    }
}

/// librdkafka's hints name properties that nobody here can set.
fn in_our_words(reason: &str) -> String {
    const HINT: &str = ": broker certificate could not be verified";
    match reason.split_once(HINT) {
        Some((handshake, _)) => {
            let broker = handshake.split(": ").next().unwrap_or_default();
            format!(
                "{broker}: the broker's certificate is refused: it has expired, or it names another host, or its authority is \
                 not in `ssl.truststore.*`"
            )
        }
        None => reason.replace("ssl.key.location and ssl.certificate.location", "`ssl.keystore.*`"),
    }
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
