//! Objects of a bucket, as the S3 sources read them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sluice_connector_s3::fuzzing::object(bytes));
