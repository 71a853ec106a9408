//! Protobuf's encoding: tags, varints, fixed numbers, lengths. Reads outside bytes, so every step is checked and nothing is
//! allocated by what a length says.

use bytes::Bytes;
use sluice_api::{ConnectError, Result};

/// Groups nested deeper than this are refused, as other readers do.
const DEEPEST_GROUP: u32 = 100;

/// How a field's value is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
    StartGroup = 3,
    EndGroup = 4,
    Fixed32 = 5,
}

/// Appends a varint.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends field number and wire type.
pub(super) fn put_tag(out: &mut Vec<u8>, number: u32, wire_type: WireType) {
    put_varint(out, u64::from(number) << 3 | wire_type as u64);
}

/// Appends what `write` appends with its length in front. One byte is kept for the length; longer contents move once.
pub(super) fn put_delimited(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    let start = out.len();
    out.push(0);
    write(out)?;
    let length = out.len() - start - 1;
    if let Ok(short @ 0..0x80) = u8::try_from(length) {
        out[start] = short;
        return Ok(());
    }
    let mut prefix = Vec::with_capacity(5);
    put_varint(&mut prefix, length as u64);
    out.splice(start..=start, prefix);
    Ok(())
}

/// Maps small negative numbers to small unsigned ones.
pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// The inverse of [`zigzag`].
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// A cursor over the bytes of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// A varint of at most ten bytes; bits past the 64th are dropped.
    pub(super) fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for (at, byte) in self.rest.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        if self.rest.len() < 10 { Err(cut_off()) } else { Err(ConnectError::data("a varint has more than ten bytes")) }
    }

    /// The number and wire type of the next field.
    pub(super) fn tag(&mut self) -> Result<(u32, WireType)> {
        let tag = self.varint()? as u32;
        let wire_type = match tag & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Delimited,
            3 => WireType::StartGroup,
            4 => WireType::EndGroup,
            5 => WireType::Fixed32,
            other => {
                return Err(ConnectError::data(format!("a field has the wire type {other}, which does not exist")));
            }
        };
        match tag >> 3 {
            0 => Err(ConnectError::data("a field has the number 0")),
            number => Ok((number, wire_type)),
        }
    }

    pub(super) fn fixed32(&mut self) -> Result<u32> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    pub(super) fn fixed64(&mut self) -> Result<u64> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// The bytes of a delimited value.
    pub(super) fn delimited(&mut self) -> Result<&'a [u8]> {
        let length = usize::try_from(self.varint()?).map_err(|_| cut_off())?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Passes over the value of a field that nobody asked for.
    pub(super) fn skip(&mut self, number: u32, wire_type: WireType) -> Result<()> {
        self.skip_at_depth(number, wire_type, 0)
    }

    fn skip_at_depth(&mut self, number: u32, wire_type: WireType, depth: u32) -> Result<()> {
        match wire_type {
            WireType::Varint => self.varint().map(drop),
            WireType::Fixed64 => self.fixed64().map(drop),
            WireType::Delimited => self.delimited().map(drop),
            WireType::Fixed32 => self.fixed32().map(drop),
            WireType::EndGroup => Err(ConnectError::data(format!("group {number} ends that did not start"))),
            WireType::StartGroup if depth >= DEEPEST_GROUP => {
                Err(ConnectError::data(format!("groups are nested deeper than {DEEPEST_GROUP}")))
            }
            WireType::StartGroup => loop {
                match self.tag()? {
                    (ended, WireType::EndGroup) if ended == number => return Ok(()),
                    (inner, wire_type) => self.skip_at_depth(inner, wire_type, depth + 1)?,
                }
            },
        }
    }
}

/// The part of `whole` that `part`, a slice of it, covers, sharing its memory.
pub(super) fn shared(whole: &Bytes, part: &[u8]) -> Bytes {
    if part.is_empty() { Bytes::new() } else { whole.slice_ref(part) }
}

fn cut_off() -> ConnectError {
    ConnectError::data("the bytes end in the middle of a field")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_come_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(Reader::new(&out).varint().unwrap(), value);
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
    }

    #[test]
    fn long_contents_get_a_long_length() {
        for length in [0usize, 1, 127, 128, 300, 20_000] {
            let mut out = vec![7];
            put_delimited(&mut out, |out| {
                out.resize(out.len() + length, 9);
                Ok(())
            })
            .unwrap();
            assert_eq!(Reader::new(&out[1..]).delimited().unwrap(), vec![9; length]);
        }
    }

    #[test]
    fn wrong_bytes_are_named() {
        let error = |bytes: &[u8]| Reader::new(bytes).tag().unwrap_err().to_string();
        assert_eq!(error(&[0x80]), "the bytes end in the middle of a field");
        assert_eq!(error(&[0]), "a field has the number 0");
        assert_eq!(error(&[0x0f]), "a field has the wire type 7, which does not exist");
        assert_eq!(error(&[0xff; 11]), "a varint has more than ten bytes");
    }

    #[test]
    fn groups_are_passed_over_to_their_end() {
        // group 1 { group 2 { varint 3: 1 } fixed32 4 } varint 5: 7
        let bytes = [0x0b, 0x13, 0x18, 1, 0x14, 0x25, 0, 0, 0, 0, 0x0c, 0x28, 7];
        let mut reader = Reader::new(&bytes);
        let (number, wire_type) = reader.tag().unwrap();
        reader.skip(number, wire_type).unwrap();
        assert_eq!(reader.tag().unwrap(), (5, WireType::Varint));
        let deep = vec![0x0b; 1000];
        let mut reader = Reader::new(&deep);
        let (number, wire_type) = reader.tag().unwrap();
        assert!(reader.skip(number, wire_type).unwrap_err().to_string().contains("deeper than 100"));
    }
}
