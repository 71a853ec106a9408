//! Bearer tokens and AWS credentials, as identity providers and files give them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_kafka::security::fuzzing::tokens(bytes));
