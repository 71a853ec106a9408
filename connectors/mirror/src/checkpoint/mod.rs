//! MirrorCheckpoint: says where groups of the source go on in the target, and commits that for them when asked to.

mod connector;
mod groups;
mod reader;
mod task;
mod translate;

pub(crate) use connector::group_admin;
pub(crate) use reader::{Topic, lock};
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::AlteredOffsets;
use sluice_api::{Connector, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle};

use crate::config::{checkpoint_definition, validate_checkpoint};
use crate::offsets;

/// `org.apache.kafka.connect.mirror.MirrorCheckpointConnector`.
pub(crate) struct MirrorCheckpointPlugin;

impl ConnectorPlugin for MirrorCheckpointPlugin {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.mirror.MirrorCheckpointConnector"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["MirrorCheckpointConnector", "MirrorCheckpoint"]
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn version(&self) -> &str {
        crate::VERSION
    }

    fn config_def(&self) -> ConfigDef {
        checkpoint_definition()
    }

    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        validate_checkpoint(config)
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<connector::MirrorCheckpointConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Source(Box::<task::MirrorCheckpointTask>::default()))
    }

    fn alter_offsets(&self, _config: &Properties, altered: &AlteredOffsets) -> Result<bool> {
        offsets::check(altered, &["group", "topic"], true, true)
    }
}
