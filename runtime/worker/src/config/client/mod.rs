//! The client properties of a connector's producers, consumers and admin clients (connect-worker.md 4.7): pure functions from
//! the worker's and the connector's properties to the properties of a client, under the Java clients' names.

mod assembly;
mod keys;
mod policy;

pub use assembly::{ClientIds, ClientProperties, ReportClients};
pub(in crate::config) use keys::client_config_def;
pub use policy::OverridePolicy;

/// Which client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRole {
    /// Writes records.
    Producer,
    /// Reads records.
    Consumer,
    /// Manages topics and groups.
    Admin,
}

impl ClientRole {
    /// What the worker's properties for connectors' clients begin with.
    pub fn worker_prefix(self) -> &'static str {
        match self {
            Self::Producer => "producer.",
            Self::Consumer => "consumer.",
            Self::Admin => "admin.",
        }
    }

    /// What a connector's overrides begin with.
    pub fn override_prefix(self) -> &'static str {
        match self {
            Self::Producer => "producer.override.",
            Self::Consumer => "consumer.override.",
            Self::Admin => "admin.override.",
        }
    }
}
