//! The Java object stream of `offset.storage.file.filename`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_storage::fuzzing::offset_file(bytes));
