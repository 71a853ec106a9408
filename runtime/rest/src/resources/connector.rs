//! `/connectors/C` and what is below it, offsets excepted.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post, put};
use serde_json::json;
use sluice_storage::{ConnectorTaskId, RestartRequest, TargetState};

use super::Shared;
use super::connectors::with_name;
use crate::answer::{Answer, Refusal, answered, created, empty, json as json_answer, ok};
use crate::body;
use crate::entities::{ConnectorInfo, ConnectorStateInfo, TaskInfo, TaskState};
use crate::framework::{Base, query_flag, read, resource};

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/connectors/{connector}", resource(get(info).delete(remove), &["GET", "DELETE"]))
        .route(
            "/connectors/{connector}/config",
            resource(get(config).put(replace).patch(patch), &["GET", "PUT", "PATCH"]),
        )
        .route("/connectors/{connector}/status", resource(get(status), &["GET"]))
        .route("/connectors/{connector}/tasks", resource(get(tasks), &["GET", "POST"]))
        .route("/connectors/{connector}/tasks/{task}/status", resource(get(task_status), &["GET"]))
        .route("/connectors/{connector}/tasks/{task}/restart", resource(post(restart_task), &["POST"]))
        .route("/connectors/{connector}/restart", resource(post(restart), &["POST"]))
        .route("/connectors/{connector}/pause", resource(put(pause), &["PUT"]))
        .route("/connectors/{connector}/resume", resource(put(resume), &["PUT"]))
        .route("/connectors/{connector}/stop", resource(put(stop), &["PUT"]))
        .route("/connectors/{connector}/topics", resource(get(topics), &["GET"]))
        .route("/connectors/{connector}/topics/reset", resource(put(reset_topics), &["PUT"]))
}

async fn info(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    answered(herder.connector_info(&connector).await.map(|info| ok(&ConnectorInfo::from(info))).map_err(Refusal::from))
}

async fn config(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    answered(herder.connector_info(&connector).await.map(|info| ok(&info.config)).map_err(Refusal::from))
}

async fn remove(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    done(herder.delete_connector(&connector).await, StatusCode::NO_CONTENT)
}

async fn replace(State(herder): State<Shared>, Path(connector): Path<String>, base: Base, body: Body) -> Answer {
    answered(replace_with(&herder, &connector, &base, body).await)
}

async fn replace_with(herder: &Shared, connector: &str, base: &Base, body: Body) -> Result<Answer, Refusal> {
    let config = body::sent_config(&read(body).await.unwrap_or_default())?;
    let config = config
        .ok_or_else(|| Refusal::Body("the request has no body: expected the config as a JSON object".to_owned()))?;
    let put = herder.put_connector_config(connector, with_name(config, connector)?).await?;
    let entity = ConnectorInfo::from(put.info);
    Ok(if put.created { created(&base.connector(connector), &entity) } else { ok(&entity) })
}

async fn patch(State(herder): State<Shared>, Path(connector): Path<String>, body: Body) -> Answer {
    answered(patch_with(&herder, &connector, body).await)
}

async fn patch_with(herder: &Shared, connector: &str, body: Body) -> Result<Answer, Refusal> {
    let patch = body::nullable_properties(&read(body).await.unwrap_or_default())?;
    let Some(patch) = patch else {
        // An unknown connector comes first.
        herder.connector_info(connector).await?;
        return Err(Refusal::Body("the request has no body: expected changes as a JSON object".to_owned()));
    };
    Ok(ok(&ConnectorInfo::from(herder.patch_connector_config(connector, patch).await?)))
}

async fn status(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    answered(
        herder.connector_status(&connector).map(|status| ok(&ConnectorStateInfo::from(status))).map_err(Refusal::from),
    )
}

async fn tasks(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    let entities = |tasks: Vec<_>| ok(&tasks.into_iter().map(TaskInfo::from).collect::<Vec<_>>());
    answered(herder.task_infos(&connector).await.map(entities).map_err(Refusal::from))
}

async fn task_status(State(herder): State<Shared>, Path((connector, task)): Path<(String, String)>) -> Answer {
    answered(task_id(connector, &task).and_then(|id| Ok(ok(&TaskState::from(herder.task_status(&id)?)))))
}

async fn restart_task(State(herder): State<Shared>, Path((connector, task)): Path<(String, String)>) -> Answer {
    match task_id(connector, &task) {
        Ok(id) => done(herder.restart_task(&id).await, StatusCode::NO_CONTENT),
        Err(refusal) => answered(Err(refusal)),
    }
}

/// A task number that is no number at all is a path that does not exist.
fn task_id(connector: String, task: &str) -> Result<ConnectorTaskId, Refusal> {
    match task.parse::<i32>() {
        Err(_) => Err(Refusal::Status(StatusCode::NOT_FOUND)),
        Ok(number) => match u32::try_from(number) {
            Ok(task) => Ok(ConnectorTaskId { connector, task }),
            Err(_) => {
                let message = format!("Unknown task: {connector}-{number}");
                Err(Refusal::Herder(sluice_herder::HerderError::NotFound(message)))
            }
        },
    }
}

async fn restart(State(herder): State<Shared>, Path(connector): Path<String>, uri: Uri) -> Answer {
    let include_tasks = query_flag(&uri, "includeTasks").unwrap_or(false);
    let only_failed = query_flag(&uri, "onlyFailed").unwrap_or(false);
    if !include_tasks && !only_failed {
        return done(herder.restart_connector(&connector).await, StatusCode::NO_CONTENT);
    }
    let plan = herder.restart_connector_and_tasks(RestartRequest { connector, only_failed, include_tasks }).await;
    let accepted = |plan| json_answer(StatusCode::ACCEPTED, &ConnectorStateInfo::from(plan));
    answered(plan.map(accepted).map_err(Refusal::from))
}

async fn pause(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    done(herder.set_target_state(&connector, TargetState::Paused).await, StatusCode::ACCEPTED)
}

async fn resume(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    done(herder.set_target_state(&connector, TargetState::Started).await, StatusCode::ACCEPTED)
}

async fn stop(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    done(herder.set_target_state(&connector, TargetState::Stopped).await, StatusCode::NO_CONTENT)
}

async fn topics(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    let shown = |topics: Vec<String>| ok(&json!({ connector.as_str(): { "topics": topics } }));
    answered(herder.active_topics(&connector).map(shown).map_err(Refusal::from))
}

async fn reset_topics(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    done(herder.reset_active_topics(&connector), StatusCode::ACCEPTED)
}

/// An empty answer, or the refusal.
fn done(result: Result<(), sluice_herder::HerderError>, status: StatusCode) -> Answer {
    answered(result.map(|()| empty(status)).map_err(Refusal::from))
}
