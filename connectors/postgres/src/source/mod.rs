//! The source: its class, its one task, and what may be done to its offsets.

mod changes;
mod copy_text;
mod identity;
mod inspection;
mod ledger;
mod resume;
mod session;
mod snapshot;
mod stream;
mod task;

use async_trait::async_trait;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::{AlteredOffsets, ExactlyOnceSupport};
use sluice_api::{
    ConnectError, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory,
    TaskHandle,
};

use crate::config::{PostgresConfig, definition, refusals};
use crate::events::{DEBEZIUM_VERSION, Position};

/// `io.debezium.connector.postgresql.PostgresConnector`.
pub(crate) struct PostgresPlugin;

impl ConnectorPlugin for PostgresPlugin {
    fn class(&self) -> &'static str {
        "io.debezium.connector.postgresql.PostgresConnector"
    }

    fn task_class(&self) -> String {
        "io.debezium.connector.postgresql.PostgresConnectorTask".to_owned()
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["PostgresConnector", "Postgres"]
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn version(&self) -> &str {
        DEBEZIUM_VERSION
    }

    fn config_def(&self) -> ConfigDef {
        definition()
    }

    /// What is not there yet is refused here, so that no configuration is half obeyed.
    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        let mut values = definition().validate(config);
        for (key, message) in refusals(config) {
            match values.iter_mut().find(|value| value.name == key) {
                Some(value) => value.error_messages.push(message),
                None => {
                    let mut value = ConfigValue::new(&key, config.get(&key).cloned());
                    value.error_messages.push(message);
                    values.push(value);
                }
            }
        }
        let is_right = values.iter().all(|value| value.error_messages.is_empty());
        if is_right && let Err(error) = PostgresConfig::parse(config) {
            let message = error.to_string();
            let names = |key: &str| [format!("configuration {key}:"), format!("\"{key}\"")];
            let named = values.iter().position(|value| names(&value.name).iter().any(|name| message.contains(name)));
            if let Some(value) = values.get_mut(named.unwrap_or(0)) {
                value.error_messages.push(message);
            }
        }
        values
    }

    fn looks_outside(&self) -> bool {
        true
    }

    fn validate_outside(&self, config: &Properties) -> Vec<(String, String)> {
        let problems = inspection::inspect(config);
        problems.into_iter().map(|problem| (problem.key.to_owned(), problem.message)).collect()
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<PostgresConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Source(Box::<task::PostgresSourceTask>::default()))
    }

    /// Offsets say exactly where to go on, inside of transactions too.
    fn exactly_once_support(&self, _config: &Properties) -> Result<Option<ExactlyOnceSupport>> {
        Ok(Some(ExactlyOnceSupport::Supported))
    }

    fn alter_offsets(&self, _config: &Properties, offsets: &AlteredOffsets) -> Result<bool> {
        for (partition, offset) in offsets {
            let Some(offset) = offset else { continue };
            if partition.as_ref().is_none_or(|partition| partition.get("server").is_none()) {
                return Err(ConnectError::connect("Partition objects should contain the key 'server'"));
            }
            match partition.as_ref().is_some_and(identity::Identity::is_partition) {
                true => drop(identity::Identity::from_offset(offset)?),
                false => drop(Position::from_offset(offset)?),
            }
        }
        Ok(true)
    }
}

/// A running connector: one task with the connector's own configuration.
#[derive(Default)]
struct PostgresConnector {
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for PostgresConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Properties) -> Result<()> {
        PostgresConfig::parse(config)?;
        self.properties = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, _max_tasks: usize) -> Result<Vec<Properties>> {
        Ok(vec![self.properties.clone()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_of_the_key_that_is_wrong() {
        let wrong = [
            ("table.include.list", "("),
            ("column.exclude.list", "("),
            ("database.port", "70000"),
            ("unavailable.value.placeholder", "hex:x"),
        ];
        for (key, value) in wrong {
            let sample = [
                ("topic.prefix", "server"),
                ("database.hostname", "localhost"),
                ("database.user", "capture"),
                ("database.dbname", "shop"),
                (key, value),
            ];
            let config = sample.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            let values = PostgresPlugin.validate(&config);
            let blamed = values.iter().filter(|value| !value.error_messages.is_empty());
            let blamed: Vec<&str> = blamed.map(|value| value.name.as_str()).collect();
            assert_eq!(blamed, [key]);
        }
    }
}
