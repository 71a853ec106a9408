//! What a client has to know of a JSON Web Token: whose it is and when it ends. Only the broker checks its signature.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::source::Token;
use crate::security::secret::Secret;

/// A token of Kafka's default claim names.
///
/// # Errors
/// What is missing. Never contents.
pub(super) fn read(jwt: &str, subject_claim: &str, now: SystemTime) -> Result<Token, String> {
    let jwt = jwt.trim();
    let claims = claims(jwt).ok_or("the token is no JSON Web Token")?;
    let seconds = |claim: &str| claims.get(claim).and_then(Value::as_f64).and_then(time);
    let expires = seconds("exp").ok_or("the token has no claim `exp`")?;
    let principal = claims.get(subject_claim).and_then(Value::as_str);
    let principal = principal.ok_or_else(|| format!("the token has no claim `{subject_claim}`"))?;
    let issued = seconds("iat").unwrap_or(now).min(now);
    if expires <= now {
        return Err("the token has expired".to_owned());
    }
    Ok(Token { value: Secret::new(jwt), principal: principal.to_owned(), issued, expires })
}

fn claims(jwt: &str) -> Option<Map<String, Value>> {
    let mut parts = jwt.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !jwt.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn time(seconds: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

/// A token that nobody signed.
pub(super) fn unsigned(claims: &Map<String, Value>) -> String {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let claims = Value::Object(claims.clone()).to_string();
    format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&claims))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn jwt(claims: &Value) -> String {
        unsigned(claims.as_object().expect("an object")) + "sig"
    }

    #[test]
    fn whose_it_is_and_when_it_ends() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        let token = read(&jwt(&json!({"sub": "me", "iat": 900, "exp": 2000.5})), "sub", now).unwrap();
        assert_eq!((token.principal.as_str(), token.expires_ms()), ("me", 2_000_500));
        assert_eq!(token.issued, UNIX_EPOCH + Duration::from_secs(900));
    }

    #[test]
    fn what_is_missing_is_named_without_contents() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        for (text, expected) in [
            ("geheim".to_owned(), "the token is no JSON Web Token"),
            ("a.b.c".to_owned(), "the token is no JSON Web Token"),
            (jwt(&json!({"sub": "me"})), "the token has no claim `exp`"),
            (jwt(&json!({"exp": 2000})), "the token has no claim `sub`"),
            (jwt(&json!({"sub": "me", "exp": 1000})), "the token has expired"),
            (jwt(&json!({"sub": "me", "exp": -1.0e300})), "the token has no claim `exp`"),
        ] {
            assert_eq!(read(&text, "sub", now), Err(expected.to_owned()));
        }
    }
}
