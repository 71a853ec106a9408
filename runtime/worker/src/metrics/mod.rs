//! What the worker counts (connect-worker.md 6), and its text for Prometheus.
//!
//! Tasks update their [`TaskMetrics`] once per batch; `GET /metrics` renders. Names are those that a JMX exporter gives to Kafka
//! Connect's MBeans, so that existing dashboards go on working: `kafka_connect_<type>_<attribute>{connector="…",task="…"}`.

mod registry;
mod task;
mod text;
mod window;

pub(crate) use registry::ConnectorMetrics;
pub use registry::Metrics;
pub(crate) use task::{TaskKind, TaskMetrics};
