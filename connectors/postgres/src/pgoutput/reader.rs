//! Reads big-endian fields of a message, checking the length.

use bytes::Bytes;

use super::Malformed;

/// A message and how far it was read.
pub(super) struct Reader {
    bytes: Bytes,
    at: usize,
    tag: char,
}

impl Reader {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { bytes, at: 0, tag: ' ' }
    }

    #[cold]
    pub(super) fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { what, at: self.at, tag: self.tag }
    }

    /// The type of the message, which errors name from here on.
    pub(super) fn tag(&mut self) -> Result<u8, Malformed> {
        let tag = self.u8()?;
        self.tag = char::from(tag);
        Ok(tag)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let field = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        let field = *field.ok_or_else(|| self.malformed("the message ends inside of a number"))?;
        self.at += N;
        Ok(field)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn i32(&mut self) -> Result<i32, Malformed> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(super) fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// Text up to a zero byte.
    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == 0).ok_or_else(|| self.malformed("text without end"))?;
        let text = std::str::from_utf8(&rest[..end]).map_err(|_| self.malformed("text that is not UTF-8"))?.to_owned();
        self.at += end + 1;
        Ok(text)
    }

    /// `length` bytes, not copied.
    pub(super) fn bytes(&mut self, length: usize) -> Result<Bytes, Malformed> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.malformed("a value is longer than the message"))?;
        let bytes = self.bytes.slice(self.at..end);
        self.at = end;
        Ok(bytes)
    }

    /// Passes over `length` bytes.
    pub(super) fn skip(&mut self, length: usize) -> Result<(), Malformed> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        self.at = end.ok_or_else(|| self.malformed("a value is longer than the message"))?;
        Ok(())
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What was read since `from`, not copied.
    pub(super) fn since(&self, from: usize) -> Bytes {
        self.bytes.slice(from..self.at)
    }
}
