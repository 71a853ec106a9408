//! Workers: Apache Kafka Connect as the oracle and the `sluice` binary, started from the same property maps.
//!
//! [`Worker`] is one running process of either kind; [`Setup`] says what to start. A test that compares runs the same steps
//! on `Setup::distributed(Engine::Oracle, …)` and `Setup::distributed(Engine::Sluice, …)`.

mod fault;
mod properties;
mod running;
mod setup;

pub use fault::Fault;
pub use properties::Properties;
pub use running::Worker;
pub use setup::{ConnectOracle, Engine, Mode, Setup, Sluice, sluice_binary, test_worker_binary};
