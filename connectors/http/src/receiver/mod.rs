//! `sluice.HttpReceiverSource`: a listener whose requests become records, for webhooks.
//!
//! ```text
//!   request → allowed? room? signed? → record → Kafka's acknowledgement → 200
//!               4xx    429     401                    else 503, and the sender sends it again
//! ```
//!
//! A sender hears of success only after Kafka acknowledged the record, so whatever happens in between, it sends again: at least once
//! (Invariant 3). Nothing is stored of what was received, so offsets say nothing.

mod config;
mod desk;
mod server;
mod signature;
mod task;

use async_trait::async_trait;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::AlteredOffsets;
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};

use crate::problems::Problems;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use signature::{Scheme, Signature};

/// `sluice.HttpReceiverSource`.
pub(crate) struct ReceiverPlugin;

impl ConnectorPlugin for ReceiverPlugin {
    fn class(&self) -> &'static str {
        "sluice.HttpReceiverSource"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["HttpReceiverSource"]
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn version(&self) -> &str {
        crate::VERSION
    }

    fn config_def(&self) -> ConfigDef {
        config::definition()
    }

    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        Problems::validate(&self.config_def(), config, |config, problems| {
            config::parse(config, problems);
        })
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<ReceiverConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Source(Box::<task::ReceiverTask>::default()))
    }

    fn alter_offsets(&self, _config: &Properties, _offsets: &AlteredOffsets) -> Result<bool> {
        Ok(true)
    }
}

/// A running connector: one task, since one listener has one address.
#[derive(Default)]
struct ReceiverConnector {
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for ReceiverConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Properties) -> Result<()> {
        let mut problems = Problems::default();
        let settings = config::parse(config, &mut problems);
        problems.into_result(settings)?;
        self.properties = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, _max_tasks: usize) -> Result<Vec<Properties>> {
        Ok(vec![self.properties.clone()])
    }
}
