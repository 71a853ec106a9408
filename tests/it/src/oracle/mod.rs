//! The same as the oracle: transforms, predicates and converters of Kafka Connect and ours get the same generated cases.
//!
//! A family is a generator of requests (tests/oracle/README.md) with the differences that are kept on purpose, each naming its row of
//! COMPATIBILITY.md. [`run::family`] puts the requests to both and reports what differs with the request, which replays it.
//! Counts: 200 per family, 10,000 in the tier `drill`.

mod avro;
mod debezium;
mod generate;
mod header;
mod json;
mod kept;
mod ours;
mod plain;
mod replay;
mod run;
mod shrink;
mod transforms;
