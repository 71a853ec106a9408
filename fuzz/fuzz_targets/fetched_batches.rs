//! Record batches as a broker sends them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_kafka::fetch::fuzzing::fetched_batches(bytes));
