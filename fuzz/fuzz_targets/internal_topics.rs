//! Replay of the config, offset and status topics from records of anybody.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_storage::fuzzing::internal_topics(bytes));
