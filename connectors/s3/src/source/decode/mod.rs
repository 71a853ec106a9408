//! Bytes of an object to records, one piece after another. What comes in was written by others: errors, never panics.

mod avro;
mod chunks;
mod json;
mod lines;

use bytes::{Bytes, BytesMut};
use sluice_api::{ConnectError, Properties, Result, Schema, Value};

/// What an object holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InputFormat {
    /// JSON documents, one a line.
    Json,
    /// The bytes between separators.
    Bytes { separator: Vec<u8> },
    /// The text of lines.
    Text,
    /// Bytes in pieces of this size, or all of them in one record.
    Chunks { bytes: usize },
    /// Object container files.
    Avro { options: Properties },
}

/// A record of an object, without its name.
#[derive(Debug, PartialEq)]
pub(crate) struct Decoded {
    pub(crate) schema: Option<Schema>,
    pub(crate) value: Value,
    /// Where reading goes on behind it.
    pub(crate) resume: Resume,
}

/// A place in what an object holds, after decompression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resume {
    /// A byte where a record, or a block of records, begins.
    pub(crate) position: u64,
    /// Records of the block that are behind already.
    pub(crate) skip: u64,
}

/// Bytes that came and are no records yet.
#[derive(Default)]
pub(crate) struct Pending {
    bytes: BytesMut,
    /// The place of the first one.
    position: u64,
    /// Whether these are all that there are.
    at_end: bool,
}

/// Takes records out of an object's bytes.
pub(crate) trait Decoder: Send {
    /// Appends what is whole to `out`.
    ///
    /// # Errors
    /// `Data` that says what is wrong and at which byte.
    fn decode(&mut self, pending: &mut Pending, out: &mut Vec<Decoded>) -> Result<()>;

    /// How many bytes at the object's beginning must be read before one may go on from another place.
    fn needs_beginning(&self) -> bool {
        false
    }

    /// Whether the beginning was read.
    fn has_begun(&self) -> bool {
        true
    }
}

impl InputFormat {
    /// A decoder for a new object.
    pub(crate) fn decoder(&self) -> Box<dyn Decoder> {
        match self {
            Self::Json => Box::new(json::JsonLines),
            Self::Bytes { separator } => Box::new(lines::Lines::bytes(separator.clone())),
            Self::Text => Box::new(lines::Lines::text()),
            Self::Chunks { bytes } => Box::new(chunks::Chunks { bytes: *bytes }),
            Self::Avro { options } => Box::new(avro::AvroBlocks::new(options.clone())),
        }
    }
}

impl Pending {
    /// Nothing yet, from `position` on.
    pub(crate) fn at(position: u64) -> Self {
        Self { position, ..Self::default() }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn end(&mut self) {
        self.at_end = true;
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn take(&mut self, count: usize) -> Bytes {
        self.position += count as u64;
        self.bytes.split_to(count).freeze()
    }
}

fn malformed(position: u64, problem: &str) -> ConnectError {
    ConnectError::data(format!("at byte {position}: {problem}"))
}

/// For tests and fuzzing: everything in `bytes`, fed in pieces of `step`.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn decode_all(format: &InputFormat, bytes: &[u8], step: usize) -> Result<Vec<Decoded>> {
    let (mut decoder, mut pending, mut out) = (format.decoder(), Pending::default(), Vec::new());
    for piece in bytes.chunks(step.max(1)) {
        pending.push(piece);
        decoder.decode(&mut pending, &mut out)?;
    }
    pending.end();
    decoder.decode(&mut pending, &mut out)?;
    Ok(out)
}
