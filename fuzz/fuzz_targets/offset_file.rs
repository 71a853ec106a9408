//! The Java object stream of `offset.storage.file.filename`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| sluice_storage::offset::fuzzing::file(stream));
