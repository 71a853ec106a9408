//! Where bytes come from: a regular file, which is read in place, or a stream (standard input, pipe), which a thread of its own
//! reads because nothing can interrupt it.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sluice_api::{ConnectError, Result};
use tokio::sync::{Mutex, mpsc};

use super::start::line_start;

const STREAM_CHUNK_BYTES: usize = 64 * 1024;
/// Chunks of a stream that wait to be taken.
const STREAM_CHUNKS: usize = 4;

/// An open source of bytes.
pub(super) enum Input {
    /// A regular file.
    Regular { file: File, path: PathBuf, read_bytes: u64 },
    /// Anything that cannot be sought in.
    Stream(Stream),
}

/// What opening gave.
pub(super) enum Opened {
    /// There is no such file yet.
    Missing,
    /// Reading starts at this position.
    At(Input, u64),
}

impl Input {
    /// Opens `path` at the start of the line that `position` is in.
    pub(super) fn open(path: &Path, position: u64) -> Result<Opened> {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Missing),
            Err(error) => return Err(failed("open", path, error)),
        };
        if metadata.is_dir() {
            return Err(ConnectError::connect(format!("{} is a directory, not a file", path.display())));
        }
        if !metadata.is_file() {
            // What was read from a pipe before is gone: there is nothing to skip.
            return Ok(Opened::At(Self::Stream(Stream::open(path.to_owned())), position));
        }
        let mut file = File::open(path).map_err(|error| failed("open", path, error))?;
        let length = file.metadata().map_err(|error| failed("read the size of", path, error))?.len();
        if position > length {
            return Err(beyond_end(path, position, length));
        }
        let start = line_start(&file, position).map_err(|error| failed("read", path, error))?;
        file.seek(SeekFrom::Start(start)).map_err(|error| failed("seek in", path, error))?;
        Ok(Opened::At(Self::Regular { file, path: path.to_owned(), read_bytes: start }, start))
    }

    /// The standard input of the process.
    pub(super) fn standard() -> Self {
        Self::Stream(Stream::standard())
    }

    /// Appends up to `limit` bytes; 0 when there are none for now.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>, limit: usize) -> Result<usize> {
        match self {
            Self::Regular { file, path, read_bytes } => {
                buffer.reserve(limit);
                let read = file.take(limit as u64).read_to_end(buffer).map_err(|error| failed("read", path, error))?;
                *read_bytes += read as u64;
                Ok(read)
            }
            Self::Stream(stream) => stream.read(buffer),
        }
    }

    /// Waits until there may be more bytes, for `timeout` at most.
    pub(super) async fn wait(&mut self, timeout: Duration) {
        match self {
            Self::Regular { .. } => tokio::time::sleep(timeout).await,
            Self::Stream(stream) => stream.wait(timeout).await,
        }
    }

    /// At the end of a file: whether it is still the file that was opened, and has all that was read.
    pub(super) fn check_unchanged(&self) -> Result<()> {
        let Self::Regular { file, path, read_bytes } = self else { return Ok(()) };
        let opened = file.metadata().map_err(|error| failed("read the size of", path, error))?;
        if opened.len() < *read_bytes {
            return Err(truncated(path, *read_bytes, opened.len()));
        }
        match std::fs::metadata(path) {
            Ok(current) if !same_file(&opened, &current) => Err(replaced(path, *read_bytes)),
            // A file that was deleted or cannot be looked at stays readable through the open handle.
            _ => Ok(()),
        }
    }
}

fn same_file(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn failed(what: &str, path: &Path, error: io::Error) -> ConnectError {
    ConnectError::connect(format!("cannot {what} {}: {error}", path.display())).with_source(error)
}

fn beyond_end(path: &Path, position: u64, length: u64) -> ConnectError {
    ConnectError::connect(format!(
        "the stored position {position} is beyond the end of {} ({length} bytes): it was truncated or replaced. Reset the \
         connector's offsets to read it from its start",
        path.display()
    ))
}

fn truncated(path: &Path, position: u64, length: u64) -> ConnectError {
    ConnectError::connect(format!(
        "{} was truncated to {length} bytes after {position} bytes of it were read. Every whole line of these was delivered; \
         reset the connector's offsets to read the file from its start",
        path.display()
    ))
}

fn replaced(path: &Path, position: u64) -> ConnectError {
    ConnectError::connect(format!(
        "{} was replaced by another file after {position} bytes were read. Every whole line of the old file was delivered; \
         reset the connector's offsets to read the new file from its start",
        path.display()
    ))
}

type Chunk = io::Result<Vec<u8>>;

/// The standard input is one for the process: a task that starts again goes on where the last one stopped.
static STANDARD_INPUT: OnceLock<Arc<Mutex<mpsc::Receiver<Chunk>>>> = OnceLock::new();

/// Chunks from a reading thread.
pub(super) struct Stream {
    name: String,
    chunks: Arc<Mutex<mpsc::Receiver<Chunk>>>,
    next: Option<Chunk>,
}

impl Stream {
    fn standard() -> Self {
        let chunks = STANDARD_INPUT.get_or_init(|| spawn_reader(|| Ok(Box::new(io::stdin()))));
        Self { name: "the standard input".to_owned(), chunks: chunks.clone(), next: None }
    }

    fn open(path: PathBuf) -> Self {
        let name = path.display().to_string();
        Self { name, chunks: spawn_reader(move || Ok(Box::new(File::open(path)?))), next: None }
    }

    fn read(&mut self, buffer: &mut Vec<u8>) -> Result<usize> {
        let next = self.next.take().or_else(|| self.chunks.try_lock().ok()?.try_recv().ok());
        match next {
            None => Ok(0),
            Some(Ok(chunk)) => {
                buffer.extend_from_slice(&chunk);
                Ok(chunk.len())
            }
            Some(Err(error)) => Err(failed("read", Path::new(&self.name), error)),
        }
    }

    async fn wait(&mut self, timeout: Duration) {
        if self.next.is_some() {
            return;
        }
        let received = async { self.chunks.lock().await.recv().await };
        match tokio::time::timeout(timeout, received).await {
            Ok(Some(chunk)) => self.next = Some(chunk),
            // The stream has ended; it will not have more.
            Ok(None) => tokio::time::sleep(timeout).await,
            Err(_) => {}
        }
    }
}

/// Starts a thread that opens and reads until the end, an error, or until nobody listens any more.
fn spawn_reader(
    open: impl FnOnce() -> io::Result<Box<dyn Read>> + Send + 'static,
) -> Arc<Mutex<mpsc::Receiver<Chunk>>> {
    let (chunks_tx, chunks_rx) = mpsc::channel(STREAM_CHUNKS);
    let failure_tx = chunks_tx.clone();
    let reader = move || {
        let sent = match open() {
            Ok(mut stream) => read_all(&mut stream, &chunks_tx),
            Err(error) => chunks_tx.blocking_send(Err(error)),
        };
        // Nobody listens any more: the task has stopped.
        drop(sent);
    };
    if let Err(error) = std::thread::Builder::new().name("file-stream".to_owned()).spawn(reader) {
        drop(failure_tx.try_send(Err(error)));
    }
    Arc::new(Mutex::new(chunks_rx))
}

fn read_all(
    stream: &mut dyn Read,
    chunks_tx: &mpsc::Sender<Chunk>,
) -> std::result::Result<(), mpsc::error::SendError<Chunk>> {
    loop {
        let mut chunk = vec![0; STREAM_CHUNK_BYTES];
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                chunk.truncate(length);
                chunks_tx.blocking_send(Ok(chunk))?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return chunks_tx.blocking_send(Err(error)),
        }
    }
}
