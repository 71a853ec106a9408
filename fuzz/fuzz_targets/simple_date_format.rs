//! Patterns of `SimpleDateFormat` and texts to read with them: a line each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_transforms::fuzzing::simple_date_format;

fuzz_target!(|input: &str| {
    let (pattern, text) = input.split_once('\n').unwrap_or((input, ""));
    let millis = text.bytes().take(8).fold(0i64, |millis, byte| millis << 8 | i64::from(byte));
    simple_date_format(pattern, text, millis);
});
