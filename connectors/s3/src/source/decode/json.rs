//! JSON documents, one a line.

use memchr::memchr;
use sluice_api::{ConnectError, Result};
use sluice_converters::json::parse_json;

use super::{Decoded, Decoder, Pending, Resume};

/// Blank lines are passed over.
pub(super) struct JsonLines;

impl Decoder for JsonLines {
    fn decode(&mut self, pending: &mut Pending, out: &mut Vec<Decoded>) -> Result<()> {
        loop {
            let length = match memchr(b'\n', &pending.bytes) {
                Some(at) => at + 1,
                None if pending.at_end && !pending.bytes.is_empty() => pending.bytes.len(),
                None => return Ok(()),
            };
            let start = pending.position;
            let line = pending.take(length);
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let value = parse_json(&line).map_err(|cause| {
                ConnectError::data(format!("at byte {start}: the line is no JSON document")).with_source(cause)
            })?;
            out.push(Decoded { schema: None, value, resume: Resume { position: pending.position, skip: 0 } });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{InputFormat, decode_all};

    #[test]
    fn each_line_is_a_value_without_schema() {
        let found = decode_all(&InputFormat::Json, b"{\"a\":1}\n\n\"text\"\nnull\n[1,2]", 4).unwrap();
        let texts: Vec<String> = found.iter().map(|decoded| decoded.value.to_string()).collect();
        assert_eq!(texts, ["{a=1}", "text", "null", "[1, 2]"]);
        assert!(found.iter().all(|decoded| decoded.schema.is_none()));
        let error = decode_all(&InputFormat::Json, b"1\n{x", 9).unwrap_err();
        assert!(error.to_string().starts_with("at byte 2: the line is no JSON document"), "{error}");
    }
}
