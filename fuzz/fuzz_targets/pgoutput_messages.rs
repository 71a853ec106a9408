//! Messages of PostgreSQL's output plugin.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_connector_postgres::fuzzing::pgoutput_message(bytes));
