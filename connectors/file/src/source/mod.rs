//! The source: its class, its one task, and what may be done to its offsets.

mod input;
pub(crate) mod lines;
mod offsets;
mod start;
mod task;

use async_trait::async_trait;
use sluice_api::config::ConfigDef;
use sluice_api::connector::{AlteredOffsets, ExactlyOnceSupport};
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};

use crate::config::{SourceConfig, source_definition};

/// `org.apache.kafka.connect.file.FileStreamSourceConnector`.
pub(crate) struct SourcePlugin;

impl ConnectorPlugin for SourcePlugin {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.file.FileStreamSourceConnector"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["FileStreamSourceConnector", "FileStreamSource"]
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn version(&self) -> &str {
        crate::VERSION
    }

    fn config_def(&self) -> ConfigDef {
        source_definition()
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<SourceConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Source(Box::<task::FileSourceTask>::default()))
    }

    /// A file that is only appended to can be read exactly once, the standard input cannot.
    fn exactly_once_support(&self, config: &Properties) -> Result<Option<ExactlyOnceSupport>> {
        Ok(Some(match SourceConfig::parse(config)?.file {
            Some(_) => ExactlyOnceSupport::Supported,
            None => ExactlyOnceSupport::Unsupported,
        }))
    }

    fn alter_offsets(&self, config: &Properties, offsets: &AlteredOffsets) -> Result<bool> {
        offsets::check(&SourceConfig::parse(config)?, offsets)
    }
}

/// A running source connector: one task with the connector's own configuration.
#[derive(Default)]
struct SourceConnector {
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for SourceConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Properties) -> Result<()> {
        SourceConfig::parse(config)?;
        self.properties = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, _max_tasks: usize) -> Result<Vec<Properties>> {
        Ok(vec![self.properties.clone()])
    }
}
