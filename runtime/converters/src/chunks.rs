//! The bytes of written records, many in one allocation.

use bytes::{Bytes, BytesMut};
use sluice_api::Result;

/// Records share chunks of this size, so that few of them need an allocation.
const CHUNK_BYTES: usize = 64 * 1024;
/// What a larger record was written in is not kept for the next one.
const LARGEST_SCRATCH: usize = 1024 * 1024;

/// Where a converter writes its records.
#[derive(Default)]
pub(crate) struct Chunks {
    scratch: Vec<u8>,
    chunk: BytesMut,
}

impl Chunks {
    /// What `write` appends.
    ///
    /// # Errors
    /// Those of `write`.
    pub(crate) fn record(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<Bytes> {
        self.scratch.clear();
        write(&mut self.scratch)?;
        let size = self.scratch.len();
        if self.chunk.capacity() < size {
            self.chunk = BytesMut::with_capacity(CHUNK_BYTES.max(size));
        }
        self.chunk.extend_from_slice(&self.scratch);
        if size > LARGEST_SCRATCH {
            self.scratch = Vec::new();
        }
        Ok(self.chunk.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::ConnectError;

    use super::*;

    #[test]
    fn records_keep_their_bytes_whatever_is_written_after_them() {
        let mut chunks = Chunks::default();
        let sizes = [3, 0, 70_000, 1, 2_000_000, 64, 65_536, 5];
        let write = |chunks: &mut Chunks, size: usize, byte: u8| {
            chunks.record(|out| {
                out.resize(size, byte);
                Ok(())
            })
        };
        let mut records = Vec::new();
        for (byte, size) in (0u8..).zip(sizes) {
            records.push(write(&mut chunks, size, byte).unwrap());
            let refused = chunks.record(|out| {
                out.push(0xff);
                Err(ConnectError::data("half-way"))
            });
            assert!(refused.is_err());
        }
        for ((byte, size), record) in (0u8..).zip(sizes).zip(records) {
            assert_eq!(record, vec![byte; size]);
        }
    }
}
