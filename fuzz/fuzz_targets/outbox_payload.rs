//! JSON text in the payload of an outbox table.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_transforms::fuzzing::outbox_payload(bytes));
