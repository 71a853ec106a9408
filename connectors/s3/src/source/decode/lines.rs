//! Bytes between separators, and the text of lines.

use bytestring::ByteString;
use sluice_api::{Result, Schema, Value};

use super::{Decoded, Decoder, Pending, Resume, malformed};

/// Cuts at separators; what is behind the last one is a record, too, unless it is empty.
pub(super) struct Lines {
    separator: Vec<u8>,
    text: bool,
    /// So many pending bytes have no separator.
    searched: usize,
}

impl Lines {
    pub(super) fn bytes(separator: Vec<u8>) -> Self {
        Self { separator, text: false, searched: 0 }
    }

    pub(super) fn text() -> Self {
        Self { separator: b"\n".to_vec(), text: true, searched: 0 }
    }

    /// The next record's bytes and how many of them are the separator.
    fn next(&mut self, pending: &Pending) -> Option<(usize, usize)> {
        let found = find(&pending.bytes, &self.separator, self.searched);
        match found {
            Some(at) => {
                self.searched = 0;
                Some((at, self.separator.len()))
            }
            None if pending.at_end && !pending.bytes.is_empty() => Some((pending.bytes.len(), 0)),
            None => {
                self.searched = pending.bytes.len().saturating_sub(self.separator.len().saturating_sub(1));
                None
            }
        }
    }
}

impl Decoder for Lines {
    fn decode(&mut self, pending: &mut Pending, out: &mut Vec<Decoded>) -> Result<()> {
        while let Some((length, separator)) = self.next(pending) {
            let start = pending.position;
            let bytes = pending.take(length + separator).slice(..length);
            let (schema, value) = match self.text {
                false => (Schema::OPTIONAL_BYTES, Value::Bytes(bytes)),
                true => {
                    let bytes = if bytes.ends_with(b"\r") { bytes.slice(..bytes.len() - 1) } else { bytes };
                    let text = ByteString::try_from(bytes).map_err(|_| malformed(start, "the line is no UTF-8"))?;
                    (Schema::OPTIONAL_STRING, Value::String(text))
                }
            };
            out.push(Decoded { schema: Some(schema), value, resume: Resume { position: pending.position, skip: 0 } });
        }
        Ok(())
    }
}

/// Where `needle` begins in `bytes`, from `from` on. An empty one is nowhere.
pub(super) fn find(bytes: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let (first, rest) = needle.split_first()?;
    let mut at = from;
    loop {
        at += memchr::memchr(*first, bytes.get(at..)?)?;
        if bytes[at + 1..].starts_with(rest) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{InputFormat, decode_all};
    use super::*;

    fn values(format: &InputFormat, bytes: &[u8], step: usize) -> Vec<String> {
        decode_all(format, bytes, step).unwrap().into_iter().map(|decoded| decoded.value.to_string()).collect()
    }

    #[test]
    fn records_are_the_same_whatever_the_pieces() {
        let format = InputFormat::Bytes { separator: b"||".to_vec() };
        for step in 1..9 {
            let found = decode_all(&format, b"one||t|wo||||end", step).unwrap();
            let texts: Vec<_> = found
                .iter()
                .map(|decoded| match &decoded.value {
                    Value::Bytes(bytes) => (String::from_utf8_lossy(bytes).into_owned(), decoded.resume.position),
                    other => panic!("{other:?}"),
                })
                .collect();
            let expected = [("one", 5), ("t|wo", 11), ("", 13), ("end", 16)];
            assert_eq!(texts, expected.map(|(text, at)| (text.to_owned(), at)), "{step}");
        }
    }

    #[test]
    fn lines_lose_their_ends_and_must_be_text() {
        assert_eq!(values(&InputFormat::Text, b"a\r\nb\n\nc", 3), ["a", "b", "", "c"]);
        let error = decode_all(&InputFormat::Text, b"ok\n\xff\n", 10).unwrap_err();
        assert_eq!(error.to_string(), "at byte 3: the line is no UTF-8");
    }
}
