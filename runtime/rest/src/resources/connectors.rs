//! `/connectors`: list and create.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::get;
use serde_json::{Map, Value};
use sluice_herder::{CreateConnector, SentConfig};
use sluice_storage::TargetState;

use super::Shared;
use crate::answer::{Answer, Refusal, answered, created, ok};
use crate::body;
use crate::entities::{ConnectorInfo, ConnectorStateInfo};
use crate::framework::{Base, query_values, read, resource};

const REQUEST_CLASS: &str = "org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest";

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/connectors", resource(get(list).post(create), &["GET", "POST"]))
}

async fn list(State(herder): State<Shared>, uri: Uri) -> Answer {
    let expansions = query_values(&uri, "expand");
    if expansions.is_empty() {
        return ok(&herder.connectors());
    }
    let expanded =
        herder.connectors().into_iter().filter_map(|name| Some((name.clone(), expand(&herder, &name, &expansions)?)));
    ok(&expanded.collect::<Map<String, Value>>())
}

/// The asked-for views of one connector; `None` when it has no status and that was asked for.
fn expand(herder: &Shared, connector: &str, expansions: &[String]) -> Option<Value> {
    let mut views = Map::new();
    if expansions.iter().any(|name| name == "info") {
        let info = herder.connector_info_now(connector).map(ConnectorInfo::from);
        views.insert("info".to_owned(), serde_json::to_value(info).ok()?);
    }
    if expansions.iter().any(|name| name == "status") {
        let status = ConnectorStateInfo::from(herder.connector_status(connector).ok()?);
        views.insert("status".to_owned(), serde_json::to_value(status).ok()?);
    }
    Some(Value::Object(views))
}

async fn create(State(herder): State<Shared>, base: Base, body: Body) -> Answer {
    answered(create_from(&herder, &base, body).await)
}

async fn create_from(herder: &Shared, base: &Base, body: Body) -> Result<Answer, Refusal> {
    let request = parse(&read(body).await.unwrap_or_default())?;
    let name = request.name.clone();
    let done = herder.create_connector(request).await?;
    Ok(created(&base.connector(&name), &ConnectorInfo::from(done.info)))
}

pub(super) fn parse(bytes: &[u8]) -> Result<CreateConnector, Refusal> {
    let missing = |what: &str| {
        Refusal::Body(format!("the request has no {what}: expected {{\"name\": ..., \"config\": {{...}}}}"))
    };
    let members = body::members(bytes, REQUEST_CLASS, &["config", "name", "initial_state"])?;
    let members = members.ok_or_else(|| missing("body"))?;
    let text = |key: &str| members.get(key).map(|value| body::text(value)).transpose().map(Option::flatten);
    let name = text("name")?.unwrap_or_default().trim().to_owned();
    let initial_state = text("initial_state")?.map(|state| initial_state(&state)).transpose()?;
    let config = members.get("config").map(|config| body::sent_config(config.get().as_bytes())).transpose()?.flatten();
    let config = with_name(config.ok_or_else(|| missing("`config`"))?, &name)?;
    Ok(CreateConnector { name, config, initial_state })
}

fn initial_state(text: &str) -> Result<TargetState, Refusal> {
    match text.to_uppercase().as_str() {
        "RUNNING" => Ok(TargetState::Started),
        "PAUSED" => Ok(TargetState::Paused),
        "STOPPED" => Ok(TargetState::Stopped),
        unknown => Err(Refusal::Body(format!(
            "Cannot construct instance of `{REQUEST_CLASS}$InitialState`, problem: No enum constant \
             {REQUEST_CLASS}.InitialState.{unknown}"
        ))),
    }
}

/// The config with its `name`, which may be left out but must not differ.
pub(super) fn with_name(mut config: SentConfig, name: &str) -> Result<SentConfig, Refusal> {
    match config.properties.get("name") {
        None => {
            config.nulls.retain(|key| key != "name");
            config.properties.insert("name".to_owned(), name.to_owned());
            Ok(config)
        }
        Some(same) if same == name => Ok(config),
        Some(other) => Err(Refusal::Herder(sluice_herder::HerderError::BadRequest(format!(
            "Connector name configuration ({other}) doesn't match connector name in the URL ({name})"
        )))),
    }
}
