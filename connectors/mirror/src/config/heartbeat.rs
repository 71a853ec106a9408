//! Keys of MirrorHeartbeat.

use std::time::Duration;

use sluice_api::config::ConfigDef;
use sluice_api::{Properties, Result};

use super::{FlowConfig, flow, interval, short, with_interval};

/// MirrorHeartbeat's keys.
pub(crate) fn heartbeat_definition() -> ConfigDef {
    with_interval(flow::definition(), "emit.heartbeats", true, 1, "write a heartbeat").define(short(
        "heartbeats.topic.replication.factor",
        3,
        "Replicas of the heartbeats topic.",
    ))
}

/// What MirrorHeartbeat writes.
#[derive(Clone, Debug)]
pub(crate) struct HeartbeatConfig {
    pub(crate) flow: FlowConfig,
    /// From one heartbeat to the next; `None` for no heartbeats.
    pub(crate) interval: Option<Duration>,
    pub(crate) replication_factor: i16,
}

impl HeartbeatConfig {
    pub(crate) fn parse(properties: &Properties) -> Result<Self> {
        let parsed = heartbeat_definition().parse(properties)?;
        Ok(Self {
            flow: FlowConfig::parse(properties)?,
            interval: interval(&parsed, "emit.heartbeats"),
            replication_factor: parsed.short("heartbeats.topic.replication.factor"),
        })
    }
}
