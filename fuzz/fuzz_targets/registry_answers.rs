//! Answers of a schema registry.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_converters::fuzzing::registry_answers(bytes));
