//! The configuration of a connector (connect-worker.md 4.4 to 4.6): the framework's keys, and what a task needs, parsed once
//! when it starts.

mod aliases;
mod converter;
mod definition;
mod enrichment;
mod parsed;
mod sink;
mod source;
mod topic_creation;

pub(in crate::config) use aliases::add_alias_keys;
pub use converter::ConverterChoice;
pub(in crate::config) use definition::framework_config_def;
pub(in crate::config) use definition::shared_config_def;
pub(in crate::config) use enrichment::{Enrichment, class_not_found, resolve};
pub use parsed::{ConnectorConfig, ErrorTolerance, ErrorsConfig, PredicateConfig, TransformConfig};
pub use sink::{DeadLetterQueueConfig, SinkConnectorConfig, TopicSelection, topics_list};
pub use source::{SourceConnectorConfig, TransactionBoundary};
pub(in crate::config) use topic_creation::uses_topic_creation;
pub use topic_creation::{TopicCreationConfig, TopicCreationGroup};

#[cfg(test)]
mod tests;
