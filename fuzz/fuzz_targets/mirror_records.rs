//! Records of MirrorMaker's internal topics.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_connector_mirror::fuzzing::mirror_records(bytes));
