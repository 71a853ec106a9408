//! Config providers (KIP-297): `${provider:path:key}` in worker properties and connector configs stands for a value that is kept
//! elsewhere.
//!
//! `cli` resolves the worker's file once at the start. Connector configs are stored and shown as they were written; the worker
//! resolves them each time it validates them or starts a connector or task. Kept here: Invariant 9. What a variable stood for
//! is remembered ([`redacted`]), so that no log line, trace or error shows it.

mod allowed_paths;
mod classes;
mod directory;
mod environment;
mod file;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod redaction;
mod transformer;
mod variables;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use sluice_api::ConnectError;

pub use classes::is_config_provider;
pub use redaction::{hidden, redacted};
pub use transformer::{ConfigTransformer, Resolved};

/// What a provider knows under one path.
#[derive(Default)]
struct ConfigData {
    values: HashMap<String, String>,
    /// After this time the values may be others.
    ttl: Option<Duration>,
}

/// Where values are kept (`ConfigProvider`).
trait ConfigProvider: Send + Sync {
    /// The values of `keys` under `path`; those that it does not know are left out. Called again for each use: no cache.
    ///
    /// # Errors
    /// `Config` naming the path, never a value.
    fn get(&self, path: &str, keys: &BTreeSet<&str>) -> Result<ConfigData, ConnectError>;
}

#[cfg(test)]
mod tests;
