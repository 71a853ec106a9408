//! The sink: its class and its tasks. The design is in the crate's documentation.

mod aiven;
mod budget;
mod compatibility;
mod config;
mod file;
mod keys;
mod leftovers;
mod names;
mod object;
mod partition;
mod rotation;
mod spill;
mod task;
#[cfg(test)]
pub(crate) mod testing;
mod upload;

use async_trait::async_trait;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::AlteredOffsets;
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};

use config::SinkConfig;

// What the source reads back.
pub(crate) use aiven::{AivenSinkPlugin, NameTemplate};
pub(crate) use keys::{FORMATS, ROWS as KEYS, validator};
pub(crate) use names::Names;

/// `io.confluent.connect.s3.S3SinkConnector`.
pub(crate) struct SinkPlugin;

impl ConnectorPlugin for SinkPlugin {
    fn class(&self) -> &'static str {
        "io.confluent.connect.s3.S3SinkConnector"
    }

    fn task_class(&self) -> String {
        "io.confluent.connect.s3.S3SinkTask".into()
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["S3SinkConnector", "S3Sink"]
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Sink
    }

    fn version(&self) -> &str {
        crate::VERSION
    }

    fn config_def(&self) -> ConfigDef {
        keys::definition()
    }

    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        SinkConfig::validate(config)
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<SinkConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Sink(Box::<task::S3SinkTask>::default()))
    }

    /// Objects are named by offset, so any offset will do: what is read again is written again under the same names.
    fn alter_offsets(&self, _config: &Properties, _offsets: &AlteredOffsets) -> Result<bool> {
        Ok(true)
    }
}

/// A running sink connector: as many equal tasks as there may be.
#[derive(Default)]
struct SinkConnector {
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for SinkConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Properties) -> Result<()> {
        SinkConfig::parse(config)?;
        self.properties = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Properties>> {
        Ok(vec![self.properties.clone(); max_tasks])
    }
}
