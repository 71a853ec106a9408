//! Connector instances: a thread each, which starts, pauses, stops and asks the connector.

mod events;
mod instance;
mod running;
pub(crate) mod task_configs;

pub(crate) use running::RunningConnector;
pub use task_configs::TaskConfigs;
