//! `sluice.FileSource`: the lines of all files that globs name, as they grow, are rotated and disappear.
//!
//! ```text
//!   globs ─ Discovery (notify + rescan) → Follower per device and inode → Chunk → lines → records
//!                                              ↑ stored position, if the head of the file is still the same
//! ```
//!
//! A file is known by device and inode, so renaming it changes nothing; the first bytes that were read of it tell whether an inode was
//! given to another file meanwhile, or the file was truncated. Positions count bytes and always follow a line, or a piece of one that was
//! too long (Invariant 1: they are stored by the worker, after the acknowledgement). What cannot be a record is never dropped: the task
//! fails by name, or the bytes go to a topic for them (Invariant 3). Memory is one chunk, not one per file.

mod chunk;
mod config;
mod discovery;
mod follower;
mod input;
mod json;
mod taker;
mod task;

use async_trait::async_trait;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::{AlteredOffsets, ExactlyOnceSupport};
use sluice_api::{
    ConnectError, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory,
    TaskHandle, Value,
};

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use chunk::split_all;
use config::{FollowConfig, TASK_COUNT, TASK_INDEX};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use json::value as json_value;

/// `sluice.FileSource`.
pub(crate) struct FollowPlugin;

impl ConnectorPlugin for FollowPlugin {
    fn class(&self) -> &'static str {
        "sluice.FileSource"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["FileSource"]
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
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
            && let Err((key, message)) = FollowConfig::parse_together(config)
            && let Some(value) = values.iter_mut().find(|value| value.name == key)
        {
            value.error_messages.push(message);
        }
        values
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<FollowConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Source(Box::<task::FollowTask>::default()))
    }

    fn exactly_once_support(&self, _config: &Properties) -> Result<Option<ExactlyOnceSupport>> {
        Ok(Some(ExactlyOnceSupport::Supported))
    }

    fn alter_offsets(&self, _config: &Properties, offsets: &AlteredOffsets) -> Result<bool> {
        for offset in offsets.iter().filter_map(|(_, offset)| offset.as_ref()) {
            match offset.get(follower::POSITION) {
                Some(Value::Int64(position)) if *position >= 0 => {}
                _ => return Err(ConnectError::connect("expected `position`, a number of bytes that is not negative")),
            }
        }
        Ok(true)
    }
}

/// A running connector: its tasks share the files by device and inode.
#[derive(Default)]
struct FollowConnector {
    properties: Properties,
}

#[async_trait(?Send)]
impl Connector for FollowConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Properties) -> Result<()> {
        FollowConfig::parse(config)?;
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
