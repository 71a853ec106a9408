//! SpoolDir's connectors: files that are dropped into a folder as a whole, read once, and moved away when Kafka has their records.
//!
//! ```text
//!   input.path ─ file after file → Reader (lines, CSV, JSON) → records → acknowledged → finished.path, or error.path
//! ```
//!
//! A file is known by its name, as in SpoolDir, and by size and time of change, so a new file of an old name is read. It leaves the folder
//! only when every record of it was acknowledged (Invariant 1), also when it is found to be wrong half way: what was read before stays
//! delivered.

mod config;
mod json;
mod reader;
mod schema;
mod task;
mod text;

use async_trait::async_trait;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::AlteredOffsets;
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};

use config::{Format, SpoolConfig, TASK_COUNT, TASK_INDEX};

/// A class of SpoolDir.
pub(crate) struct SpoolPlugin {
    class: &'static str,
    aliases: &'static [&'static str],
    format: Format,
}

/// Rows of CSV files, typed by a schema.
pub(crate) const CSV: SpoolPlugin = SpoolPlugin {
    class: "com.github.jcustenborder.kafka.connect.spooldir.SpoolDirCsvSourceConnector",
    aliases: &["SpoolDirCsvSourceConnector", "SpoolDirCsvSource"],
    format: Format::Csv,
};

/// Lines.
pub(crate) const LINES: SpoolPlugin = SpoolPlugin {
    class: "com.github.jcustenborder.kafka.connect.spooldir.SpoolDirLineDelimitedSourceConnector",
    aliases: &["SpoolDirLineDelimitedSourceConnector", "SpoolDirLineDelimitedSource"],
    format: Format::Lines,
};

/// JSON, typed by a schema.
pub(crate) const JSON: SpoolPlugin = SpoolPlugin {
    class: "com.github.jcustenborder.kafka.connect.spooldir.SpoolDirJsonSourceConnector",
    aliases: &["SpoolDirJsonSourceConnector", "SpoolDirJsonSource"],
    format: Format::Json,
};

/// JSON as text.
pub(crate) const SCHEMALESS_JSON: SpoolPlugin = SpoolPlugin {
    class: "com.github.jcustenborder.kafka.connect.spooldir.SpoolDirSchemaLessJsonSourceConnector",
    aliases: &["SpoolDirSchemaLessJsonSourceConnector", "SpoolDirSchemaLessJsonSource"],
    format: Format::SchemalessJson,
};

impl ConnectorPlugin for SpoolPlugin {
    fn class(&self) -> &'static str {
        self.class
    }

    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn config_def(&self) -> ConfigDef {
        config::definition(self.format)
    }

    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        let mut values = self.config_def().validate(config);
        if values.iter().all(|value| value.error_messages.is_empty())
            && let Err((key, message)) = SpoolConfig::parse_together(self.format, config)
            && let Some(value) = values.iter_mut().find(|value| value.name == key)
        {
            value.error_messages.push(message);
        }
        values
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(SpoolConnector { format: self.format, properties: Properties::new() })
    }

    fn task(&self) -> TaskFactory {
        let format = self.format;
        Box::new(move || TaskHandle::Source(Box::new(task::SpoolTask::new(format))))
    }

    /// Offsets are numbers of records; one that is too large leaves records out, which is what the user asks for.
    fn alter_offsets(&self, _config: &Properties, _offsets: &AlteredOffsets) -> Result<bool> {
        Ok(true)
    }
}

/// A running connector: its tasks share the files by name.
struct SpoolConnector {
    format: Format,
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for SpoolConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Properties) -> Result<()> {
        SpoolConfig::parse(self.format, config)?;
        self.properties = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Properties>> {
        let of_task = |index: usize| {
            let mut properties = self.properties.clone();
            properties.insert(TASK_INDEX.to_owned(), index.to_string());
            properties.insert(TASK_COUNT.to_owned(), max_tasks.to_string());
            properties
        };
        Ok((0..max_tasks).map(of_task).collect())
    }
}
