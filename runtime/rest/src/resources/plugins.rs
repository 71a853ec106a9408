//! `/connector-plugins`: what there is, what it takes, and whether a config is right (KIP-769).

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::routing::{get, put};
use sluice_herder::{HerderError, SentConfig};

use super::Shared;
use crate::answer::{Answer, Refusal, answered, ok};
use crate::body;
use crate::entities::{ConfigInfos, ConfigKeyInfo, PluginInfo};
use crate::framework::{query_flag, read, resource};

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/connector-plugins", resource(get(list), &["GET"]))
        .route("/connector-plugins/{plugin}/config", resource(get(config), &["GET"]))
        .route("/connector-plugins/{plugin}/config/validate", resource(put(validate), &["PUT"]))
}

async fn list(State(herder): State<Shared>, uri: Uri) -> Answer {
    let connectors_only = query_flag(&uri, "connectorsOnly").unwrap_or(true);
    ok(&herder.connector_plugins(connectors_only).into_iter().map(PluginInfo::from).collect::<Vec<_>>())
}

async fn config(State(herder): State<Shared>, Path(plugin): Path<String>) -> Answer {
    let entities = |keys: Vec<_>| ok(&keys.into_iter().map(ConfigKeyInfo::from).collect::<Vec<_>>());
    answered(herder.connector_plugin_config(&plugin).map(entities).map_err(Refusal::from))
}

async fn validate(State(herder): State<Shared>, Path(plugin): Path<String>, body: Body) -> Answer {
    answered(validate_as(&herder, &plugin, body).await)
}

async fn validate_as(herder: &Shared, plugin: &str, body: Body) -> Result<Answer, Refusal> {
    let config = body::sent_config(&read(body).await.unwrap_or_default())?;
    let config = config
        .ok_or_else(|| Refusal::Body("the request has no body: expected the config as a JSON object".to_owned()))?;
    check_class(plugin, &config)?;
    let infos = herder.validate_connector_config(config).await.map_err(prefixed)?;
    Ok(ok(&ConfigInfos::from(infos)))
}

/// The class in the body must end with the one in the path, `Connector` at the end of either aside.
fn check_class(plugin: &str, config: &SentConfig) -> Result<(), Refusal> {
    let Some(class) = config.properties.get("connector.class") else { return Ok(()) };
    let bare = |name: &str| name.strip_suffix("Connector").filter(|rest| !rest.is_empty()).unwrap_or(name).to_owned();
    if bare(class).ends_with(&bare(plugin)) {
        return Ok(());
    }
    let message = format!("Included connector type {class} does not match request type {plugin}");
    Err(HerderError::BadRequest(message).into())
}

/// What fails inside validation comes as 500 with the exception's class in front (connect-worker.md 1.6).
fn prefixed(error: HerderError) -> Refusal {
    const BAD_REQUEST: &str = "org.apache.kafka.connect.runtime.rest.errors.BadRequestException";
    const CONFIG: &str = "org.apache.kafka.common.config.ConfigException";
    const CONNECT: &str = "org.apache.kafka.connect.errors.ConnectException";
    let message = match error {
        HerderError::BadRequest(message) if message.starts_with("Failed to find any class") => {
            format!("{BAD_REQUEST}: {CONNECT}: {message}")
        }
        HerderError::BadRequest(message) => format!("{BAD_REQUEST}: {message}"),
        HerderError::Config(message) => format!("{CONFIG}: {message}"),
        HerderError::Internal(message) => format!("{CONNECT}: {message}"),
        other => return other.into(),
    };
    HerderError::Internal(message).into()
}
