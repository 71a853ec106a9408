//! The control plane: what runs where, and every change of it.
//!
//! It owns the [`Herder`] trait that the REST resources call, and its two implementations: standalone (one process, configs in
//! memory) and distributed (a Kafka group, configs in topics). Kept here: Invariant 4 (state changes only by reading the config
//! topic back), Invariant 5 (one owner per task) and Invariant 8 (no connector stalls the herder: it sends commands to the
//! worker and awaits answers with deadlines).

pub mod distributed;
pub mod group;
mod herder;
pub mod standalone;

mod connector_lane;
mod data_plane;
mod internal_request;
mod loggers;
mod offset_json;
mod peers;
mod restart_plan;
mod stages;
mod views;

pub use data_plane::DataPlane;
pub use herder::{
    ConfigInfos, ConnectorInfo, ConnectorOffset, ConnectorOffsets, ConnectorState, ConnectorStateInfo, ConnectorType,
    CreateConnector, Created, Health, Herder, HerderError, LoggerLevel, PluginInfo, SentConfig, ServerInfo, TaskInfo,
    TaskState,
};
pub use internal_request::{InternalRequest, MacAlgorithm, RequestSignature, SystemClock, WallClock};
pub use loggers::{ApplyLevels, Loggers};
pub use peers::{NoPeers, PeerError, Peers};
pub use views::COMPATIBLE_VERSION;
