//! `/`, `/health`, `/metrics`, `/openapi.json`.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::routing::get;
use sluice_herder::Health;

use super::Shared;
use crate::answer::{Answer, json, ok};
use crate::entities::{ServerInfo, WorkerStatus};
use crate::framework::resource;
use crate::openapi;

/// How long a health check waits for the herder.
const HEALTH_BUDGET: Duration = Duration::from_secs(10);

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/", resource(get(server_info), &["GET"])).route("/health", resource(get(health), &["GET"]))
}

/// Resources of ours, whatever the client accepts.
pub(super) fn plain_routes() -> Router<Shared> {
    Router::new().route("/openapi.json", get(|| async { ok(&openapi::document()) }))
}

/// As [`plain_routes`], on the admin listeners.
pub(super) fn admin_routes() -> Router<Shared> {
    Router::new().route("/metrics", get(metrics))
}

async fn server_info(State(herder): State<Shared>) -> Answer {
    ok(&ServerInfo::from(herder.server_info()))
}

async fn health(State(herder): State<Shared>) -> Answer {
    let with_stage = |message: &str, stage: Option<String>| match stage {
        Some(stage) => format!("{message} {stage}"),
        None => message.to_owned(),
    };
    let (code, status, message) = match herder.health(HEALTH_BUDGET).await {
        Health::Healthy => {
            let message = "Worker has completed startup and is ready to handle requests.";
            (StatusCode::OK, "healthy", message.to_owned())
        }
        Health::Starting(stage) => {
            (StatusCode::SERVICE_UNAVAILABLE, "starting", with_stage("Worker is still starting up.", stage))
        }
        Health::Unhealthy(stage) => {
            let message = "Worker was unable to handle this request and may be unable to handle other requests.";
            (StatusCode::INTERNAL_SERVER_ERROR, "unhealthy", with_stage(message, stage))
        }
    };
    json(code, &WorkerStatus { status, message })
}

async fn metrics(State(herder): State<Shared>) -> Answer {
    let mut answer = Response::new(Body::from(herder.metrics()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    answer
}
