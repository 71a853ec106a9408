//! What other members of the worker group sent.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_herder::group::fuzzing::group_protocol(bytes));
