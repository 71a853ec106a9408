//! A standalone worker (connect-worker.md 4.2).

use std::path::PathBuf;
use std::sync::Arc;

use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ConfigType, Importance};

use super::{WorkerConfig, definition, parse_all};
use crate::config::Problem;
use crate::config::key::required;

/// What a standalone worker runs with.
#[derive(Clone, Debug)]
pub struct StandaloneConfig {
    /// What all workers have.
    pub worker: Arc<WorkerConfig>,
    /// `offset.storage.file.filename`.
    pub offset_file: PathBuf,
}

impl StandaloneConfig {
    /// Every key of a standalone worker.
    pub fn config_def() -> ConfigDef {
        definition::worker_config_def().define(required(
            "offset.storage.file.filename",
            ConfigType::String,
            Importance::High,
            "File that source offsets are stored in.",
        ))
    }

    /// Parses a worker's properties, variables already replaced.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(properties: &Properties) -> Result<Self, Vec<Problem>> {
        let (config, problems) = parse_all(&Self::config_def(), properties);
        let Some(config) = config else { return Err(problems) };
        let (worker, problems) = WorkerConfig::from_parsed(&config, properties, problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let offset_file = config.string("offset.storage.file.filename").into();
        Ok(Self { worker: Arc::new(worker), offset_file })
    }
}
