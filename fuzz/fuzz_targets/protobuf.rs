//! Records by a fixed Protobuf schema.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_converters::fuzzing::protobuf(bytes));
