//! SASL over Kafka's own requests: SaslHandshake names the mechanism, SaslAuthenticate carries its messages (KIP-152), and may
//! do so again on the same connection (KIP-368).

use std::io;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest};

use super::cluster::text;
use super::connection::Connection;
use crate::security::sasl::{Conversation, Sasl};
use crate::security::token::Token;

/// Renewed a little before the broker would close the connection.
const RENEW_AFTER: f64 = 0.85;

/// Authenticates `connection`. Gives the time after which the broker wants it done again, when it does.
///
/// # Errors
/// `PermissionDenied` when the broker or the mechanism says no, with the broker's own words.
pub(super) async fn run(connection: &mut Connection, sasl: &Sasl, patience: Duration) -> io::Result<Option<Duration>> {
    let token = token(sasl).await?;
    let mechanism = sasl.mechanism();
    let handshake = SaslHandshakeRequest::default().with_mechanism(text(mechanism));
    let answer = connection.exchange(&handshake, patience).await.map_err(io::Error::other)?;
    if answer.error_code != 0 {
        let offered: Vec<&str> = answer.mechanisms.iter().map(|mechanism| mechanism.as_str()).collect();
        return Err(refused(mechanism, &format!("the broker offers {} instead", offered.join(", "))));
    }
    let begun = Conversation::begin(sasl, token.as_ref());
    let (mut conversation, mut message) = begun.map_err(|reason| refused(mechanism, &reason))?;
    loop {
        let request = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(message));
        let answer = connection.exchange(&request, patience).await.map_err(io::Error::other)?;
        check(mechanism, &answer)?;
        match conversation.answer(&answer.auth_bytes).map_err(|reason| refused(mechanism, &reason))? {
            Some(next) => message = next,
            None => return Ok(life(answer.session_lifetime_ms)),
        }
    }
}

/// A token, for mechanisms that need one. It may have to be fetched.
async fn token(sasl: &Sasl) -> io::Result<Option<Token>> {
    let Some(source) = sasl.tokens().cloned() else { return Ok(None) };
    let fetched = tokio::task::spawn_blocking(move || source.token()).await;
    let fetched = fetched.map_err(io::Error::other)?;
    fetched.map(Some).map_err(|reason| refused(sasl.mechanism(), &reason))
}

fn check(mechanism: &str, answer: &SaslAuthenticateResponse) -> io::Result<()> {
    match (answer.error_code, &answer.error_message) {
        (0, _) => Ok(()),
        (_, Some(message)) => Err(refused(mechanism, message)),
        (code, None) => Err(refused(mechanism, &format!("error {code}"))),
    }
}

fn life(session_lifetime_ms: i64) -> Option<Duration> {
    let life = u64::try_from(session_lifetime_ms).ok().filter(|life| *life > 0)?;
    Some(Duration::from_millis(life).mul_f64(RENEW_AFTER))
}

fn refused(mechanism: &str, reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, format!("SASL {mechanism}: {reason}"))
}
