//! JSON of topics and stores.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_converters::fuzzing::json(bytes));
