//! Records of others by Avro schemas of others.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_converters::fuzzing::avro(bytes));
