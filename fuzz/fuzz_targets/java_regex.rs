//! Java's regular expressions as users write them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_transforms::fuzzing::java_regex(bytes));
