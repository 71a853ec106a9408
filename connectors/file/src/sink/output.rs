//! Where lines go: the end of a file, or the standard output. Whole lines only: a write that fails half way is taken back as
//! far as it can be.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sluice_api::{ConnectError, Result};
use tracing::warn;

/// An open destination.
pub(super) enum Output {
    /// A file that is appended to.
    File(Appender),
    /// The standard output of the process.
    Standard,
}

/// Lines to write, with their ends, so that a short write can be cut at one.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Where a record's text goes; [`Batch::end_line`] follows it.
    pub(super) fn text(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(super) fn end_line(&mut self, ends: &mut Vec<usize>) {
        self.bytes.push(b'\n');
        ends.push(self.bytes.len());
    }
}

impl Output {
    pub(super) fn open(file: Option<&str>) -> Result<Self> {
        match file {
            None => Ok(Self::Standard),
            Some(file) => Appender::open(Path::new(file)).map(Self::File),
        }
    }

    /// Writes the lines; they are with the operating system when this returns. `ends` are the ends of the records.
    pub(super) fn write(&mut self, batch: &Batch, ends: &[usize]) -> Result<()> {
        match self {
            Self::File(appender) => appender.append(&batch.bytes, ends),
            Self::Standard => {
                let mut output = io::stdout().lock();
                let written = output.write_all(&batch.bytes).and_then(|()| output.flush());
                written.map_err(|error| failed("write to", Path::new("the standard output"), error))
            }
        }
    }

    /// Makes what was written survive a power failure.
    pub(super) fn sync(&mut self) -> Result<()> {
        match self {
            Self::File(appender) => appender.sync(),
            Self::Standard => Ok(()),
        }
    }
}

/// Appends to a file, alone or together with other tasks.
pub(super) struct Appender {
    file: File,
    path: PathBuf,
    regular: bool,
    unsynced: bool,
}

impl Appender {
    fn open(path: &Path) -> Result<Self> {
        let open = |read| OpenOptions::new().create(true).append(true).read(read).open(path);
        // A pipe must not be opened for reading by its writer.
        let regular = std::fs::metadata(path).map_or(true, |metadata| metadata.is_file());
        let opened = match open(regular) {
            Err(error) if regular && error.kind() == io::ErrorKind::PermissionDenied => open(false),
            opened => opened,
        };
        let file = opened.map_err(|error| {
            let name = path.display();
            let message = format!("Couldn't find or create file '{name}' for FileStreamSinkTask");
            ConnectError::connect(message).with_source(error)
        })?;
        let mut appender = Self { file, path: path.to_owned(), regular, unsynced: false };
        if regular {
            appender.end_cut_line()?;
        }
        Ok(appender)
    }

    /// A file that does not end with a line end was cut by a kill in the middle of a write: the next record starts a new line,
    /// so that no two are glued together.
    fn end_cut_line(&mut self) -> Result<()> {
        let _lock = Lock::take(&self.file);
        let length = self.file.metadata().map_err(|error| failed("read the size of", &self.path, error))?.len();
        let mut last = [0];
        // A file that may not be read cannot be looked at; it is appended to as it is.
        if length == 0 || self.file.read_at(&mut last, length - 1).is_err() || last == *b"\n" {
            return Ok(());
        }
        warn!(file = %self.path.display(), "the file ends within a line, starting a new one");
        self.file.write_all(b"\n").map_err(|error| failed("write to", &self.path, error))
    }

    fn append(&mut self, bytes: &[u8], ends: &[usize]) -> Result<()> {
        let _lock = Lock::take(&self.file);
        let mut written = 0;
        while written < bytes.len() {
            match self.file.write(&bytes[written..]) {
                Ok(0) => return Err(self.take_back(written, ends, io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.take_back(written, ends, error)),
            }
        }
        self.unsynced = true;
        Ok(())
    }

    /// After a write failed with `written` bytes done: cuts the file at the end of the last whole record.
    fn take_back(&mut self, written: usize, ends: &[usize], error: io::Error) -> ConnectError {
        let whole = ends[..ends.partition_point(|end| *end <= written)].last().copied().unwrap_or(0);
        let excess = (written - whole) as u64;
        if self.regular && excess > 0 {
            let cut =
                self.file.metadata().and_then(|metadata| self.file.set_len(metadata.len().saturating_sub(excess)));
            if let Err(error) = cut {
                warn!(file = %self.path.display(), %error, "the last line of the file is incomplete and cannot be removed");
            }
        }
        failed("write to", &self.path, error)
    }

    fn sync(&mut self) -> Result<()> {
        if self.regular && self.unsynced {
            self.file.sync_data().map_err(|error| failed("flush", &self.path, error))?;
        }
        self.unsynced = false;
        Ok(())
    }
}

fn failed(what: &str, path: &Path, error: io::Error) -> ConnectError {
    let message = format!("cannot {what} {}: {error}. Its records will be delivered again", path.display());
    ConnectError::connect(message).with_source(error)
}

/// Keeps other tasks, of this worker and of others, from appending while a write may have to be taken back. Where the file
/// system has no locks it does nothing.
struct Lock(Option<File>);

impl Lock {
    fn take(file: &File) -> Self {
        // A clone shares the lock; it is released by name below because the file itself stays open.
        Self(file.try_clone().ok().filter(|file| file.lock().is_ok()))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(|file| file.unlock()) {
            warn!(%error, "cannot unlock a file");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_half_way_is_taken_back_to_the_last_whole_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        std::fs::write(&path, "before\n").unwrap();
        let mut appender = Appender::open(&path).unwrap();
        // What a full disk leaves of the batch "one\ntwo\nthree\n".
        appender.file.write_all(b"one\ntwo\nth").unwrap();
        let error = appender.take_back(10, &[4, 8, 14], io::ErrorKind::StorageFull.into());
        assert!(error.to_string().starts_with("cannot write to "), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\none\ntwo\n");
        let error = appender.take_back(0, &[4], io::ErrorKind::StorageFull.into());
        assert!(error.to_string().contains("Its records will be delivered again"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\none\ntwo\n");
    }
}
