//! What the fuzz target `tokens` asks.

use std::time::{Duration, UNIX_EPOCH};

use super::{aws, jwt};

/// Reads text as a JSON Web Token, as a file of AWS credentials and as the answer of a service that gives them. A token has not ended
/// when it is read.
pub(crate) fn tokens(text: &str) {
    aws::read_any(text);
    let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    if let Ok(token) = jwt::read(text, "sub", now) {
        assert!(token.expires > now && token.issued <= now, "{token:?}");
        token.expires_ms();
        token.is_fresh(now);
    }
}
