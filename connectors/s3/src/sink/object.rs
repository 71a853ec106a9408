//! One object that grows: format, compression, the part that is being filled, and the parts that were sent.

use bytes::Bytes;
use sluice_api::{Headers, Result, Schema, SinkRecord, Value};

use super::spill::{Refused, SpillFolder, Spilled};
use super::upload::{Body, Job, Multipart, Uploader};
use crate::format::{Compressor, Encoder, STREAM_START_BYTES, Stream};

/// After so many parts the next ones are twice as large: an object may have 10,000.
const PARTS_PER_DOUBLING: u32 = 1_000;

/// An object that is not complete.
pub(crate) struct ObjectWriter {
    key: String,
    encoder: Box<dyn Encoder>,
    compression: Compression,
    /// Of the part that is being filled: what was spilled, then what is in memory. While [`Compression::Waiting`] it is the
    /// whole object, not compressed yet.
    spilled: Option<Spilled>,
    tail: Vec<u8>,
    multipart: Option<Multipart>,
    parts: u32,
    part_bytes: usize,
    /// Before compression.
    written_bytes: u64,
    /// Of the last record: its bytes, and how many of them are in the buffer that the encoder appends to.
    last_bytes: usize,
    last_in_buffer: usize,
}

enum Compression {
    None,
    /// Too small for a stream of its own.
    Waiting(Compressor),
    Running(Box<Stream>),
}

/// Where the encoder appends to.
fn buffer<'a>(compression: &'a mut Compression, tail: &'a mut Vec<u8>) -> &'a mut Vec<u8> {
    match compression {
        Compression::Running(stream) => stream.pending(),
        Compression::None | Compression::Waiting(_) => tail,
    }
}

impl ObjectWriter {
    /// `compressor` is `None` without compression.
    pub(crate) fn new(
        key: String,
        encoder: Box<dyn Encoder>,
        compressor: Option<Compressor>,
        part_bytes: usize,
    ) -> Self {
        let compression = compressor.map_or(Compression::None, Compression::Waiting);
        Self {
            key,
            encoder,
            compression,
            spilled: None,
            tail: Vec::new(),
            multipart: None,
            parts: 0,
            part_bytes,
            written_bytes: 0,
            last_bytes: 0,
            last_in_buffer: 0,
        }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Bytes of its records before compression.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Appends a value.
    ///
    /// # Errors
    /// `Data`: the value does not fit; the object is as before.
    pub(crate) fn append(&mut self, schema: Option<&Schema>, value: &Value) -> Result<()> {
        self.append_with(|encoder, out| encoder.append(out, schema, value))
    }

    /// Appends a record.
    ///
    /// # Errors
    /// As for [`ObjectWriter::append`].
    pub(crate) fn append_record(&mut self, record: &SinkRecord) -> Result<()> {
        self.append_with(|encoder, out| encoder.append_record(out, record))
    }

    /// Appends headers.
    ///
    /// # Errors
    /// As for [`ObjectWriter::append`].
    pub(crate) fn append_headers(&mut self, headers: &Headers) -> Result<()> {
        self.append_with(|encoder, out| encoder.append_headers(out, headers))
    }

    fn append_with(&mut self, write: impl FnOnce(&mut dyn Encoder, &mut Vec<u8>) -> Result<usize>) -> Result<()> {
        let out = buffer(&mut self.compression, &mut self.tail);
        self.encoder.advance(out)?;
        let before = out.len();
        let written = write(&mut *self.encoder, out);
        if written.is_err() {
            out.truncate(before);
        }
        self.last_in_buffer = out.len() - before;
        self.last_bytes = written?;
        self.written_bytes += self.last_bytes as u64;
        Ok(())
    }

    /// Takes the last record back. [`ObjectWriter::advance`] was not called since.
    pub(crate) fn undo(&mut self) {
        self.encoder.undo();
        let out = buffer(&mut self.compression, &mut self.tail);
        out.truncate(out.len() - self.last_in_buffer);
        self.written_bytes -= self.last_bytes as u64;
    }

    /// Compresses what is due and sends a part that is full. Called after each record, or a few.
    ///
    /// # Errors
    /// `Connect`: the object cannot be gone on with.
    pub(crate) fn advance(&mut self, uploader: &Uploader) -> Result<()> {
        if matches!(self.compression, Compression::Waiting(_)) {
            if self.part_len() < STREAM_START_BYTES {
                return Ok(());
            }
            self.start_stream()?;
        }
        if let Compression::Running(stream) = &mut self.compression {
            stream.advance(&mut self.tail)?;
        }
        if self.part_len() >= self.part_bytes << (self.parts / PARTS_PER_DOUBLING) {
            let body = self.take_body();
            self.parts += 1;
            uploader.part(&mut self.multipart, &self.key, body);
        }
        Ok(())
    }

    /// What was held back goes through a stream from now on.
    fn start_stream(&mut self) -> Result<()> {
        let Compression::Waiting(compressor) = self.compression else { return Ok(()) };
        let mut stream = Box::new(compressor.stream()?);
        if let Some(spilled) = self.spilled.take() {
            stream.pending().extend_from_slice(&spilled.read()?);
        }
        stream.pending().append(&mut self.tail);
        stream.advance(&mut self.tail)?;
        self.compression = Compression::Running(stream);
        Ok(())
    }

    /// Sends the rest; the object is there when the job has ended well.
    ///
    /// # Errors
    /// As for [`ObjectWriter::advance`].
    pub(crate) fn finish(mut self, uploader: &Uploader) -> Result<Job<()>> {
        self.start_stream()?;
        match std::mem::replace(&mut self.compression, Compression::None) {
            Compression::Running(mut stream) => {
                self.encoder.finish(stream.pending())?;
                stream.finish(&mut self.tail)?;
            }
            Compression::None | Compression::Waiting(_) => self.encoder.finish(&mut self.tail)?,
        }
        let body = self.take_body();
        Ok(uploader.finish(self.multipart.take(), &self.key, body))
    }

    /// What there is to abort, when the object is given up.
    pub(crate) fn into_multipart(self) -> Option<Multipart> {
        self.multipart
    }

    /// Bytes of memory that could go to the folder.
    pub(crate) fn spillable_bytes(&self) -> usize {
        let in_encoder = if matches!(self.compression, Compression::None) { self.encoder.held_bytes() } else { 0 };
        self.tail.len() + in_encoder
    }

    /// Bytes of memory.
    pub(crate) fn held_bytes(&self) -> usize {
        let stream = if let Compression::Running(stream) = &self.compression { stream.held_bytes() } else { 0 };
        self.tail.capacity() + stream + self.encoder.held_bytes()
    }

    /// Moves what is in memory to the folder.
    ///
    /// # Errors
    /// The folder takes no more; nothing was moved.
    pub(crate) fn spill(&mut self, folder: &mut SpillFolder) -> std::result::Result<(), Refused> {
        // What fails here fails again with the next record, which can be told about it.
        if matches!(self.compression, Compression::None) && self.encoder.relieve(&mut self.tail).is_err() {
            return Ok(());
        }
        folder.append(&mut self.spilled, &self.tail)?;
        self.tail = Vec::new();
        Ok(())
    }

    fn part_len(&self) -> usize {
        let spilled = self.spilled.as_ref().map_or(0, Spilled::bytes);
        usize::try_from(spilled).unwrap_or(usize::MAX).saturating_add(self.tail.len())
    }

    fn take_body(&mut self) -> Body {
        Body { spilled: self.spilled.take(), tail: Bytes::from(std::mem::take(&mut self.tail)) }
    }
}
