//! Compression of an object while it grows. The output depends on the input alone, never on when it came (Invariant 6's kin: a replay
//! gives the same object): the stream is fed in pieces of one size.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use sluice_api::{ConnectError, Result};

/// What one stream takes of memory.
const STREAM_BYTES: usize = 300 * 1024;
/// Below this an object waits without a stream, so that thousands of small ones cost no stream each.
pub(crate) const START_BYTES: usize = 256 * 1024;
const PIECE_BYTES: usize = 64 * 1024;

/// A stream and what it was not fed yet.
pub(crate) struct Gzip {
    stream: GzEncoder<Vec<u8>>,
    pending: Vec<u8>,
}

impl Gzip {
    /// `level` is that of Java's `Deflater`: -1 for the usual one, else 0 to 9.
    pub(super) fn new(level: i32) -> Self {
        let level = u32::try_from(level).map_or_else(|_| Compression::default(), Compression::new);
        // No time in the header: the same records give the same bytes.
        Self { stream: GzBuilder::new().mtime(0).write(Vec::new(), level), pending: Vec::new() }
    }

    /// Where an encoder appends to; [`Gzip::advance`] follows.
    pub(crate) fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// Compresses whole pieces into `out`.
    ///
    /// # Errors
    /// `Connect`; there is none in practice.
    pub(crate) fn advance(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let whole = self.pending.len() / PIECE_BYTES * PIECE_BYTES;
        if whole == 0 {
            return Ok(());
        }
        for piece in self.pending[..whole].chunks(PIECE_BYTES) {
            self.stream.write_all(piece).map_err(failed)?;
        }
        self.pending.drain(..whole);
        out.append(self.stream.get_mut());
        Ok(())
    }

    /// Compresses the rest and ends the stream.
    ///
    /// # Errors
    /// As for [`Gzip::advance`].
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) -> Result<()> {
        self.advance(out)?;
        self.stream.write_all(&self.pending).map_err(failed)?;
        out.append(&mut self.stream.finish().map_err(failed)?);
        Ok(())
    }

    pub(crate) fn held_bytes(&self) -> usize {
        STREAM_BYTES + self.pending.capacity() + self.stream.get_ref().capacity()
    }
}

fn failed(error: std::io::Error) -> ConnectError {
    ConnectError::connect("cannot compress").with_source(error)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_bytes_do_not_depend_on_the_steps() {
        let text: Vec<u8> = (0..200_000u32).flat_map(|n| (n / 7 * 31).to_string().into_bytes()).collect();
        let compressed = |step: usize| {
            let (mut gzip, mut out) = (Gzip::new(-1), Vec::new());
            for piece in text.chunks(step) {
                gzip.pending().extend_from_slice(piece);
                gzip.advance(&mut out).unwrap();
            }
            gzip.finish(&mut out).unwrap();
            out
        };
        let whole = compressed(text.len());
        assert_eq!(compressed(77), whole);
        assert_eq!(compressed(70_001), whole);
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(&*whole).read_to_end(&mut read).unwrap();
        assert_eq!(read, text);
    }
}
