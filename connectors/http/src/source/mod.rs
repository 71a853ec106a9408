//! The source: polls an address whose parameters the offset fills in, and makes a record of every item of the answer.
//!
//! Keys, record format, offsets and source partition are those of castorm's connector. The offset that fills in the next request is that
//! of the last record that was handed out; what is stored is left to the worker, after the acknowledgement (Invariant 1).

mod config;
mod links;
mod page;
mod task;
mod template;
pub(crate) mod timestamp;

use async_trait::async_trait;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::AlteredOffsets;
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};

use crate::problems::Problems;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use links::next_link;

/// `com.github.castorm.kafka.connect.http.HttpSourceConnector`.
pub(crate) struct SourcePlugin;

impl ConnectorPlugin for SourcePlugin {
    fn class(&self) -> &'static str {
        "com.github.castorm.kafka.connect.http.HttpSourceConnector"
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
        Box::<SourceConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Source(Box::<task::HttpSourceTask>::default()))
    }

    fn alter_offsets(&self, _config: &Properties, _offsets: &AlteredOffsets) -> Result<bool> {
        Ok(true)
    }
}

/// A running connector: one task, since there is one stream of items.
#[derive(Default)]
struct SourceConnector {
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for SourceConnector {
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
