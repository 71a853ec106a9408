//! Texts of PostgreSQL's types.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_connector_postgres::fuzzing::value(bytes));
