//! Config, offset and status stores: on compacted topics, in a file, in memory.
//!
//! It owns the stored formats (Invariant 6: interchangeable with Apache Kafka's) and the replay rules of the config topic
//! (Invariant 4: state changes only by reading the topic back, in log order). The herder and the worker call it.

pub mod config;
pub mod offset;
pub mod status;

mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod internal_topic;
mod json;

pub use config::{
    ClusterConfigState, ConfigBackingStore, ConfigUpdate, ConnectorTaskId, RestartRequest, SessionKey, TargetState,
};
pub use error::Error;
pub use internal_topic::InternalTopic;
pub use offset::{OffsetBackingStore, OffsetReader, OffsetWriter};
pub use status::{ConnectorStatus, State, StatusBackingStore, StatusEntry, TaskStatus, TopicStatus};
