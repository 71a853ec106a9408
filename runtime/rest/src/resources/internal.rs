//! What other workers ask of the leader: to commit task configs (KIP-507) and to fence zombies (KIP-618). Users have no business
//! here, and where the group speaks `sessioned` the session key keeps them out.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{post, put};
use sluice_api::Properties;
use sluice_herder::{InternalRequest, RequestSignature};

use super::Shared;
use crate::answer::{Answer, Refusal, answered, empty};
use crate::body;
use crate::framework::{read, resource};

/// Any content type will do, as in Kafka Connect.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        // OPTIONS of the path is answered where its GET is.
        .route("/connectors/{connector}/tasks", post(put_task_configs))
        .route("/connectors/{connector}/fence", resource(put(fence), &["PUT"]))
}

async fn put_task_configs(
    State(herder): State<Shared>,
    Path(connector): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    answered(put_task_configs_of(&herder, &connector, &headers, body).await)
}

async fn put_task_configs_of(
    herder: &Shared,
    connector: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Answer, Refusal> {
    let body = read(body).await.unwrap_or_default();
    let configs = parse(&body)?;
    herder.put_task_configs(connector, configs, signed(headers, body)?).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

async fn fence(State(herder): State<Shared>, Path(connector): Path<String>, headers: HeaderMap, body: Body) -> Answer {
    answered(fence_for(&herder, &connector, &headers, body).await)
}

async fn fence_for(herder: &Shared, connector: &str, headers: &HeaderMap, body: Body) -> Result<Answer, Refusal> {
    let body = read(body).await.unwrap_or_default();
    herder.fence_zombie_tasks(connector, signed(headers, body)?).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// A JSON array of config maps.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Properties>, Refusal> {
    let missing = || Refusal::Body("the request has no body: expected the task configs as a JSON array".to_owned());
    let items = body::items(bytes, "java.util.ArrayList<java.util.Map<java.lang.String,java.lang.String>>")?;
    let null = || Refusal::Body("a task config is null: expected a JSON object".to_owned());
    let config = |item: &[u8]| body::properties(item)?.ok_or_else(null);
    items.ok_or_else(missing)?.iter().map(|item| config(item.get().as_bytes())).collect()
}

/// The body with its signature; one header without the other is none.
fn signed(headers: &HeaderMap, body: Bytes) -> Result<InternalRequest, Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signature = match (header(RequestSignature::ALGORITHM_HEADER), header(RequestSignature::HEADER)) {
        (Some(algorithm), Some(encoded)) => Some(RequestSignature::parse(algorithm, encoded)?),
        _ => None,
    };
    Ok(InternalRequest { body, signature })
}
