//! The client settings that a connector overrides (KIP-458).

use sluice_api::config::{ConfigDef, ConfigValue, parse_value};
use sluice_api::data::java_hash_order;
use sluice_api::{ConnectError, ConnectorKind, Properties, Value};

use super::ConfigInfos;
use super::result::prefixed_result;
use crate::config::client::{ClientRole, OverridePolicy, client_config_def};
use crate::config::connector::uses_topic_creation;
use crate::config::problem::is_secret;
use crate::config::worker::{WorkerConfig, with_prefix};

/// The entries of the clients that a connector of `kind` uses.
pub(super) fn validate(
    worker: &WorkerConfig,
    kind: ConnectorKind,
    properties: &Properties,
) -> Result<ConfigInfos, ConnectError> {
    let mut infos = ConfigInfos::default();
    for role in [ClientRole::Producer, ClientRole::Consumer, ClientRole::Admin] {
        if uses(worker, kind, properties, role) {
            infos.merge(overrides(&worker.override_policy, properties, role)?);
        }
    }
    Ok(infos)
}

fn uses(worker: &WorkerConfig, kind: ConnectorKind, properties: &Properties, role: ClientRole) -> bool {
    let is_set = |key: &str| properties.get(key).is_some_and(|text| !text.trim().is_empty());
    let has_dlq = is_set("errors.deadletterqueue.topic.name");
    let own_offsets = || {
        worker.exactly_once_source_enabled
            || (worker.connector_offsets_topics_permitted() && is_set("offsets.storage.topic"))
    };
    match (kind, role) {
        (ConnectorKind::Source, ClientRole::Producer) | (ConnectorKind::Sink, ClientRole::Consumer) => true,
        (ConnectorKind::Source, ClientRole::Admin) => uses_topic_creation(properties) || own_offsets(),
        (ConnectorKind::Source, ClientRole::Consumer) => own_offsets(),
        (ConnectorKind::Sink, ClientRole::Producer | ClientRole::Admin) => has_dlq,
    }
}

fn overrides(policy: &OverridePolicy, properties: &Properties, role: ClientRole) -> Result<ConfigInfos, ConnectError> {
    let def = client_config_def(role);
    let own = with_prefix(properties, role.override_prefix());
    let mut entries: Vec<(Value, &String)> = own.iter().map(|(key, text)| (Value::from(key.as_str()), text)).collect();
    java_hash_order(&mut entries, |(key, _)| key);
    let values = entries.iter().map(|(key, text)| override_value(policy, def, key.as_str().unwrap_or_default(), text));
    Ok(prefixed_result(role.override_prefix(), def, values.collect::<Result<_, _>>()?))
}

/// A value that its client could not parse ends the validation, as in Kafka. A secret under a name that no client knows is
/// masked (Invariant 9).
fn override_value(
    policy: &OverridePolicy,
    def: &ConfigDef,
    name: &str,
    text: &str,
) -> Result<ConfigValue, ConnectError> {
    let shown = match def.get(name) {
        Some(key) => parse_value(name, text, key.config_type).map_err(ConnectError::config)?.to_string(),
        None if is_secret(def, name) => "[hidden]".to_owned(),
        None => text.to_owned(),
    };
    let mut value = ConfigValue::new(name, Some(shown));
    value.error_messages.extend(policy.check(name).err());
    Ok(value)
}
