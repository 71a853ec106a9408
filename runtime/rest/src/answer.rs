//! Answers: JSON bodies, empty bodies, and the one mapping from errors to statuses.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use sluice_herder::HerderError;
use sluice_worker::config::providers::redacted;

use crate::forwarding::ForwardTo;

/// An HTTP answer.
pub(crate) type Answer = Response<Body>;

/// The body of every error.
#[derive(Serialize)]
struct ErrorMessage<'a> {
    error_code: u16,
    message: Option<&'a str>,
}

/// What a resource gives instead of an answer.
pub(crate) enum Refusal {
    /// The herder said no.
    Herder(HerderError),
    /// The body is not what it should be: 500 with the parser's text, as Jackson's errors are (1.2).
    Body(String),
    /// The router's own answer, under the resource's content type.
    Status(StatusCode),
}

impl From<HerderError> for Refusal {
    fn from(error: HerderError) -> Self {
        Self::Herder(error)
    }
}

/// JSON with status 200.
pub(crate) fn ok(body: &impl Serialize) -> Answer {
    json(StatusCode::OK, body)
}

/// JSON.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(body).expect("entities have text keys and serialize");
    json_bytes(status, Body::from(text))
}

fn json_bytes(status: StatusCode, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// No body and no content type.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// JSON with status 201 and where to find it.
pub(crate) fn created(location: &str, body: &impl Serialize) -> Answer {
    located(location, json(StatusCode::CREATED, body))
}

/// As [`created`], with JSON that another worker has written.
pub(crate) fn created_as_it_is(location: &str, body: Bytes) -> Answer {
    located(location, json_bytes(StatusCode::CREATED, Body::from(body)))
}

fn located(location: &str, mut answer: Answer) -> Answer {
    if let Ok(location) = HeaderValue::from_str(location) {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

/// The router's refusals: an error body without content type (chapter 0).
pub(crate) fn unmatched(status: StatusCode) -> Answer {
    let mut answer = error(status, &http_message(status));
    answer.headers_mut().remove(CONTENT_TYPE);
    answer
}

/// An error body.
pub(crate) fn error(status: StatusCode, message: &str) -> Answer {
    json(status, &ErrorMessage { error_code: status.as_u16(), message: Some(message) })
}

fn http_message(status: StatusCode) -> String {
    format!("HTTP {} {}", status.as_u16(), status.canonical_reason().unwrap_or_default())
}

/// The one mapping from errors to statuses.
pub(crate) fn refused(refusal: Refusal) -> Answer {
    const NO_LEADER: &str =
        "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.";
    match refusal {
        Refusal::Body(message) => error(StatusCode::INTERNAL_SERVER_ERROR, &message),
        Refusal::Status(status) => error(status, &http_message(status)),
        Refusal::Herder(refused) => match refused {
            // Invariant 9: what a config provider gave may be in what a connector says about its config.
            HerderError::BadRequest(message) => error(StatusCode::BAD_REQUEST, &redacted(&message)),
            HerderError::Forbidden(message) => error(StatusCode::FORBIDDEN, &message),
            HerderError::NotFound(message) => error(StatusCode::NOT_FOUND, &message),
            HerderError::Conflict(message) => error(StatusCode::CONFLICT, &message),
            HerderError::ServiceUnavailable(message) => error(StatusCode::SERVICE_UNAVAILABLE, &message),
            HerderError::Forward(target) => {
                let mut answer = error(StatusCode::CONFLICT, NO_LEADER);
                answer.extensions_mut().insert(ForwardTo(target));
                answer
            }
            HerderError::Timeout(message) | HerderError::Config(message) | HerderError::Internal(message) => {
                error(StatusCode::INTERNAL_SERVER_ERROR, &redacted(&message))
            }
        },
    }
}

/// An answer or the refusal as one.
pub(crate) fn answered(result: Result<Answer, Refusal>) -> Answer {
    result.unwrap_or_else(refused)
}
