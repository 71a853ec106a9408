//! Bodies of REST requests.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_rest::fuzzing::rest_bodies(bytes));
