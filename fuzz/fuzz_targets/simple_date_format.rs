//! Patterns of `SimpleDateFormat` and texts to read with them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_transforms::fuzzing::simple_date_format(bytes));
