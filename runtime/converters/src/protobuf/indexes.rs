//! The message indexes in front of a Protobuf payload: which message of the schema it is, as the path of indexes from the file to
//! the message. Numbers are zigzag varints; the path `[0]` is written as a single zero.

use sluice_api::{ConnectError, Result};

use super::wire::{Reader, put_varint, unzigzag, zigzag};

/// Messages nested deeper than this are refused: a path is as long as the schema is deep.
const LONGEST: i64 = 1000;

/// Appends the path.
pub(super) fn write(out: &mut Vec<u8>, path: &[i32]) {
    if path == [0] {
        out.push(0);
        return;
    }
    put_varint(out, zigzag(path.len() as i64));
    for index in path {
        put_varint(out, zigzag(i64::from(*index)));
    }
}

/// Reads a path from the start of `payload`, and says how many bytes it took.
///
/// # Errors
/// `Data` when the bytes hold none.
pub(super) fn read(payload: &[u8]) -> Result<(Vec<i32>, usize)> {
    let mut reader = Reader::new(payload);
    let length = unzigzag(reader.varint().map_err(wrong)?);
    let path = match length {
        0 => vec![0],
        1..=LONGEST => (0..length).map(|_| index(&mut reader)).collect::<Result<_>>()?,
        _ => return Err(ConnectError::data(format!("Invalid message indexes: there cannot be {length} of them"))),
    };
    Ok((path, payload.len() - reader.remaining()))
}

fn index(reader: &mut Reader<'_>) -> Result<i32> {
    let index = unzigzag(reader.varint().map_err(wrong)?);
    let valid = i32::try_from(index).ok().filter(|index| *index >= 0);
    valid.ok_or_else(|| ConnectError::data(format!("Invalid message indexes: {index} is no index")))
}

fn wrong(cause: ConnectError) -> ConnectError {
    ConnectError::data("Invalid message indexes").with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_confluents_bytes() {
        let vectors: [(&[i32], &[u8]); 5] =
            [(&[0], &[0]), (&[1], &[2, 2]), (&[0, 0], &[4, 0, 0]), (&[2, 1, 0], &[6, 4, 2, 0]), (&[64], &[2, 0x80, 1])];
        for (path, bytes) in vectors {
            let mut out = Vec::new();
            write(&mut out, path);
            assert_eq!(out, bytes);
            out.extend_from_slice(b"payload");
            assert_eq!(read(&out).unwrap(), (path.to_vec(), bytes.len()));
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let error = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert_eq!(error(&[]), "Invalid message indexes");
        assert_eq!(error(&[1]), "Invalid message indexes: there cannot be -1 of them");
        assert_eq!(error(&[2, 1]), "Invalid message indexes: -1 is no index");
        assert_eq!(
            error(&[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            "Invalid message indexes: there cannot be 2147483647 of them"
        );
    }
}
