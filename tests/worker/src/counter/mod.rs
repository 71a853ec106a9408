//! `CounterSource`: as many tasks as there may be, each of which counts into a partition of its own.
//!
//! Task `t` writes `task t number n.` for n = 0, 1, 2, … to partition `t` of the topic, and goes on behind the stored number (Invariants
//! 1 and 3 can be counted). The header `owner` names the process and the start of the task that wrote a record (Invariant 5 can be seen).

mod config;
mod task;

use async_trait::async_trait;
use sluice_api::config::ConfigDef;
use sluice_api::connector::{ExactlyOnceSupport, TransactionBoundarySupport};
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};

use config::{CounterConfig, definition};

/// `sluice.test.CounterSourceConnector`.
pub(crate) struct CounterPlugin;

impl ConnectorPlugin for CounterPlugin {
    fn class(&self) -> &'static str {
        "sluice.test.CounterSourceConnector"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["CounterSourceConnector", "CounterSource"]
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn config_def(&self) -> ConfigDef {
        definition()
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<CounterConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Source(Box::<task::CounterTask>::default()))
    }

    fn exactly_once_support(&self, _config: &Properties) -> Result<Option<ExactlyOnceSupport>> {
        Ok(Some(ExactlyOnceSupport::Supported))
    }

    fn transaction_boundary_support(&self, _config: &Properties) -> TransactionBoundarySupport {
        TransactionBoundarySupport::Supported
    }
}

/// A running connector; its tasks differ by their numbers alone.
#[derive(Default)]
struct CounterConnector {
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for CounterConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Properties) -> Result<()> {
        CounterConfig::parse(config)?;
        self.properties = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Properties>> {
        Ok(vec![self.properties.clone(); max_tasks])
    }
}
