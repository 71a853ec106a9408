//! Answers of a broker to the raw-protocol client.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_kafka::wire::fuzzing::wire_answers(bytes));
