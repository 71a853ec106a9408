//! The sink: two class names, one task.

mod aiven;
mod bulk;
mod confluent;
#[cfg(test)]
pub(crate) mod doubles;
mod exchange;
mod extras;
mod ledger;
mod outcomes;
mod rejects;
mod report_keys;
mod requests;
mod settings;
mod task;
mod template;

use async_trait::async_trait;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::AlteredOffsets;
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};

use crate::problems::Problems;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use bulk::verdicts;
use settings::SinkSettings;

/// Reads the keys of a class.
type Parse = fn(&Properties, &mut Problems) -> Option<SinkSettings>;

/// A class of sinks.
pub(crate) struct SinkPlugin {
    class: &'static str,
    definition: fn() -> ConfigDef,
    parse: Parse,
}

/// `io.confluent.connect.http.HttpSinkConnector`.
pub(crate) const CONFLUENT: SinkPlugin = SinkPlugin {
    class: "io.confluent.connect.http.HttpSinkConnector",
    definition: confluent::definition,
    parse: confluent::parse,
};

/// `io.aiven.kafka.connect.http.HttpSinkConnector`.
pub(crate) const AIVEN: SinkPlugin = SinkPlugin {
    class: "io.aiven.kafka.connect.http.HttpSinkConnector",
    definition: aiven::definition,
    parse: aiven::parse,
};

impl ConnectorPlugin for SinkPlugin {
    fn class(&self) -> &'static str {
        self.class
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Sink
    }

    fn version(&self) -> &str {
        crate::VERSION
    }

    fn config_def(&self) -> ConfigDef {
        (self.definition)()
    }

    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        Problems::validate(&self.config_def(), config, |config, problems| {
            (self.parse)(config, problems);
        })
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(SinkConnector { parse: self.parse, properties: Properties::new() })
    }

    fn task(&self) -> TaskFactory {
        let parse = self.parse;
        Box::new(move || TaskHandle::Sink(Box::new(task::HttpSinkTask::new(parse))))
    }

    /// The server keeps no offsets, so any will do.
    fn alter_offsets(&self, _config: &Properties, _offsets: &AlteredOffsets) -> Result<bool> {
        Ok(true)
    }
}

/// A running sink connector: as many equal tasks as there may be.
struct SinkConnector {
    parse: Parse,
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for SinkConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Properties) -> Result<()> {
        let mut problems = Problems::default();
        let settings = (self.parse)(config, &mut problems);
        problems.into_result(settings)?;
        self.properties = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Properties>> {
        Ok(vec![self.properties.clone(); max_tasks])
    }
}
