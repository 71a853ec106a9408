//! `EnvVarConfigProvider`: the key is the name of an environment variable of the worker; there is no path.

use std::collections::BTreeSet;

use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Properties};

use super::{ConfigData, ConfigProvider};

pub(super) struct EnvVarConfigProvider {
    /// Names must match as a whole.
    allowed: Option<JavaRegex>,
}

impl EnvVarConfigProvider {
    pub(super) fn new(params: &Properties) -> Result<Self, ConnectError> {
        let Some(pattern) = params.get("allowlist.pattern") else { return Ok(Self { allowed: None }) };
        let allowed = JavaRegex::new(pattern).map_err(|error| {
            ConnectError::config(format!("`allowlist.pattern`: {pattern:?} is not a regular expression"))
                .with_source(error)
        })?;
        Ok(Self { allowed: Some(allowed) })
    }
}

impl ConfigProvider for EnvVarConfigProvider {
    fn get(&self, path: &str, keys: &BTreeSet<&str>) -> Result<ConfigData, ConnectError> {
        if !path.is_empty() {
            let text = format!("Path is not supported for EnvVarConfigProvider, invalid value '{path}'");
            return Err(ConnectError::config(text));
        }
        // A name that takes too many steps is not allowed.
        let allows = |allowed: &JavaRegex, key: &str| allowed.matches(key).unwrap_or(false);
        let is_allowed = |key: &&&str| self.allowed.as_ref().is_none_or(|allowed| allows(allowed, key));
        // A name with `=` or a NUL would make the look-up panic.
        let is_name = |key: &&&str| !key.is_empty() && !key.contains(['=', '\0']);
        let value = |key: &&str| Some(((*key).to_owned(), std::env::var(key).ok()?));
        let values = keys.iter().filter(is_name).filter(is_allowed).filter_map(value).collect();
        Ok(ConfigData { values, ttl: None })
    }
}
