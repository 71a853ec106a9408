//! One file: open under a name that nobody looks at, finished under its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use flate2::write::GzEncoder;
use tracing::warn;

use super::config::Compression;

/// An open file. Dropping it removes it.
pub(super) struct Segment {
    path: PathBuf,
    writer: Option<Writer>,
    /// Offsets of its first and last record.
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) records: u64,
    /// Before compression.
    pub(super) bytes: u64,
    pub(super) opened: Instant,
}

enum Writer {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, BufWriter<File>>>),
}

impl Segment {
    /// Makes the file; it must not be there.
    pub(super) fn create(path: PathBuf, compression: Compression, first: i64) -> io::Result<Self> {
        let file = BufWriter::with_capacity(64 * 1024, OpenOptions::new().write(true).create_new(true).open(&path)?);
        let writer = match compression {
            Compression::None => Writer::Plain(file),
            Compression::Gzip => Writer::Gzip(Box::new(GzEncoder::new(file, flate2::Compression::default()))),
            Compression::Zstd => Writer::Zstd(Box::new(zstd::stream::write::Encoder::new(file, 0)?)),
        };
        let (records, bytes) = (0, 0);
        Ok(Self { path, writer: Some(writer), first, last: first, records, bytes, opened: Instant::now() })
    }

    /// Adds the line of the record at `offset`.
    pub(super) fn write(&mut self, line: &[u8], offset: i64) -> io::Result<()> {
        match &mut self.writer {
            Some(Writer::Plain(file)) => file.write_all(line)?,
            Some(Writer::Gzip(file)) => file.write_all(line)?,
            Some(Writer::Zstd(file)) => file.write_all(line)?,
            None => return Err(io::Error::other("the file was finished")),
        }
        (self.last, self.records, self.bytes) = (offset, self.records + 1, self.bytes + line.len() as u64);
        Ok(())
    }

    /// Completes the file and gives it its name. A file of that name must not be there.
    pub(super) fn finish(mut self, name: &Path, fsync: bool) -> io::Result<()> {
        let file = match self.writer.take() {
            Some(Writer::Plain(file)) => file,
            Some(Writer::Gzip(file)) => file.finish()?,
            Some(Writer::Zstd(file)) => file.finish()?,
            None => return Err(io::Error::other("the file was finished")),
        };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        if fsync {
            file.sync_all()?;
        }
        if name.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(&self.path, name)?;
        self.path.clear();
        if let Some(folder) = name.parent().filter(|_| fsync) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if self.path.as_os_str().is_empty() {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            warn!(path = %self.path.display(), %error, "a file that was not finished cannot be removed");
        }
    }
}
