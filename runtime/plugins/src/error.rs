//! What can be wrong with a plugin name or a registration.

use sluice_api::ConnectError;

use crate::PluginDesc;

/// A plugin that cannot be looked up or registered. The texts of the first two are Kafka's (connect-worker.md 1.8).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connector has that name.
    #[error(
        "Failed to find any class that implements Connector and which name matches {name}, available connectors are: {}",
        listed(available)
    )]
    UnknownConnector {
        /// The name that was asked for.
        name: String,
        /// Every connector.
        available: Vec<PluginDesc>,
    },
    /// Several connectors have that simple name.
    #[error(
        "More than one connector matches alias {name}. Please use full package and class name instead. Classes found: {}",
        listed(available)
    )]
    AmbiguousConnector {
        /// The name that was asked for.
        name: String,
        /// Every connector.
        available: Vec<PluginDesc>,
    },
    /// The same class was registered twice for the same purpose.
    #[error("plugin class {class} is registered twice as {plugin_type}")]
    Duplicate {
        /// The class.
        class: String,
        /// What it was registered as.
        plugin_type: crate::PluginType,
    },
}

fn listed(plugins: &[PluginDesc]) -> String {
    plugins.iter().map(PluginDesc::to_string).collect::<Vec<_>>().join(", ")
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        ConnectError::connect(error.to_string())
    }
}
