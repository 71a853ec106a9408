//! `sluice.FileSink`: the records of every partition in files that are finished at a size, a count or an age.
//!
//! ```text
//!   records of a partition → .part file → full or old? → sync → rename to NAME-<first offset>-<last offset>.EXT
//! ```
//!
//! Only finished files count: the offset that is committed is that of the first record of the open file (Invariant 2), and which records
//! are in finished files stands in their names. A task that begins looks at the names and leaves out what is there, so a crash between
//! rename and commit writes nothing twice: exactly once, as long as finished files stay where they are.

mod config;
mod lane;
mod segment;
mod task;

use async_trait::async_trait;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::AlteredOffsets;
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};

use config::RollingConfig;

/// `sluice.FileSink`.
pub(crate) struct RollingPlugin;

impl ConnectorPlugin for RollingPlugin {
    fn class(&self) -> &'static str {
        "sluice.FileSink"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["FileSink"]
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Sink
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn config_def(&self) -> ConfigDef {
        config::definition()
    }

    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        let mut values = self.config_def().validate(config);
        if values.iter().all(|value| value.error_messages.is_empty())
            && let Err((key, message)) = RollingConfig::parse_together(config)
            && let Some(value) = values.iter_mut().find(|value| value.name == key)
        {
            value.error_messages.push(message);
        }
        values
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<RollingConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Sink(Box::<task::RollingTask>::default()))
    }

    /// What the names of finished files say counts besides.
    fn alter_offsets(&self, _config: &Properties, _offsets: &AlteredOffsets) -> Result<bool> {
        Ok(true)
    }
}

/// A running connector: as many equal tasks as there may be.
#[derive(Default)]
struct RollingConnector {
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for RollingConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Properties) -> Result<()> {
        RollingConfig::parse(config)?;
        self.properties = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Properties>> {
        Ok(vec![self.properties.clone(); max_tasks])
    }
}
