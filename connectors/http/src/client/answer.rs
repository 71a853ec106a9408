//! What a server answered, or why there is no answer.

use std::error::Error as StdError;
use std::fmt;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};

/// How much of an answer an error shows.
const SHOWN_CHARS: usize = 300;

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// At most the bytes that were asked for; see [`Answer::cut`].
    pub(crate) body: Bytes,
    /// Whether there was more.
    pub(crate) cut: bool,
}

/// No answer: the request may or may not have been processed.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Answer {
    /// Reads the answer up to `limit` bytes; what is beyond is dropped with its connection.
    ///
    /// # Errors
    /// A body that ended before its announced length: what it would have said is unknown.
    pub(crate) async fn read(mut response: Response, limit: usize) -> Result<Self, Failure> {
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        let mut cut = false;
        while let Some(chunk) = response.chunk().await.map_err(|error| Failure::of(&error))? {
            let room = limit - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                cut = true;
                break;
            }
        }
        Ok(Self { status, headers, body: body.freeze(), cut })
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the status is called; servers' own words are not kept.
    pub(crate) fn reason_phrase(&self) -> &'static str {
        StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
    }

    /// The status, where a redirect points, and the beginning of the body.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("status {}", self.status);
        if let Some(location) = self.headers.get("location").and_then(|value| value.to_str().ok()) {
            text.push_str(&format!(" to {location}, which would lose the body and is not followed"));
        }
        let body = String::from_utf8_lossy(&self.body);
        let body = body.trim();
        if !body.is_empty() {
            let shown: String = body.chars().take(SHOWN_CHARS).collect();
            text.push_str(": ");
            text.push_str(&shown);
        }
        text
    }
}

impl Failure {
    /// The whole chain of causes without the address, which may hold a key.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let what = match error {
            error if error.is_timeout() => "no answer in time",
            error if error.is_connect() => "no connection",
            error if error.is_redirect() => "redirected too often",
            error if error.is_body() || error.is_decode() => "the answer broke off",
            _ => "the exchange failed",
        };
        let mut text = what.to_owned();
        let mut cause = error.source();
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        Self(text)
    }

    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
