//! `DirectoryConfigProvider`: the path is a folder, the key the name of a file in it, the value all that the file holds.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::Duration;

use sluice_api::{ConnectError, Properties};

use super::allowed_paths::{AllowedPaths, read};
use super::file::ttl;
use super::{ConfigData, ConfigProvider};

pub(super) struct DirectoryConfigProvider {
    allowed: AllowedPaths,
    ttl: Option<Duration>,
}

impl DirectoryConfigProvider {
    pub(super) fn new(params: &Properties) -> Result<Self, ConnectError> {
        Ok(Self { allowed: AllowedPaths::parse(params)?, ttl: ttl(params)? })
    }
}

impl ConfigProvider for DirectoryConfigProvider {
    fn get(&self, path: &str, keys: &BTreeSet<&str>) -> Result<ConfigData, ConnectError> {
        let Some(folder) = Some(path).filter(|path| !path.is_empty()).and_then(|path| self.allowed.check(path)) else {
            return Ok(ConfigData::default());
        };
        if !folder.is_dir() {
            tracing::warn!(path, "the path of a config provider's variable is not a directory");
            return Ok(ConfigData::default());
        }
        let mut values = HashMap::new();
        // A key that leads to another folder is the name of no file in this one.
        for key in keys.iter().filter(|key| is_file_name(key)) {
            let file = folder.join(key);
            if file.is_file() {
                values.insert((*key).to_owned(), content(&file)?);
            }
        }
        Ok(ConfigData { values, ttl: self.ttl })
    }
}

fn is_file_name(key: &str) -> bool {
    let mut components = Path::new(key).components();
    matches!(components.next(), Some(std::path::Component::Normal(name)) if name == key) && components.next().is_none()
}

fn content(file: &Path) -> Result<String, ConnectError> {
    read(file).map_err(|error| {
        let name = file.file_name().unwrap_or_default().display();
        ConnectError::config(format!("Could not read file {} for property {name}", file.display())).with_source(error)
    })
}
