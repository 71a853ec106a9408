//! Numbers and texts, in and out.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

/// Why bytes are not the record that they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The field that could not be read.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field `{}`: {}", self.field, self.reason)
    }
}

impl std::error::Error for Malformed {}

/// Reads fields from the front of bytes.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn int16(&mut self, field: &'static str) -> Result<i16, Malformed> {
        self.fixed(field).map(i16::from_be_bytes)
    }

    pub(super) fn int32(&mut self, field: &'static str) -> Result<i32, Malformed> {
        self.fixed(field).map(i32::from_be_bytes)
    }

    pub(super) fn int64(&mut self, field: &'static str) -> Result<i64, Malformed> {
        self.fixed(field).map(i64::from_be_bytes)
    }

    pub(super) fn string(&mut self, field: &'static str) -> Result<String, Malformed> {
        let length = usize::try_from(self.int16(field)?);
        let length = length.map_err(|_| Malformed { field, reason: "its length is negative" })?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(Malformed { field, reason: ENDS_EARLY })?;
        self.0 = rest;
        let text = std::str::from_utf8(text).map_err(|_| Malformed { field, reason: "it is not UTF-8" })?;
        Ok(text.to_owned())
    }

    fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed { field, reason: ENDS_EARLY })?;
        self.0 = rest;
        Ok(*taken)
    }
}

const ENDS_EARLY: &str = "the bytes end before it does";

/// Writes fields behind one another.
#[derive(Default)]
pub(super) struct Writer(BytesMut);

impl Writer {
    pub(super) fn int16(mut self, number: i16) -> Self {
        self.0.put_i16(number);
        self
    }

    pub(super) fn int32(mut self, number: i32) -> Self {
        self.0.put_i32(number);
        self
    }

    pub(super) fn int64(mut self, number: i64) -> Self {
        self.0.put_i64(number);
        self
    }

    /// Names of topics and groups, and the metadata of a commit: brokers allow none of them more than 32,767 bytes.
    pub(super) fn string(mut self, text: &str) -> Self {
        let length = i16::try_from(text.len()).unwrap_or(i16::MAX);
        self.0.put_i16(length);
        self.0.put_slice(&text.as_bytes()[..usize::try_from(length).unwrap_or(0)]);
        self
    }

    pub(super) fn done(self) -> Bytes {
        self.0.freeze()
    }
}

/// Bytes from hexadecimal digits, for vectors.
#[cfg(test)]
pub(super) fn hex(digits: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(digit).collect()
}
