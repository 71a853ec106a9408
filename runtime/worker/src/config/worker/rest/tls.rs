//! `listeners.https.*` and `admin.listeners.https.*`: how listeners, and requests to other workers, speak TLS.

use sluice_api::Properties;
use sluice_kafka::tls::{ClientAuth, Tls};

const CLIENT_AUTH: &str = "ssl.client.auth";

/// TLS of one kind of listeners. Shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestTls {
    /// Stores, versions, cipher suites.
    pub tls: Tls,
    /// `ssl.client.auth`.
    pub client_auth: ClientAuth,
    /// What stands before the keys that this was read from; empty for the ones that clients have too.
    pub prefix: &'static str,
}

impl RestTls {
    /// One key with `prefix` is enough for the keys without it to count no more.
    ///
    /// # Errors
    /// Keys and what is wrong with each.
    pub(super) fn parse(originals: &Properties, prefix: &'static str) -> Result<Self, Vec<(String, String)>> {
        let prefix = if originals.keys().any(|key| key.starts_with(prefix)) { prefix } else { "" };
        let find = |key: &str| originals.get(&format!("{prefix}{key}")).map(String::as_str);
        let mut wrong = Vec::new();
        let client_auth = match find(CLIENT_AUTH).map(str::trim) {
            None | Some("none") => ClientAuth::None,
            Some("requested") => ClientAuth::Requested,
            Some("required") => ClientAuth::Required,
            Some(other) => {
                wrong.push((CLIENT_AUTH.to_owned(), unusable(other, "required, requested or none")));
                ClientAuth::Required
            }
        };
        match Tls::of_rest(&find) {
            Ok(tls) if wrong.is_empty() => return Ok(Self { tls, client_auth, prefix }),
            Ok(_) => {}
            Err(errors) => {
                wrong.extend(errors.into_iter().map(|error| (error.key, unusable(&error.value, &error.expected))));
            }
        }
        Err(wrong.into_iter().map(|(key, message)| (format!("{prefix}{key}"), message)).collect())
    }
}

fn unusable(value: &str, expected: &str) -> String {
    if value.is_empty() {
        format!("expected {expected}")
    } else {
        format!("{value} cannot be used: expected {expected}")
    }
}
