//! One request and its answer.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::time::timeout;

use super::RestClient;
use super::connection::Connection;
use crate::framework::MAX_BODY_BYTES;

/// A request as it goes to another worker.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    /// Scheme, host, path and query.
    pub(crate) url: String,
    /// Beside those that every request has.
    pub(crate) headers: HeaderMap,
    /// Sent as JSON unless it is empty.
    pub(crate) body: Bytes,
}

/// What a worker answered when it did what it was asked for.
#[derive(Debug)]
pub(crate) struct Done {
    /// 2xx.
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// Why it did not.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It says no, in the form of every error of Kafka Connect.
    Refused { status: StatusCode, message: Option<String>, body: Bytes },
    /// A status that is neither success nor error.
    Unexpected(StatusCode),
    /// No answer, or one that cannot be read.
    Io(String),
}

#[derive(Deserialize)]
struct ErrorMessage {
    #[serde(rename = "error_code")]
    _error_code: i32,
    message: Option<String>,
}

impl RestClient {
    /// Sends a request and reads the whole answer, within a time. Dropping the future closes the connection.
    pub(crate) async fn send(&self, request: Outgoing, within: Duration) -> Result<Done, Failure> {
        let url = request.url.clone();
        let answered = timeout(within, self.exchange(request)).await.unwrap_or_else(|_| {
            let reason = format!("no answer within {} ms", within.as_millis());
            Err(io::Error::new(io::ErrorKind::TimedOut, reason))
        });
        let (status, body) = answered.map_err(|error| Failure::Io(error.to_string()))?;
        match status.as_u16() {
            200..=299 => Ok(Done { status, body }),
            400.. => Err(refused(&url, status, body)),
            _ => Err(Failure::Unexpected(status)),
        }
    }

    async fn exchange(&self, request: Outgoing) -> io::Result<(StatusCode, Bytes)> {
        let url: Uri = request.url.parse().map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{} is no URL: {error}", request.url))
        })?;
        let stream = Connection::open(&url, self.tls.as_ref()).await?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let answer = async {
            let answer = sender.send_request(message(request, &url)).await.map_err(|error| broken(&error))?;
            let status = answer.status();
            let body = to_bytes(Body::new(answer.into_body()), MAX_BODY_BYTES).await.map_err(io::Error::other)?;
            Ok((status, body))
        };
        let (mut answer, mut connection) = (pin!(answer), pin!(connection));
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                answered = answer.as_mut() => return answered,
                // What it has read by then is in the answer's hands.
                _ = connection.as_mut(), if open => open = false,
            }
        }
    }
}

fn message(request: Outgoing, url: &Uri) -> Request<Body> {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut message = Request::new(Body::from(request.body.clone()));
    *message.method_mut() = request.method;
    *message.uri_mut() = path.parse().unwrap_or_default();
    let headers = message.headers_mut();
    *headers = request.headers;
    if let Ok(host) = HeaderValue::from_str(authority) {
        headers.insert(HOST, host);
    }
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("kafka-connect"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if !request.body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    message
}

/// An error with its cause: a refused client certificate shows only when the answer is read.
fn broken(error: &hyper::Error) -> io::Error {
    let text = match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    io::Error::other(text)
}

fn refused(url: &str, status: StatusCode, body: Bytes) -> Failure {
    match serde_json::from_slice::<ErrorMessage>(&body) {
        Ok(error) => Failure::Refused { status, message: error.message, body },
        Err(_) => Failure::Io(format!("{url} answered {} without an error message", status.as_u16())),
    }
}
