//! Validation of connector configurations (connect-worker.md 1.8): pure code, no IO; the herder lets the
//! connector look at servers afterwards (`ConnectorPlugin::validate_outside`).
//!
//! The herder calls [`validate_connector_config`] before it writes a configuration and for
//! `PUT /connector-plugins/{name}/config/validate`; REST serialises [`ConfigInfos`]. The texts and the order of the entries are
//! Kafka's (Invariant 6). Secrets stay `[hidden]` (Invariant 9).

mod connector;
mod converters;
mod entities;
mod exactly_once;
mod overrides;
mod plugin_keys;
mod result;
mod sink_topics;

pub use connector::{validate_connector_config, validate_connector_config_with_nulls};
pub use entities::{ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo};
pub use plugin_keys::plugin_config;
pub(in crate::config) use sink_topics::sink_topic_errors;

#[cfg(test)]
mod tests;
