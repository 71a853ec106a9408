//! One object as it is read: byte ranges one after another, decompressed, decoded, never more in memory than a range and its records.

use std::collections::VecDeque;
use std::io::Write;

use flate2::write::MultiGzDecoder;
use sluice_api::ConnectError;

use super::decode::{Decoded, Decoder, InputFormat, Pending, Resume};
use crate::client::{Failure, FailureKind, Found, Store};

/// A record that is longer than this is none: a wrong format or separator would read the whole object into memory.
const RECORD_LIMIT_BYTES: usize = 64 * 1024 * 1024;
/// Compressed bytes that are given to a stream at once: a few bytes can stand for very many.
const PIECE_BYTES: usize = 2 * 1024;
/// The beginning that a format needs before it goes on elsewhere.
const BEGINNING_BYTES: u64 = 64 * 1024;

/// How an object is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// An object that is being read.
pub(crate) struct ObjectStream {
    object: Found,
    inflate: Inflate,
    decoder: Box<dyn Decoder>,
    pending: Pending,
    ready: VecDeque<Decoded>,
    /// The next byte to fetch.
    next: u64,
    /// Where to go on after the beginning.
    then: Option<Resume>,
    /// Records that were delivered before.
    skip: u64,
    range_bytes: u64,
    ended: bool,
    /// What is wrong behind the records that are ready.
    failed: Option<ConnectError>,
}

enum Inflate {
    None,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Vec<u8>>>),
}

impl ObjectStream {
    /// Reads on behind what was delivered: from the place, or over `delivered` records where there is none to go to.
    ///
    /// # Errors
    /// `Connect` when decompression cannot be set up.
    pub(crate) fn open(
        object: Found,
        format: &InputFormat,
        compression: Compression,
        place: Option<Resume>,
        delivered: u64,
        range_bytes: u64,
    ) -> Result<Self, ConnectError> {
        let decoder = format.decoder();
        // A compressed object has to be read from its beginning.
        let place = place.filter(|_| compression == Compression::None);
        let begins = decoder.needs_beginning() && place.is_some_and(|place| place.position > 0);
        let start = place.filter(|_| !begins).map_or(0, |place| place.position);
        Ok(Self {
            inflate: Inflate::new(compression)?,
            decoder,
            pending: Pending::at(start),
            ready: VecDeque::new(),
            next: start,
            then: place.filter(|_| begins),
            skip: place.map_or(delivered, |place| if begins { 0 } else { place.skip }),
            range_bytes,
            ended: start >= object.bytes && !begins,
            failed: None,
            object,
        })
    }

    pub(crate) fn key(&self) -> &str {
        &self.object.key
    }

    /// Whether there is nothing more.
    pub(crate) fn is_done(&self) -> bool {
        self.ended && self.ready.is_empty() && self.failed.is_none()
    }

    /// Records that are decoded.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    pub(crate) fn take(&mut self) -> Option<Decoded> {
        self.ready.pop_front()
    }

    /// Fetches and decodes until there is a record, or the object has ended.
    ///
    /// # Errors
    /// The store's, and `Fatal` with a data error when the bytes are none of the format.
    pub(crate) async fn fill(&mut self, store: &Store) -> Result<(), Failure> {
        while self.ready.is_empty() && !self.ended {
            let size = if self.then.is_some() { BEGINNING_BYTES.min(self.range_bytes) } else { self.range_bytes };
            let end = (self.next + size).min(self.object.bytes);
            let bytes = store.range(&self.object.key, &self.object.etag, self.next, end).await?;
            self.next = end;
            let mut out = Vec::new();
            let pushed = self.push(&bytes, &mut out);
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(out.len());
            self.skip -= skipped as u64;
            self.ready.extend(out.drain(skipped..));
            if let Err(error) = pushed {
                // What came before it is whole.
                (self.ended, self.failed) = (true, Some(error));
            }
        }
        match self.failed.take() {
            Some(error) if self.ready.is_empty() => Err(self.broken(&error)),
            failed => {
                self.failed = failed;
                Ok(())
            }
        }
    }

    fn push(&mut self, bytes: &[u8], out: &mut Vec<Decoded>) -> Result<(), ConnectError> {
        let at_end = self.next >= self.object.bytes;
        match &mut self.inflate {
            Inflate::None => self.pending.push(bytes),
            inflate => {
                for piece in bytes.chunks(PIECE_BYTES) {
                    inflate.push(piece, &mut self.pending)?;
                    self.decoder.decode(&mut self.pending, out)?;
                }
                if at_end {
                    inflate.end(&mut self.pending)?;
                }
            }
        }
        if at_end {
            self.pending.end();
            self.ended = true;
        }
        self.decoder.decode(&mut self.pending, out)?;
        if self.pending.len() > RECORD_LIMIT_BYTES {
            let problem = format!("a record has more than {RECORD_LIMIT_BYTES} bytes: is this the right format?");
            return Err(ConnectError::data(problem));
        }
        if let Some(place) = self.then.filter(|_| self.decoder.has_begun()) {
            // The beginning was only for the decoder.
            self.then = None;
            self.pending = Pending::at(place.position);
            (self.next, self.skip) = (place.position, place.skip);
            self.ended = place.position >= self.object.bytes;
            out.clear();
        }
        Ok(())
    }

    /// The object is named, and what to do.
    fn broken(&self, cause: &ConnectError) -> Failure {
        let message = format!(
            "the object `{}` cannot be read: {cause}. Correct the format or the object, or pass over such objects \
             (`behavior.on.error`: ignore, or `errors.tolerance`: all)",
            self.object.key
        );
        Failure::new(FailureKind::Fatal, ConnectError::data(message))
    }
}

impl Inflate {
    fn new(compression: Compression) -> Result<Self, ConnectError> {
        Ok(match compression {
            Compression::None => Self::None,
            Compression::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Compression::Zstd => Self::Zstd(Box::new(zstd::stream::write::Decoder::new(Vec::new()).map_err(failed)?)),
        })
    }

    fn push(&mut self, piece: &[u8], pending: &mut Pending) -> Result<(), ConnectError> {
        let out = match self {
            Self::None => return Ok(()),
            Self::Gzip(stream) => {
                stream.write_all(piece).map_err(failed)?;
                stream.get_mut()
            }
            Self::Zstd(stream) => {
                stream.write_all(piece).map_err(failed)?;
                stream.get_mut()
            }
        };
        pending.push(out);
        out.clear();
        Ok(())
    }

    fn end(&mut self, pending: &mut Pending) -> Result<(), ConnectError> {
        match self {
            Self::None => {}
            Self::Gzip(stream) => {
                stream.try_finish().map_err(failed)?;
                pending.push(stream.get_ref());
                stream.get_mut().clear();
            }
            Self::Zstd(stream) => {
                stream.flush().map_err(failed)?;
                pending.push(stream.get_ref());
                stream.get_mut().clear();
            }
        }
        Ok(())
    }
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn failed(error: std::io::Error) -> ConnectError {
    ConnectError::data(format!("it cannot be decompressed ({error})"))
}
