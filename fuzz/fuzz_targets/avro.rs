//! Records of others by schemas of others: the schema's text, a zero byte, the record's bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_converters::fuzzing::{avro_record, parts};

fuzz_target!(|bytes: &[u8]| {
    let (schema, record) = parts(bytes);
    avro_record(&schema, &record);
});
