//! The sources of both vendors: objects back into topics. The design is in the crate's documentation.

mod config;
mod decode;
mod keys;
mod listing;
mod offsets;
mod place;
mod reading;
mod stream;
mod task;

use async_trait::async_trait;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::{AlteredOffsets, ExactlyOnceSupport};
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};

use config::SourceConfig;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use decode::{Decoded, InputFormat, decode_all};

/// Whose keys a configuration has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    Confluent,
    Aiven,
}

/// `io.confluent.connect.s3.source.S3SourceConnector`, or `io.aiven.kafka.connect.s3.source.S3SourceConnector`.
pub(crate) struct SourcePlugin(pub(crate) Vendor);

impl ConnectorPlugin for SourcePlugin {
    fn class(&self) -> &'static str {
        match self.0 {
            Vendor::Confluent => "io.confluent.connect.s3.source.S3SourceConnector",
            Vendor::Aiven => "io.aiven.kafka.connect.s3.source.S3SourceConnector",
        }
    }

    fn aliases(&self) -> &'static [&'static str] {
        match self.0 {
            Vendor::Confluent => &["S3SourceConnector", "S3Source"],
            Vendor::Aiven => &["AivenKafkaConnectS3SourceConnector"],
        }
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn version(&self) -> &str {
        match self.0 {
            Vendor::Confluent => crate::VERSION,
            Vendor::Aiven => crate::aiven::VERSION,
        }
    }

    fn config_def(&self) -> ConfigDef {
        keys::definition(self.0)
    }

    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        SourceConfig::validate(self.0, config)
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(SourceConnector { vendor: self.0, properties: Properties::new() })
    }

    fn task(&self) -> TaskFactory {
        let vendor = self.0;
        Box::new(move || TaskHandle::Source(Box::new(task::S3SourceTask::new(vendor))))
    }

    /// Offsets say the record of the object.
    fn exactly_once_support(&self, _config: &Properties) -> Result<Option<ExactlyOnceSupport>> {
        Ok(Some(ExactlyOnceSupport::Supported))
    }

    fn alter_offsets(&self, _config: &Properties, altered: &AlteredOffsets) -> Result<bool> {
        offsets::check(altered)
    }
}

/// A running source connector: tasks that divide the objects among them.
struct SourceConnector {
    vendor: Vendor,
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for SourceConnector {
    async fn start(&mut self, _context: ConnectorContext, properties: &Properties) -> Result<()> {
        SourceConfig::parse(self.vendor, properties)?;
        self.properties = properties.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Properties>> {
        let of = |task: usize| {
            let mut properties = self.properties.clone();
            properties.insert(config::TASK.into(), task.to_string());
            properties.insert(config::TASKS.into(), max_tasks.to_string());
            properties
        };
        Ok((0..max_tasks).map(of).collect())
    }
}
