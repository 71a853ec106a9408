//! Opens compressed batches: gzip, snappy, lz4 and zstd, as Java's clients write them.

use std::io::{self, Read};

use bytes::{Buf, Bytes};

/// What one batch may become. Kafka's own client has no bound; a few bytes can promise to become gigabytes.
const LONGEST: usize = 512 << 20;
/// Snappy in the frames of Java's library begins like this; without it, the bytes are one plain block.
const XERIAL: &[u8] = b"\x82SNAPPY\0";
/// The magic and two version numbers.
const XERIAL_HEADER: usize = 16;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    /// From the attributes of a batch or message.
    pub(crate) fn of(attributes: i16) -> Result<Self, String> {
        Ok(match attributes & 0x07 {
            0 => Self::None,
            1 => Self::Gzip,
            2 => Self::Snappy,
            3 => Self::Lz4,
            4 => Self::Zstd,
            other => return Err(format!("its compression is {other}, known are 0 to 4")),
        })
    }

    /// The bytes as they were before.
    ///
    /// # Errors
    /// Bytes that the codec cannot have written, or that become more than a batch can be.
    pub(crate) fn open(self, bytes: Bytes) -> Result<Bytes, String> {
        let opened = match self {
            Self::None => return Ok(bytes),
            Self::Gzip => read(flate2::read::MultiGzDecoder::new(bytes.reader())),
            Self::Snappy => snappy(bytes),
            Self::Lz4 => read(lz4_flex::frame::FrameDecoder::new(bytes.reader())),
            Self::Zstd => zstd::stream::read::Decoder::new(bytes.reader()).and_then(read),
        };
        opened.map_err(|error| format!("its {self:?} compression cannot be undone: {error}"))
    }
}

fn read(decoder: impl Read) -> io::Result<Bytes> {
    let mut opened = Vec::new();
    decoder.take(LONGEST as u64 + 1).read_to_end(&mut opened)?;
    if opened.len() > LONGEST {
        return Err(too_long(opened.len()));
    }
    Ok(opened.into())
}

fn snappy(mut bytes: Bytes) -> io::Result<Bytes> {
    let mut opened = Vec::new();
    if !bytes.starts_with(XERIAL) {
        block(&bytes, &mut opened)?;
        return Ok(opened.into());
    }
    if bytes.len() < XERIAL_HEADER {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    bytes.advance(XERIAL_HEADER);
    while bytes.has_remaining() {
        let length = bytes.try_get_u32().map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))? as usize;
        if bytes.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        block(&bytes.split_to(length), &mut opened)?;
    }
    Ok(opened.into())
}

/// A block says how long it becomes; one that lies fails while it is written, so the room is made in steps of what is there.
fn block(bytes: &[u8], opened: &mut Vec<u8>) -> io::Result<()> {
    let length = snap::raw::decompress_len(bytes)?;
    let start = opened.len();
    // No block of snappy becomes more than this times its own length.
    const MOST: usize = 64;
    if length > bytes.len().saturating_mul(MOST) || start + length > LONGEST {
        return Err(too_long(length));
    }
    opened.resize(start + length, 0);
    snap::raw::Decoder::new().decompress(bytes, &mut opened[start..])?;
    Ok(())
}

fn too_long(length: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it becomes {length} bytes"))
}
