//! The text of `sasl.jaas.config`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_kafka::security::fuzzing::jaas(bytes));
