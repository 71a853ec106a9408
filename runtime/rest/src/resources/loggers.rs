//! `/admin/loggers` (KIP-495, KIP-976).

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use serde_json::{Map, Value};
use sluice_herder::HerderError;
use tracing::warn;

use super::Shared;
use crate::answer::{Answer, Refusal, answered, empty, ok};
use crate::body;
use crate::entities::LoggerLevel;
use crate::framework::{query_values, read, resource};

const LEVELS: [&str; 8] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF", "ALL"];

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/admin/loggers", resource(get(list), &["GET"]))
        .route("/admin/loggers/{logger}", resource(get(show).put(set), &["GET", "PUT"]))
}

async fn list(State(herder): State<Shared>) -> Answer {
    let levels = herder
        .loggers()
        .into_iter()
        .map(|(name, level)| (name, serde_json::to_value(LoggerLevel::from(level)).unwrap_or_default()));
    ok(&levels.collect::<Map<String, Value>>())
}

async fn show(State(herder): State<Shared>, Path(logger): Path<String>) -> Answer {
    let level = herder.logger(&logger).ok_or_else(|| HerderError::NotFound(format!("Logger {logger} not found.")));
    answered(level.map(|level| ok(&LoggerLevel::from(level))).map_err(Refusal::from))
}

async fn set(State(herder): State<Shared>, Path(logger): Path<String>, uri: Uri, body: Body) -> Answer {
    answered(set_to(&herder, &logger, &uri, body).await)
}

async fn set_to(herder: &Shared, logger: &str, uri: &Uri, body: Body) -> Result<Answer, Refusal> {
    let members = body::properties(&read(body).await.unwrap_or_default())?.unwrap_or_default();
    let missing = || HerderError::BadRequest("Desired 'level' parameter was not specified in request.".to_owned());
    let level = members.get("level").ok_or_else(missing)?;
    if level.is_empty() {
        return Err(Refusal::Body("Illegal null or empty Level name.".to_owned()));
    }
    if !LEVELS.contains(&level.to_uppercase().as_str()) {
        return Err(HerderError::NotFound(format!("invalid log level '{level}'.")).into());
    }
    let scope = query_values(uri, "scope").into_iter().next().unwrap_or_else(|| "worker".to_owned());
    if scope.eq_ignore_ascii_case("cluster") {
        herder.set_cluster_logger_level(logger, level).await?;
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    if !scope.eq_ignore_ascii_case("worker") {
        warn!(scope, "unknown scope of a logger level, taken as worker");
    }
    Ok(ok(&herder.set_logger_level(logger, level)))
}
