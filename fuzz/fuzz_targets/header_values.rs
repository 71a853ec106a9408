//! The text of headers, as `SimpleHeaderConverter` takes it apart.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_api::data::{convert_to_string, parse_string};

fuzz_target!(|text: &str| {
    let parsed = parse_string(text);
    // A value that was read can be written, and what is written is read again without an end of its own.
    let written = convert_to_string(&parsed.value);
    parse_string(&written);
});
