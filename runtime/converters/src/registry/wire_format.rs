//! Confluent's wire format: a zero, the schema's id as four bytes big-endian, the payload. Protobuf puts its message indexes in
//! front of the payload; that is its converter's concern.

use bytes::Bytes;
use sluice_api::{ConnectError, Result};

const MAGIC: u8 = 0;
/// The bytes in front of the payload.
pub(crate) const HEADER_BYTES: usize = 5;

/// The bytes in front of a payload that was written with the schema `id`.
pub(crate) fn header(id: i32) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = id.to_be_bytes();
    [MAGIC, a, b, c, d]
}

/// The schema's id and the payload, which shares the memory of `data`.
///
/// # Errors
/// `Data` when the first byte is not zero or the id is cut off.
pub(crate) fn split(data: &Bytes) -> Result<(i32, Bytes)> {
    match data[..] {
        [MAGIC, a, b, c, d, ..] => Ok((i32::from_be_bytes([a, b, c, d]), data.slice(HEADER_BYTES..))),
        [MAGIC, ..] => {
            let length = data.len();
            Err(ConnectError::data(format!(
                "Schema id is cut off: the record has {length} bytes, at least 5 are needed"
            )))
        }
        [first, ..] => Err(ConnectError::data(format!("Unknown magic byte! Expected 0, got {first}"))),
        [] => Err(ConnectError::data("Unknown magic byte! The record has no bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_with_the_payload() {
        for id in [0, 1, 258, i32::MAX] {
            let mut bytes = header(id).to_vec();
            bytes.extend_from_slice(b"payload");
            let (read, payload) = split(&Bytes::from(bytes)).unwrap();
            assert_eq!((read, &payload[..]), (id, &b"payload"[..]));
        }
    }

    #[test]
    fn other_bytes_are_refused_with_the_reason() {
        let refused = |bytes: &'static [u8]| split(&Bytes::from_static(bytes)).unwrap_err().to_string();
        assert_eq!(refused(b"{\"a\":1}"), "Unknown magic byte! Expected 0, got 123");
        assert_eq!(refused(b""), "Unknown magic byte! The record has no bytes");
        assert_eq!(refused(&[0, 0, 0]), "Schema id is cut off: the record has 3 bytes, at least 5 are needed");
    }
}
