//! Java properties files: worker files and connector files.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_worker::config::fuzzing::properties_file(bytes));
