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

    fn replay(name: &str, target: fn(&[u8])) {
        replay_seeds(format!("{}/../../fuzz/seeds/{name}", env!("CARGO_MANIFEST_DIR")), target);
    }

    #[test]
    fn seeds_of_the_fuzzers_do_no_harm() {
        replay("avro", super::avro);
        replay("json", super::json);
        replay("json_schema", super::json_schema);
        replay("protobuf", super::protobuf);
        replay("protobuf_schema", super::protobuf_schema);
        replay("registry_answers", super::registry_answers);
    }
}
