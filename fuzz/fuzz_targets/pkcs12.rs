//! The bytes of a PKCS12 store.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_kafka::security::fuzzing::pkcs12(bytes));
