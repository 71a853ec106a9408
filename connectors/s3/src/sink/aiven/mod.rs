//! Aiven's sink: its keys, and names by a template, over the same task.
//!
//! Objects are complete at each commit of offsets, as Aiven's are, and at `file.max.records`. What was read since stays on its way to
//! the store, not in memory.

mod config;
mod keys;
mod template;

use async_trait::async_trait;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::AlteredOffsets;
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};

use super::task::S3SinkTask;
pub(crate) use template::NameTemplate;

/// `io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector`.
pub(crate) struct AivenSinkPlugin;

impl ConnectorPlugin for AivenSinkPlugin {
    fn class(&self) -> &'static str {
        "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector"
    }

    fn task_class(&self) -> String {
        "io.aiven.kafka.connect.s3.S3SinkTask".into()
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["AivenKafkaConnectS3SinkConnector", "AivenKafkaConnectS3Sink"]
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Sink
    }

    fn version(&self) -> &str {
        crate::aiven::VERSION
    }

    fn config_def(&self) -> ConfigDef {
        keys::definition()
    }

    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        config::validate(config)
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<AivenSinkConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Sink(Box::new(S3SinkTask::with(config::parse))))
    }

    fn alter_offsets(&self, _config: &Properties, _offsets: &AlteredOffsets) -> Result<bool> {
        Ok(true)
    }
}

/// A running sink connector: as many equal tasks as there may be.
#[derive(Default)]
struct AivenSinkConnector {
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for AivenSinkConnector {
    async fn start(&mut self, _context: ConnectorContext, properties: &Properties) -> Result<()> {
        config::parse(properties)?;
        self.properties = properties.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Properties>> {
        Ok(vec![self.properties.clone(); max_tasks])
    }
}

#[cfg(test)]
mod tests;
