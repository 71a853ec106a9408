//! Who asks: basic and bearer authentication. Secrets are shown by no `Debug` and no error (Invariant 9).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sluice_api::config::ParsedConfig;
use sluice_api::{ConnectError, Properties, Result};

/// What goes into the header `Authorization`.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// What the address itself says, if it does.
    FromUrl,
    /// This value.
    Header(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials[hidden]")
    }
}

impl Credentials {
    /// What the keys say; a source that is not set is the address.
    ///
    /// # Errors
    /// `Config` when both sources are set, or one that is not there, or the secret is missing.
    pub(super) fn parse(properties: &Properties, parsed: &ParsedConfig) -> Result<Self> {
        let set = |key: &str| properties.get(key).is_some_and(|value| !value.trim().is_empty());
        let (basic, bearer) = ("basic.auth.credentials.source", "bearer.auth.credentials.source");
        if set(basic) && set(bearer) {
            return Err(ConnectError::config(format!("Only one of '{basic}' and '{bearer}' may be specified")));
        }
        if set(bearer) {
            return Self::bearer(parsed);
        }
        match parsed.string(basic) {
            "USER_INFO" => {
                let user_info = required(parsed, "basic.auth.user.info")?;
                Ok(Self::Header(basic_header(user_info)))
            }
            "SASL_INHERIT" => Err(unsupported(basic, "SASL_INHERIT", "URL or USER_INFO")),
            _ => Ok(Self::FromUrl),
        }
    }

    fn bearer(parsed: &ParsedConfig) -> Result<Self> {
        let key = "bearer.auth.credentials.source";
        match parsed.opt_string(key).unwrap_or_default() {
            "STATIC_TOKEN" => Ok(Self::Header(format!("Bearer {}", required(parsed, "bearer.auth.token")?))),
            other => Err(unsupported(key, other, "STATIC_TOKEN")),
        }
    }
}

fn required<'a>(parsed: &'a ParsedConfig, key: &str) -> Result<&'a str> {
    let secret = parsed.password(key).map(|secret| secret.expose().trim()).filter(|secret| !secret.is_empty());
    secret.ok_or_else(|| {
        ConnectError::config(format!("Missing required configuration \"{key}\" which has no default value."))
    })
}

fn unsupported(key: &str, value: &str, expected: &str) -> ConnectError {
    ConnectError::config(format!("Invalid value {value} for configuration {key}: expected {expected}"))
}

/// The header for `user:password`.
pub(super) fn basic_header(user_info: &str) -> String {
    format!("Basic {}", STANDARD.encode(user_info))
}

/// An address with a scheme, without a slash at its end.
///
/// # Errors
/// `Config` when the scheme is missing or another one than HTTP.
pub(super) fn checked_url(url: &str) -> Result<String> {
    let scheme = url.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
    match scheme {
        Some((scheme, rest)) if matches!(&*scheme, "http" | "https") && !rest.is_empty() => {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => {
            let (shown, _) = split_user_info(url);
            let message =
                format!("Invalid value {shown} for configuration schema.registry.url: expected http:// or https://");
            Err(ConnectError::config(message))
        }
    }
}

/// The address without user and password, and these two decoded.
pub(super) fn split_user_info(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((user_info, host)) => (format!("{scheme}://{host}{}", &rest[end..]), Some(decoded(user_info))),
        None => (url.to_owned(), None),
    }
}

/// Resolves `%XX`; what is none stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_leave_the_address() {
        let (url, user_info) = split_user_info("https://me:p%40ss@host:8081/apis/x@y");
        assert_eq!((&*url, user_info.as_deref()), ("https://host:8081/apis/x@y", Some("me:p@ss")));
        assert_eq!(split_user_info("http://host:1"), ("http://host:1".to_owned(), None));
    }

    #[test]
    fn an_address_needs_a_scheme() {
        assert_eq!(checked_url("http://h:1/").unwrap(), "http://h:1");
        assert_eq!(
            checked_url("mock://x").unwrap_err().to_string(),
            "Invalid value mock://x for configuration schema.registry.url: expected http:// or https://"
        );
        // Invariant 9.
        assert!(!checked_url("ftp://me:secret@h").unwrap_err().to_string().contains("secret"));
    }

    #[test]
    fn basic_is_base64() {
        assert_eq!(basic_header("Aladdin:open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
