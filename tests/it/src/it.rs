//! Integration tests: one binary, a module per behaviour, against real servers. How to run one: tests/README.md.

mod accounting;
mod bad_input;
mod clients;
mod cluster;
mod errors;
mod exactly_once;
mod floors;
mod isolation;
mod newcomer;
mod nothing_lost;
mod offsets;
mod oracle;
mod poison;
mod providers;
mod raw_batch;
mod registry;
mod registry_errors;
mod registry_json_schema;
mod registry_protobuf;
mod registry_python;
mod rest_server;
mod same_answers;
mod security;
mod stores;
mod takeover;
mod wire;
