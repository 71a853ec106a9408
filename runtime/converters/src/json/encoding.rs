//! Finds out whether JSON is in UTF-8, UTF-16 or UTF-32, by byte order mark or by where the zeros are (RFC 4627 3), and
//! brings it into UTF-8.

use bytes::Bytes;

use super::reader::{Error, Result};

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16 { big_endian: bool },
    Utf32 { big_endian: bool },
}

/// The input in UTF-8 without byte order mark; UTF-8 input is not copied.
pub(super) fn to_utf8(input: &Bytes) -> Result<Bytes> {
    let (encoding, mark_length) = detect(input)?;
    let body = input.slice(mark_length..);
    match encoding {
        Encoding::Utf8 => Ok(body),
        Encoding::Utf16 { big_endian } => from_utf16(&body, big_endian),
        Encoding::Utf32 { big_endian } => from_utf32(&body, big_endian),
    }
}

fn detect(input: &[u8]) -> Result<(Encoding, usize)> {
    let utf16 = |big_endian| Encoding::Utf16 { big_endian };
    let utf32 = |big_endian| Encoding::Utf32 { big_endian };
    Ok(match input {
        [0, 0, 0xfe, 0xff, ..] => (utf32(true), 4),
        [0xff, 0xfe, 0, 0, ..] => (utf32(false), 4),
        [0, 0, 0xff, 0xfe, ..] | [0xfe, 0xff, 0, 0, ..] => return Err(Error::InvalidEncoding("UTF-32")),
        [0xfe, 0xff, _, _, ..] => (utf16(true), 2),
        [0xff, 0xfe, _, _, ..] => (utf16(false), 2),
        [0xef, 0xbb, 0xbf, _, ..] => (Encoding::Utf8, 3),
        [0, 0, 0, _, ..] => (utf32(true), 0),
        [_, 0, 0, 0, ..] => (utf32(false), 0),
        [0, _, 0, 0, ..] | [0, 0, _, 0, ..] => return Err(Error::InvalidEncoding("UTF-32")),
        [0, _, ..] => (utf16(true), 0),
        [_, 0, ..] => (utf16(false), 0),
        _ => (Encoding::Utf8, 0),
    })
}

fn from_utf16(body: &[u8], big_endian: bool) -> Result<Bytes> {
    let chunks = body.chunks_exact(2);
    let complete = chunks.remainder().is_empty();
    let units = chunks.map(|pair| {
        let pair = [pair[0], pair[1]];
        if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    let text = char::decode_utf16(units).collect::<std::result::Result<String, _>>();
    let text = text.ok().filter(|_| complete).ok_or(Error::InvalidEncoding("UTF-16"))?;
    Ok(Bytes::from(text))
}

fn from_utf32(body: &[u8], big_endian: bool) -> Result<Bytes> {
    let chunks = body.chunks_exact(4);
    let complete = chunks.remainder().is_empty();
    let characters = chunks.map(|four| {
        let four = [four[0], four[1], four[2], four[3]];
        char::from_u32(if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    });
    let text = characters.collect::<Option<String>>();
    let text = text.filter(|_| complete).ok_or(Error::InvalidEncoding("UTF-32"))?;
    Ok(Bytes::from(text))
}
