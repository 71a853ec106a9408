//! The raw-protocol client: Kafka's own request and response messages over TCP, TLS and SASL.
//!
//! Owns what librdkafka cannot do from safe Rust: membership of a classic group with protocol type `connect`, and the
//! group calls of an admin client (describe, list, alter and delete offsets, delete the group). The herder's membership
//! task and its offset endpoints call it, and the fetches of sinks and internal topics (`crate::fetch`) go over its connections.
//!
//! Keeps this rule: a byte that a broker sent is checked against the layout of its message before anything is allocated
//! from it, so no answer can panic or exhaust the worker. Each request is spoken in one fixed version, all of them
//! understood by every broker since Kafka 2.4; a broker that lacks one is refused by name.

mod api;
mod authentication;
mod cluster;
mod config;
mod connection;
mod coordinator;
mod description;
mod error;
mod fence;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod group_admin;
mod group_member;
mod look_up;
mod metadata;
mod mirror_admin;
mod pipe;
mod producers;
mod reachability;
mod shape;
mod stream;
mod topic_admin;

#[cfg(test)]
mod fake_broker;
#[cfg(test)]
mod tests;

pub(crate) use api::FetchById;
pub use cluster::Cluster;
pub use config::{ClientConfig, GroupConfig};
pub(crate) use connection::Connection;
pub(crate) use coordinator::backoff;
pub use description::{GroupDescription, GroupMemberDescription};
pub use error::{Error, ErrorKind};
pub use fence::TransactionAdmin;
pub(crate) use frame::decode_answer;
pub use group_admin::{Committed, GroupAdmin, GroupOffsets};
pub use group_member::{GroupMember, GroupPulse, HeartbeatOutcome, Joined};
pub(crate) use look_up::LookUp;
pub use metadata::{BrokerMetadata, Metadata, PartitionMetadata, TopicMetadata};
pub use mirror_admin::{AclBinding, SettingChange, TopicSetting};
pub(crate) use pipe::{Pipe, PipeEvent};
pub(crate) use producers::{last_sequence, producer_id};
pub use reachability::Reachability;
pub(crate) use topic_admin::TopicAdmin;
