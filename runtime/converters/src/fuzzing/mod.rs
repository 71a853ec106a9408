//! What the fuzz targets of the converters ask. Each takes bytes as others may have written them and panics where an answer is
//! wrong; that there is an answer at all is the first question.

mod json;
mod json_schema;
mod protobuf;

use bytes::Bytes;

pub use json::json;
pub use json_schema::json_schema;
pub use protobuf::{protobuf, protobuf_schema};

/// A record by an Avro schema: the schema's text, a zero byte, the record's bytes.
pub fn avro(bytes: &[u8]) {
    let (schema, record) = parts(bytes);
    crate::avro::fuzz::record(&schema, &record);
}

/// An answer of a schema registry.
pub fn registry_answers(bytes: &[u8]) {
    crate::registry::fuzz_answer(bytes);
}

/// A schema's text and the bytes of a record: everything before the first zero byte is the schema.
fn parts(input: &[u8]) -> (String, Bytes) {
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let record = input.get(end + 1..).unwrap_or_default();
    (String::from_utf8_lossy(&input[..end]).into_owned(), Bytes::copy_from_slice(record))
}

#[cfg(test)]
mod tests {
    use sluice_api::testkit::replay_seeds;

    #[test]
    fn seeds_of_the_fuzzers_do_no_harm() {
        replay_seeds("avro", super::avro);
        replay_seeds("json", super::json);
        replay_seeds("json_schema", super::json_schema);
        replay_seeds("protobuf", super::protobuf);
        replay_seeds("protobuf_schema", super::protobuf_schema);
        replay_seeds("registry_answers", super::registry_answers);
    }
}
