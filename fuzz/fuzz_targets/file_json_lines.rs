//! A line of JSON in a followed file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_connector_file::fuzzing::json_line(bytes));
