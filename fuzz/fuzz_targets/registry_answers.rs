//! Answers of a schema registry.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_converters::fuzzing::registry_answer;

fuzz_target!(|bytes: &[u8]| registry_answer(bytes));
