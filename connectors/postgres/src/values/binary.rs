//! Bytes: `bytea` in hex, bit strings.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use sluice_api::Value;

use super::{BinaryMode, Unreadable};

/// The bytes of `\x0102…`.
pub(super) fn bytea(text: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let digits = text.strip_prefix(b"\\x").ok_or_else(|| Unreadable::new(text, "bytea in hex"))?;
    hex(digits).ok_or_else(|| Unreadable::new(text, "bytea in hex"))
}

/// The bytes of hex digits.
pub(super) fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// Bytes in the form that the user wants.
pub(super) fn of_mode(bytes: Vec<u8>, mode: BinaryMode) -> Value {
    match mode {
        BinaryMode::Bytes => Value::Bytes(Bytes::from(bytes)),
        BinaryMode::Base64 => Value::from(STANDARD.encode(bytes)),
        BinaryMode::Base64UrlSafe => Value::from(URL_SAFE.encode(bytes)),
        BinaryMode::Hex => Value::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

/// A bit string as little-endian bytes without zero bytes at the end.
pub(super) fn bits(text: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = vec![0u8; text.len().div_ceil(8)];
    for (at, bit) in text.iter().rev().enumerate() {
        match bit {
            b'1' => bytes[at / 8] |= 1 << (at % 8),
            b'0' => {}
            _ => return Err(Unreadable::new(text, "bit string")),
        }
    }
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    bytes.truncate(end);
    Ok(bytes)
}
