//! The doors to decoders that are not public, for the fuzz targets.

use bytes::Bytes;

pub use crate::avro::fuzz::record as avro_record;
pub use crate::registry::fuzz_answer as registry_answer;

/// A schema's text and the bytes of a record: everything before the first zero byte is the schema.
#[must_use]
pub fn parts(input: &[u8]) -> (String, Bytes) {
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let record = input.get(end + 1..).unwrap_or_default();
    (String::from_utf8_lossy(&input[..end]).into_owned(), Bytes::copy_from_slice(record))
}
