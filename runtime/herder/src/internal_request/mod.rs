//! Requests between workers, and the session key that signs them (connect-worker.md 1.6).

use bytes::Bytes;

/// The body of an internal request as it was sent, with its signature if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalRequest {
    /// The body.
    pub body: Bytes,
    /// The signature.
    pub signature: Option<RequestSignature>,
}

/// The headers of a signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSignature {
    /// The name of the algorithm.
    pub algorithm: String,
    /// The signature in base64, as it was sent.
    pub signature: String,
}

/// The time of day, by which the age of session keys counts.
pub trait WallClock: Send + Sync {
    /// Milliseconds since the epoch.
    fn now_ms(&self) -> i64;
}

/// That of this machine.
pub struct SystemClock;

impl WallClock for SystemClock {
    fn now_ms(&self) -> i64 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
    }
}
