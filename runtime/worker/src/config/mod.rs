//! Configuration: of a worker ([`WorkerConfig`], [`StandaloneConfig`], [`DistributedConfig`]), of connectors
//! ([`ConnectorConfig`], [`SourceConnectorConfig`], [`SinkConnectorConfig`]), of their clients ([`ClientProperties`]), the files
//! they come from ([`properties`]), the providers of values that are kept elsewhere ([`providers`]), and the validation that REST offers ([`validation`]).
//!
//! Property maps come in, typed structs go out; nothing behind them looks at a map again. `cli` calls it at the start, the
//! herder before it writes a configuration, the worker when it starts a connector or task. Pure but for reading files. Kept
//! here: Invariant 6 (texts and order of REST's configuration bodies) and Invariant 9 (no secret in a message).

pub mod client;
pub mod connector;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod key;
mod problem;
pub mod properties;
pub mod providers;
pub mod validation;
pub mod worker;

pub use client::{ClientIds, ClientProperties, ClientRole, OverridePolicy, ReportClients};
pub use connector::{
    ConnectorConfig, ConverterChoice, DeadLetterQueueConfig, ErrorTolerance, ErrorsConfig, PredicateConfig,
    SinkConnectorConfig, SourceConnectorConfig, TopicCreationConfig, TopicCreationGroup, TopicSelection,
    TransactionBoundary, TransformConfig, topics_list,
};
pub use problem::Problem;
pub use worker::{
    ConnectProtocol, DEFAULT_MEMORY_BUDGET_BYTES, DistributedConfig, ExactlyOnceSourceSupport, InterWorkerKeys,
    Listener, ResponseHeaderRule, RestConfig, RestTls, Scheme, StandaloneConfig, StorageTopic, WorkerConfig,
    with_prefix,
};
