//! Answers of a `_bulk` endpoint.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_connector_http::fuzzing::bulk_answer(bytes));
