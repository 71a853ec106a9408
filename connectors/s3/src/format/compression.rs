//! Compression around an object, beside gzip: a stream that takes pieces of one size, so that a replay gives the same bytes.

use std::io::Write;

use sluice_api::{ConnectError, Result};

use super::gzip::Gzip;

const PIECE_BYTES: usize = 64 * 1024;
/// What a stream of zstd takes of memory at the usual level.
const ZSTD_BYTES: usize = 4 * 1024 * 1024;
/// The blocks of the stream that Java's `SnappyOutputStream` writes.
const SNAPPY_BLOCK_BYTES: usize = 32 * 1024;
const SNAPPY_HEADER: [u8; 16] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1];

/// A compression and its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compressor {
    /// `level` is that of Java's `Deflater`: -1 for the usual one, else 0 to 9.
    Gzip {
        level: i32,
    },
    Zstd,
    Snappy,
}

/// A stream around an object, and what it was not fed yet.
pub(crate) enum Stream {
    Gzip(Gzip),
    Other(Other),
}

impl Compressor {
    /// What a name ends with.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Gzip { .. } => ".gz",
            Self::Zstd => ".zst",
            Self::Snappy => ".snappy",
        }
    }

    /// A new stream.
    ///
    /// # Errors
    /// `Connect`.
    pub(crate) fn stream(self) -> Result<Stream> {
        Ok(match self {
            Self::Gzip { level } => Stream::Gzip(Gzip::new(level)),
            Self::Zstd => Stream::Other(Other::zstd()?),
            Self::Snappy => Stream::Other(Other::snappy()),
        })
    }
}

impl Stream {
    /// Where an encoder appends to; [`Stream::advance`] follows.
    pub(crate) fn pending(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(stream) => stream.pending(),
            Self::Other(stream) => &mut stream.pending,
        }
    }

    /// Compresses whole pieces into `out`.
    ///
    /// # Errors
    /// `Connect`; there is none in practice.
    pub(crate) fn advance(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Gzip(stream) => stream.advance(out),
            Self::Other(stream) => stream.advance(out),
        }
    }

    /// Compresses the rest and ends the stream.
    ///
    /// # Errors
    /// As for [`Stream::advance`].
    pub(crate) fn finish(self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Gzip(stream) => stream.finish(out),
            Self::Other(stream) => stream.finish(out),
        }
    }

    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::Gzip(stream) => stream.held_bytes(),
            Self::Other(stream) => stream.held_bytes(),
        }
    }
}

/// A stream other than gzip.
pub(crate) struct Other {
    kind: Kind,
    pub(super) pending: Vec<u8>,
}

enum Kind {
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Snappy { begun: bool },
}

impl Other {
    pub(super) fn zstd() -> Result<Self> {
        let stream = zstd::stream::write::Encoder::new(Vec::new(), 0).map_err(failed)?;
        Ok(Self { kind: Kind::Zstd(stream), pending: Vec::new() })
    }

    pub(super) fn snappy() -> Self {
        Self { kind: Kind::Snappy { begun: false }, pending: Vec::new() }
    }

    pub(super) fn advance(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let whole = self.pending.len() / PIECE_BYTES * PIECE_BYTES;
        self.feed(whole, out)
    }

    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Result<()> {
        self.feed(self.pending.len(), out)?;
        match self.kind {
            Kind::Zstd(stream) => out.append(&mut stream.finish().map_err(failed)?),
            Kind::Snappy { begun: false } => out.extend_from_slice(&SNAPPY_HEADER),
            Kind::Snappy { begun: true } => {}
        }
        Ok(())
    }

    fn feed(&mut self, count: usize, out: &mut Vec<u8>) -> Result<()> {
        match &mut self.kind {
            Kind::Zstd(stream) => {
                for piece in self.pending[..count].chunks(PIECE_BYTES) {
                    stream.write_all(piece).map_err(failed)?;
                }
                out.append(stream.get_mut());
            }
            Kind::Snappy { begun } => {
                for block in self.pending[..count].chunks(SNAPPY_BLOCK_BYTES) {
                    if !std::mem::replace(begun, true) {
                        out.extend_from_slice(&SNAPPY_HEADER);
                    }
                    let compressed = snap::raw::Encoder::new().compress_vec(block);
                    let compressed =
                        compressed.map_err(|error| ConnectError::connect("cannot compress").with_source(error))?;
                    let length = u32::try_from(compressed.len()).expect("a block has 32 KiB");
                    out.extend_from_slice(&length.to_be_bytes());
                    out.extend_from_slice(&compressed);
                }
            }
        }
        self.pending.drain(..count);
        Ok(())
    }

    pub(super) fn held_bytes(&self) -> usize {
        let stream = match &self.kind {
            Kind::Zstd(stream) => ZSTD_BYTES + stream.get_ref().capacity(),
            Kind::Snappy { .. } => 0,
        };
        stream + self.pending.capacity()
    }
}

fn failed(error: std::io::Error) -> ConnectError {
    ConnectError::connect("cannot compress").with_source(error)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn text() -> Vec<u8> {
        (0..200_000u32).flat_map(|n| (n / 7 * 31).to_string().into_bytes()).collect()
    }

    fn compressed(mut stream: Other, step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in text().chunks(step) {
            stream.pending.extend_from_slice(piece);
            stream.advance(&mut out).unwrap();
        }
        stream.finish(&mut out).unwrap();
        out
    }

    #[test]
    fn the_bytes_do_not_depend_on_the_steps_and_others_read_them() {
        let zstd = compressed(Other::zstd().unwrap(), 70_001);
        assert_eq!(compressed(Other::zstd().unwrap(), 77), zstd);
        let mut read = Vec::new();
        zstd::stream::read::Decoder::new(&*zstd).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, text());
        let snappy = compressed(Other::snappy(), 70_001);
        assert_eq!(compressed(Other::snappy(), 77), snappy);
        let (mut rest, mut read) = (&snappy[SNAPPY_HEADER.len()..], Vec::new());
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (block, behind) = after.split_at(u32::from_be_bytes(*length) as usize);
            read.extend(snap::raw::Decoder::new().decompress_vec(block).unwrap());
            rest = behind;
        }
        assert_eq!(read, text());
    }
}
