//! Requests that another worker has to answer (connect-worker.md 1.5).
//!
//! One layer around the resources that change something. It keeps the request, lets the resource answer, and when the herder
//! has named another worker, sends that one the same method, path, query and body bytes, and gives its answer. The parameter
//! `forward` counts hops: absent, `true` after the first, `false` after the second, which must be the last.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use axum::middleware::Next;
use serde::Deserialize;
use sluice_herder::RequestSignature;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::answer::{Answer, created_as_it_is, empty, error};
use crate::client::{Failure, Outgoing, RestClient};
use crate::framework::{Base, query_flag, read};

/// On an answer: the request is for the worker at this URL; `None` when nobody knows which one that is.
#[derive(Clone)]
pub(crate) struct ForwardTo(pub(crate) Option<String>);

const TWO_HOPS: &str = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)";
/// What goes on beside method, path, query and body. The signature is of the body, which goes on as it came, so it stays true.
const KEPT_HEADERS: [&str; 3] = ["Authorization", RequestSignature::HEADER, RequestSignature::ALGORITHM_HEADER];
/// What the network may take beside the time of the request itself.
const SLACK: Duration = Duration::from_secs(5);

/// Answers a request here or elsewhere.
pub(crate) async fn forward(State(client): State<Arc<RestClient>>, request: Request, next: Next) -> Answer {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let deadline = Instant::now() + client.request_timeout();
    let (parts, body) = request.into_parts();
    let body = read(body).await.unwrap_or_default();
    let base = Base::of(&parts.extensions, &parts.headers);
    let kept = Kept {
        method: parts.method.clone(),
        uri: parts.uri.clone(),
        headers: kept(&parts.headers),
        body: body.clone(),
    };
    let mut answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    let Some(ForwardTo(target)) = answer.extensions_mut().remove::<ForwardTo>() else { return answer };
    if query_flag(&kept.uri, "forward") == Some(false) {
        warn!(method = %kept.method, path = kept.uri.path(), "the worker that can answer was not found within two hops");
        return error(StatusCode::CONFLICT, TWO_HOPS);
    }
    // Without a target, the answer says so.
    let Some(target) = target else { return answer };
    let request = kept.to(&target);
    debug!(method = %request.method, url = request.url, "forwarding");
    let left = deadline.saturating_duration_since(Instant::now()) + SLACK;
    answered(client.send(request, left).await.map(|done| (done.status, done.body)), &base)
}

/// What is needed to send a request again.
struct Kept {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

fn kept(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in KEPT_HEADERS {
        if let Some((name, value)) = HeaderName::try_from(name).ok().zip(headers.get(name)) {
            kept.insert(name, value.clone());
        }
    }
    kept
}

impl Kept {
    fn to(self, base: &str) -> Outgoing {
        let may_go_on = query_flag(&self.uri, "forward").is_none();
        let mut url = format!("{}{}?forward={may_go_on}", base.trim_end_matches('/'), self.uri.path());
        let others = self.uri.query().unwrap_or_default().split('&').filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !pair.is_empty() && name != "forward"
        });
        for pair in others {
            url.push('&');
            url.push_str(pair);
        }
        Outgoing { method: self.method, url, headers: self.headers, body: self.body }
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// The other worker's answer as ours.
fn answered(done: Result<(StatusCode, Bytes), Failure>, base: &Base) -> Answer {
    match done {
        Ok((StatusCode::NO_CONTENT, _)) => empty(StatusCode::NO_CONTENT),
        Ok((StatusCode::CREATED, body)) => match serde_json::from_slice::<Named>(&body) {
            Ok(Named { name }) => created_as_it_is(&base.connector(&name), body),
            Err(_) => as_it_is(StatusCode::CREATED, body),
        },
        Ok((status, body)) => as_it_is(status, body),
        Err(Failure::Refused { status, body, .. }) => as_it_is(status, body),
        Err(Failure::Unexpected(status)) => {
            let message = format!("Unexpected status code when handling forwarded request: {}", status.as_u16());
            error(StatusCode::INTERNAL_SERVER_ERROR, &message)
        }
        Err(Failure::Io(reason)) => {
            let message = format!("IO Error trying to forward REST request: {reason}");
            error(StatusCode::INTERNAL_SERVER_ERROR, &message)
        }
    }
}

fn as_it_is(status: StatusCode, body: Bytes) -> Answer {
    let is_empty = body.is_empty();
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    if !is_empty {
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    answer
}

#[cfg(test)]
mod tests;
