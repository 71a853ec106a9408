//! What a distributed worker checks of a source under KIP-618.

use sluice_api::config::ConfigValue;
use sluice_api::connector::{ExactlyOnceSupport, TransactionBoundarySupport};
use sluice_api::{ConnectorPlugin, Properties};

use super::sink_topics::add_error;
use crate::config::worker::WorkerConfig;

pub(super) fn validate(
    worker: &WorkerConfig,
    plugin: &dyn ConnectorPlugin,
    properties: &Properties,
    values: &mut Vec<ConfigValue>,
) {
    if worker.group_id.is_none() {
        return;
    }
    let is_right = |key: &str, values: &[ConfigValue]| {
        values.iter().find(|value| value.name == key).is_some_and(|value| value.error_messages.is_empty())
    };
    let asks_for =
        |key: &str, wanted: &str| properties.get(key).is_some_and(|text| text.trim().eq_ignore_ascii_case(wanted));
    if asks_for("exactly.once.support", "required") && is_right("exactly.once.support", values) {
        for message in support_errors(worker, plugin, properties) {
            add_error(values, "exactly.once.support", message);
        }
    }
    if asks_for("transaction.boundary", "connector")
        && is_right("transaction.boundary", values)
        && plugin.transaction_boundary_support(properties) != TransactionBoundarySupport::Supported
    {
        let message = "The connector does not support connector-defined transaction boundaries with the given configuration. \
                       Please reconfigure it to use a different transaction boundary definition.";
        add_error(values, "transaction.boundary", message.to_owned());
    }
}

fn support_errors(worker: &WorkerConfig, plugin: &dyn ConnectorPlugin, properties: &Properties) -> Vec<String> {
    let mut errors = Vec::new();
    if !worker.exactly_once_source_enabled {
        errors.push("This worker does not have exactly-once source support enabled.".to_owned());
    }
    match plugin.exactly_once_support(properties) {
        Ok(Some(ExactlyOnceSupport::Supported)) => {}
        Ok(Some(ExactlyOnceSupport::Unsupported)) => errors
            .push("The connector does not support exactly-once semantics with the provided configuration.".to_owned()),
        Ok(None) => errors.push(UNSAID.to_owned()),
        Err(error) => errors.push(format!("An unexpected error occurred during validation: {error}")),
    }
    errors
}

const UNSAID: &str = "The connector does not implement the API required for preflight validation of exactly-once source support. \
    Please consult the documentation for the connector to determine whether it supports exactly-once semantics, and then \
    consider reconfiguring the connector to use the value \"requested\" for this property (which will disable this preflight \
    check and allow the connector to be created).";
