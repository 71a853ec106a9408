//! `Link` headers and times of an API.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_connector_http::fuzzing::source_texts(bytes));
