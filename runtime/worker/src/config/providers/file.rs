//! `FileConfigProvider`: the path is a properties file, the key one of its keys.

use std::collections::BTreeSet;
use std::time::Duration;

use sluice_api::{ConnectError, Properties};

use super::allowed_paths::{AllowedPaths, read};
use super::{ConfigData, ConfigProvider};
use crate::config::properties::PropertiesFile;

/// Ours: how long values may be used, in milliseconds. Kafka's providers say nothing about that.
const TTL: &str = "sluice.ttl.ms";

pub(super) struct FileConfigProvider {
    allowed: AllowedPaths,
    ttl: Option<Duration>,
}

impl FileConfigProvider {
    pub(super) fn new(params: &Properties) -> Result<Self, ConnectError> {
        Ok(Self { allowed: AllowedPaths::parse(params)?, ttl: ttl(params)? })
    }
}

impl ConfigProvider for FileConfigProvider {
    fn get(&self, path: &str, keys: &BTreeSet<&str>) -> Result<ConfigData, ConnectError> {
        let Some(file) = Some(path).filter(|path| !path.is_empty()).and_then(|path| self.allowed.check(path)) else {
            return Ok(ConfigData::default());
        };
        let unreadable = || ConnectError::config(format!("Could not read properties from file {path}"));
        let text = read(&file).map_err(|error| unreadable().with_source(error))?;
        // Invariant 9: a syntax error names file and line, never what stands there.
        let properties = PropertiesFile::parse(path, &text).map_err(|error| unreadable().with_source(error))?;
        let mut values = properties.properties();
        values.retain(|key, _| keys.contains(key.as_str()));
        Ok(ConfigData { values: values.into_iter().collect(), ttl: self.ttl })
    }
}

/// The time to live that the providers of files take from their parameter.
pub(super) fn ttl(params: &Properties) -> Result<Option<Duration>, ConnectError> {
    let Some(text) = params.get(TTL).map(|text| text.trim()).filter(|text| !text.is_empty()) else { return Ok(None) };
    let expected = || ConnectError::config(format!("`{TTL}`: expected milliseconds, at least 1, got {text:?}"));
    match text.parse::<u64>() {
        Ok(ms) if ms > 0 => Ok(Some(Duration::from_millis(ms))),
        _ => Err(expected()),
    }
}
