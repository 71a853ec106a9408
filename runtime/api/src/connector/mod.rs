//! The connector contracts: a class ([`ConnectorPlugin`]), its running instance ([`Connector`]) and its tasks.
//!
//! The worker runs every connector instance and every task on a thread of its own with a current-thread tokio runtime, so
//! code that blocks hurts only itself (Invariant 8). Futures need not be `Send`.
//!
//! A source of about thirty lines is the example of [`SourceTask`], a sink that of [`SinkTask`].

mod carrier;
mod memory;
mod plugin;
mod reports;
mod sink;
mod source;
mod transaction;

pub use carrier::{
    CarrierContext, CarrierProgress, CarrierTask, ExactlyOnceContext, OffsetRecord, Progress, RunState, SerializeOffset,
};
pub use memory::MemoryShare;
pub use plugin::{
    AlteredOffsets, Connector, ConnectorContext, ConnectorEvents, ConnectorKind, ConnectorPlugin, ExactlyOnceSupport,
    OUTSIDE_DEADLINE, TaskFactory, TaskHandle, TransactionBoundarySupport,
};
pub use reports::{Report, ReportTopic, Reports};
pub use sink::{ErrantRecordReporter, OffsetsToCommit, SinkRequests, SinkTask, SinkTaskContext};
pub use source::{CommittedRecord, OffsetStorageReader, SourceTask, SourceTaskContext};
pub use transaction::{TransactionContext, TransactionEnd};
