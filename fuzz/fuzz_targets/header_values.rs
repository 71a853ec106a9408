//! The text of headers.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_api::fuzzing::header_values(bytes));
