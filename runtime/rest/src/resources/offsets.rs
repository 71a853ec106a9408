//! `/connectors/C/offsets` (KIP-875).

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sluice_herder::{ConnectorOffset, ConnectorOffsets, HerderError};

use super::Shared;
use crate::answer::{Answer, Refusal, answered, ok};
use crate::body;
use crate::entities::{Message, Offset, Offsets};
use crate::framework::{read, resource};

const OFFSETS_CLASS: &str = "org.apache.kafka.connect.runtime.rest.entities.ConnectorOffsets";
const OFFSET_CLASS: &str = "org.apache.kafka.connect.runtime.rest.entities.ConnectorOffset";

pub(super) fn routes() -> Router<Shared> {
    let methods = ["GET", "PATCH", "DELETE"];
    Router::new().route("/connectors/{connector}/offsets", resource(get(show).patch(alter).delete(reset), &methods))
}

async fn show(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    let shown = |offsets: ConnectorOffsets| ok(&Offsets { offsets: offsets.into_iter().map(Offset::from).collect() });
    answered(herder.connector_offsets(&connector).await.map(shown).map_err(Refusal::from))
}

async fn alter(State(herder): State<Shared>, Path(connector): Path<String>, body: Body) -> Answer {
    answered(alter_to(&herder, &connector, body).await)
}

async fn alter_to(herder: &Shared, connector: &str, body: Body) -> Result<Answer, Refusal> {
    let offsets = parse(&read(body).await.unwrap_or_default())?;
    if offsets.is_empty() {
        let message = "Partitions / offsets need to be provided for an alter offsets request";
        return Err(HerderError::BadRequest(message.to_owned()).into());
    }
    Ok(ok(&Message { message: herder.alter_connector_offsets(connector, offsets).await? }))
}

async fn reset(State(herder): State<Shared>, Path(connector): Path<String>) -> Answer {
    let message = herder.reset_connector_offsets(&connector).await;
    answered(message.map(|message| ok(&Message { message })).map_err(Refusal::from))
}

pub(super) fn parse(bytes: &[u8]) -> Result<ConnectorOffsets, Refusal> {
    let missing = || Refusal::Body("the request has no body: expected {\"offsets\": [...]}".to_owned());
    let members = body::members(bytes, OFFSETS_CLASS, &["offsets"])?.ok_or_else(missing)?;
    let Some(list) = members.get("offsets").filter(|list| list.get() != "null") else { return Ok(Vec::new()) };
    let items: Vec<Box<RawValue>> = serde_json::from_str(list.get())
        .map_err(|_| body::mismatch(&format!("java.util.ArrayList<{OFFSET_CLASS}>"), list))?;
    items.iter().map(|item| parse_offset(item)).collect()
}

fn parse_offset(item: &RawValue) -> Result<ConnectorOffset, Refusal> {
    let members = body::members(item.get().as_bytes(), OFFSET_CLASS, &["partition", "offset"])?;
    let members = members.ok_or_else(|| {
        Refusal::Body("an entry of `offsets` is null: expected {\"partition\": {...}, \"offset\": {...}}".to_owned())
    })?;
    let map = |key: &str| members.get(key).map(|value| map(value)).transpose().map(Option::flatten);
    Ok(ConnectorOffset { partition: map("partition")?, offset: map("offset")? })
}

fn map(value: &RawValue) -> Result<Option<Map<String, Value>>, Refusal> {
    let wrong = |_| body::mismatch("java.util.LinkedHashMap<java.lang.String,java.lang.Object>", value);
    serde_json::from_str(value.get()).map_err(wrong)
}
