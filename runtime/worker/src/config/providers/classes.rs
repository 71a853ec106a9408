//! The provider classes: one list to click through.

use sluice_api::config::{ParsedValue, invalid};
use sluice_api::{ConnectError, Properties};

use super::ConfigProvider;
use super::directory::DirectoryConfigProvider;
use super::environment::EnvVarConfigProvider;
use super::file::FileConfigProvider;

const PACKAGE: &str = "org.apache.kafka.common.config.provider.";

/// The classes, without package and without their suffix.
#[derive(Clone, Copy)]
enum Class {
    File,
    Directory,
    EnvVar,
}

/// Whether a name is that of a provider class or one of its aliases: the simple name, or that without `ConfigProvider`.
pub fn is_config_provider(name: &str) -> bool {
    class(name).is_some()
}

fn class(name: &str) -> Option<Class> {
    let simple = name.strip_prefix(PACKAGE).unwrap_or(name);
    match simple.strip_suffix("ConfigProvider").unwrap_or(simple) {
        "File" => Some(Class::File),
        "Directory" => Some(Class::Directory),
        "EnvVar" => Some(Class::EnvVar),
        _ => None,
    }
}

/// A provider of the class that stands under `key`.
///
/// # Errors
/// The class is unknown, or a parameter is wrong.
pub(super) fn provider(key: &str, name: &str, params: &Properties) -> Result<Box<dyn ConfigProvider>, ConnectError> {
    Ok(match class(name).ok_or_else(|| unknown(key, name))? {
        Class::File => Box::new(FileConfigProvider::new(params)?),
        Class::Directory => Box::new(DirectoryConfigProvider::new(params)?),
        Class::EnvVar => Box::new(EnvVarConfigProvider::new(params)?),
    })
}

fn unknown(key: &str, class: &str) -> ConnectError {
    let message = format!(
        "Could not load config provider class or one of its dependencies; there are {PACKAGE}FileConfigProvider, \
         {PACKAGE}DirectoryConfigProvider and {PACKAGE}EnvVarConfigProvider"
    );
    ConnectError::config(invalid(key, &ParsedValue::String(class.to_owned()), &message))
}
