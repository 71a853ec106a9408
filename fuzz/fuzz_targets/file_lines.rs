//! Lines of a followed file, in chunks.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_connector_file::fuzzing::file_lines(bytes));
