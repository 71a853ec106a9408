//! Real servers for tests: Apache Kafka, Apache Kafka Connect as the oracle, the `sluice` binary, and faults.
//!
//! Owns every process and folder that a test starts; called by `tests/it`, `tests/bench` and the `golden` binary. Invariant:
//! nothing outlives the test process, however it ends, and nothing is killed by name.

mod http_server;
mod kafka;
mod mirror;
pub mod oracle;
mod postgres;
pub mod probe;
mod process;
mod proxy;
mod registry;
mod rest;
mod s3;
mod scratch;
mod tier;
mod wait;
mod worker;

pub use http_server::{HttpRequest, HttpServer, Reply};
pub use kafka::{
    Certificates, EndWatch, Entrance, KAFKA_VERSION, Kafka, PASSWORD, REAUTHENTICATION_MS, Record, STORE_PASSWORD,
    SecuredKafka, Topics, USER, jars, java,
};
pub use mirror::MirrorMaker;
pub use postgres::{POSTGRES_PASSWORD, POSTGRES_USER, Postgres};
pub use process::{Launch, Server, Usage};
pub use proxy::{Cut, Proxy};
pub use registry::{PYTHON_CLIENT, SchemaRegistry, python, python_with};
pub use rest::{Answer, Call, Ignore, Rest, RestTls, pretty, same_answer};
pub use s3::S3Server;
pub use scratch::{Scratch, free_port};
pub use tier::{Random, Tier, case_seed, count, seed, tier};
pub use wait::{Seen, wait_until};
pub use worker::{
    ConnectOracle, Engine, Fault, Mode, Properties, Setup, Sluice, Worker, sluice_binary, test_worker_binary,
};
