//! Bytes as they are, in pieces of one size.

use sluice_api::{Result, Schema, Value};

use super::{Decoded, Decoder, Pending, Resume};

/// The last piece is shorter.
pub(super) struct Chunks {
    pub(super) bytes: usize,
}

impl Decoder for Chunks {
    fn decode(&mut self, pending: &mut Pending, out: &mut Vec<Decoded>) -> Result<()> {
        while pending.len() >= self.bytes || (pending.at_end && pending.len() > 0) {
            let value = Value::Bytes(pending.take(pending.len().min(self.bytes)));
            let resume = Resume { position: pending.position, skip: 0 };
            out.push(Decoded { schema: Some(Schema::OPTIONAL_BYTES), value, resume });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{InputFormat, decode_all};

    #[test]
    fn the_last_piece_is_what_is_left() {
        let found = decode_all(&InputFormat::Chunks { bytes: 4 }, b"abcdefghij", 3).unwrap();
        assert_eq!(found.iter().map(|decoded| decoded.resume.position).collect::<Vec<_>>(), [4, 8, 10]);
    }
}
