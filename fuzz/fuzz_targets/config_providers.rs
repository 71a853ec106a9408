//! Variables of config providers and the files that they lead to.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_worker::config::fuzzing::config_providers(bytes));
