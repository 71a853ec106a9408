//! MirrorSource: copies topics, and keeps topics, partitions, settings and access rules of the target like those of the source.

mod acls;
mod connector;
mod marks;
mod plan;
mod settings;
mod syncs;
mod task;
mod topics;

pub(crate) use plan::partitions;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::{AlteredOffsets, ExactlyOnceSupport};
use sluice_api::{Connector, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle};

use crate::config::{source_definition, validate_source};
use crate::offsets;

/// `org.apache.kafka.connect.mirror.MirrorSourceConnector`.
pub(crate) struct MirrorSourcePlugin;

impl ConnectorPlugin for MirrorSourcePlugin {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.mirror.MirrorSourceConnector"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["MirrorSourceConnector", "MirrorSource"]
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

    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        validate_source(config)
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<connector::MirrorSourceConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Carrier(Box::<task::MirrorSourceTask>::default()))
    }

    /// Not before the mirror has transactions of its own.
    fn exactly_once_support(&self, _config: &Properties) -> Result<Option<ExactlyOnceSupport>> {
        Ok(Some(ExactlyOnceSupport::Unsupported))
    }

    fn alter_offsets(&self, _config: &Properties, altered: &AlteredOffsets) -> Result<bool> {
        offsets::check(altered, &["cluster", "topic"], true, false)
    }
}
