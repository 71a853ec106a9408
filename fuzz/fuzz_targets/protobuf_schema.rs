//! Protobuf schemas of others and a record by each.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_converters::fuzzing::protobuf_schema(bytes));
