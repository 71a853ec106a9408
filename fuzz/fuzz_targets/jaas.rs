//! The text of `sasl.jaas.config`. What was read is written and has to be read back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| sluice_kafka::security::fuzzing::jaas(text));
