//! PEM text of stores.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| sluice_kafka::security::fuzzing::pem(text));
