//! The sink: its class and its tasks, all of which append to the same file.

mod output;
mod task;

use async_trait::async_trait;
use sluice_api::config::ConfigDef;
use sluice_api::connector::AlteredOffsets;
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};

use crate::config::{sink_definition, sink_file};

/// `org.apache.kafka.connect.file.FileStreamSinkConnector`.
pub(crate) struct SinkPlugin;

impl ConnectorPlugin for SinkPlugin {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.file.FileStreamSinkConnector"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["FileStreamSinkConnector", "FileStreamSink"]
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Sink
    }

    fn version(&self) -> &str {
        crate::VERSION
    }

    fn config_def(&self) -> ConfigDef {
        sink_definition()
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<SinkConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Sink(Box::<task::FileSinkTask>::default()))
    }

    /// The file keeps no offsets of its own, so any will do.
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
        sink_file(config)?;
        self.properties = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Properties>> {
        Ok(vec![self.properties.clone(); max_tasks])
    }
}
