//! What a worker tells the leader when it joins.

use bytes::{BufMut, Bytes, BytesMut};

use super::assignment::Assignment;
use super::bytes_in::{BytesIn, DecodeError};
use super::bytes_out::put_text;
use super::protocol::ProtocolVersion;

/// The metadata of a member (connect-worker.md 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerState {
    /// Advertised URL with a `/` at its end.
    pub url: String,
    /// How far the worker has read the config topic.
    pub config_offset: i64,
    /// Everything that the worker runs; `None` when it never had an assignment, and always in V0.
    pub allocation: Option<Assignment>,
}

impl WorkerState {
    /// The bytes of that version. The allocation is written in the same version.
    pub fn encode(&self, version: ProtocolVersion) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(version.number());
        put_text(&mut out, &self.url);
        out.put_i64(self.config_offset);
        if version >= ProtocolVersion::V1 {
            match &self.allocation {
                None => out.put_i32(-1),
                Some(allocation) => {
                    let allocation = allocation.encode(version);
                    out.put_i32(allocation.len() as i32);
                    out.extend_from_slice(&allocation);
                }
            }
        }
        out.freeze()
    }

    /// Reads the bytes of any version. Never panics.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = BytesIn::new("worker metadata", bytes);
        input.version()?;
        let (url, config_offset) = (input.text()?, input.i64()?);
        let allocation = if input.is_at_end() { None } else { input.nullable_bytes()? };
        let allocation = allocation.map(|bytes| Assignment::decode(&bytes)).transpose()?;
        Ok(Self { url, config_offset, allocation })
    }
}
