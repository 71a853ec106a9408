//! The local folder that buffers go to when memory is used up: bounded, shared by the tasks of a process, emptied by the next
//! start after a crash.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sluice_api::{ConnectError, Result};
use tracing::warn;

const PREFIX: &str = "sluice-spill-";
const LOCK: &str = "lock";

/// A task's part of the folder.
#[derive(Debug)]
pub(crate) struct SpillFolder {
    own: tempfile::TempDir,
    used_bytes: Arc<AtomicU64>,
    limit_bytes: u64,
    next: u64,
    /// Says to other processes that the folder is alive.
    _lock: File,
}

/// Bytes in a file of the folder; the file goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Spilled {
    path: PathBuf,
    bytes: u64,
    used_bytes: Arc<AtomicU64>,
}

/// Why bytes stay in memory.
#[derive(Debug)]
pub(crate) enum Refused {
    /// `sluice.spill.max.bytes` is reached.
    Full,
    /// The folder cannot be written to.
    Io(io::Error),
}

impl SpillFolder {
    /// Makes a folder of the task's own below `base`, and removes what crashed processes left there.
    ///
    /// # Errors
    /// `Connect` when the folder cannot be written to.
    pub(crate) fn open(base: &Path, limit_bytes: u64) -> Result<Self> {
        let failed = |error| {
            let message =
                format!("cannot use `sluice.spill.dir` {}: name a folder that can be written to", base.display());
            ConnectError::connect(message).with_source(error)
        };
        fs::create_dir_all(base).map_err(failed)?;
        remove_leftovers(base);
        let own = tempfile::Builder::new().prefix(PREFIX).tempdir_in(base).map_err(failed)?;
        let lock = File::create(own.path().join(LOCK)).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Self { own, used_bytes: used(base), limit_bytes, next: 0, _lock: lock })
    }

    /// Appends `bytes` to what an object has in the folder.
    ///
    /// # Errors
    /// The bytes are not in the folder, what was there is as before.
    pub(crate) fn append(&mut self, to: &mut Option<Spilled>, bytes: &[u8]) -> std::result::Result<(), Refused> {
        let more = bytes.len() as u64;
        if self.used_bytes.fetch_add(more, Ordering::Relaxed) + more > self.limit_bytes {
            self.used_bytes.fetch_sub(more, Ordering::Relaxed);
            return Err(Refused::Full);
        }
        let path = match to {
            Some(spilled) => spilled.path.clone(),
            None => {
                self.next += 1;
                self.own.path().join(self.next.to_string())
            }
        };
        let before = to.as_ref().map_or(0, |spilled| spilled.bytes);
        if let Err(error) = append_to(&path, before, bytes) {
            self.used_bytes.fetch_sub(more, Ordering::Relaxed);
            return Err(Refused::Io(error));
        }
        let spilled = to.get_or_insert_with(|| Spilled { path, bytes: 0, used_bytes: self.used_bytes.clone() });
        spilled.bytes += more;
        Ok(())
    }
}

/// A write that fails half way leaves the length as it was.
fn append_to(path: &Path, before: u64, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let written = file.write_all(bytes);
    if written.is_err() {
        file.set_len(before)?;
    }
    written
}

impl Spilled {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes.
    ///
    /// # Errors
    /// `Connect` when they are not all there: they must not be taken for the object.
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        let read = fs::read(&self.path).and_then(|read| {
            let whole = read.len() as u64 == self.bytes;
            if whole { Ok(read) } else { Err(io::Error::other(format!("{} bytes of {}", read.len(), self.bytes))) }
        });
        read.map_err(|error| {
            let message = format!("cannot read back {}, which was spilled there", self.path.display());
            ConnectError::connect(message).with_source(error)
        })
    }
}

impl Drop for Spilled {
    fn drop(&mut self) {
        self.used_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!(file = %self.path.display(), %error, "a spilled file stays behind");
        }
    }
}

/// What the tasks of this process have below `base`.
fn used(base: &Path) -> Arc<AtomicU64> {
    static FOLDERS: OnceLock<Mutex<HashMap<PathBuf, Arc<AtomicU64>>>> = OnceLock::new();
    let mut folders = FOLDERS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    folders.entry(base.to_owned()).or_default().clone()
}

/// Folders whose lock nobody holds are of processes that ended without removing them.
fn remove_leftovers(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        // A folder without lock file is just being made.
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
            continue;
        }
        if let Err(error) = fs::remove_dir_all(entry.path()) {
            warn!(folder = %entry.path().display(), %error, "what a crashed process spilled cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_in_order_and_the_file_goes() {
        let base = tempfile::tempdir().unwrap();
        let mut folder = SpillFolder::open(base.path(), 100).unwrap();
        let mut spilled = None;
        folder.append(&mut spilled, b"one ").unwrap();
        folder.append(&mut spilled, b"two").unwrap();
        let held = spilled.unwrap();
        assert_eq!((held.bytes(), held.read().unwrap()), (7, b"one two".to_vec()));
        let path = held.path.clone();
        drop(held);
        assert!(!path.exists());
    }

    #[test]
    fn the_limit_is_that_of_all_tasks_together() {
        let base = tempfile::tempdir().unwrap();
        let mut one = SpillFolder::open(base.path(), 10).unwrap();
        let mut other = SpillFolder::open(base.path(), 10).unwrap();
        let (mut of_one, mut of_other) = (None, None);
        one.append(&mut of_one, b"12345678").unwrap();
        assert!(matches!(other.append(&mut of_other, b"abc"), Err(Refused::Full)));
        drop(of_one);
        other.append(&mut of_other, b"abc").unwrap();
    }

    #[test]
    fn leftovers_of_a_crash_are_removed_and_living_folders_stay() {
        let base = tempfile::tempdir().unwrap();
        let alive = SpillFolder::open(base.path(), 10).unwrap();
        let dead = base.path().join("sluice-spill-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("1"), "left over").unwrap();
        let _next = SpillFolder::open(base.path(), 10).unwrap();
        assert!(!dead.exists());
        assert!(alive.own.path().exists());
    }

    #[test]
    fn a_file_that_was_cut_is_not_read() {
        let base = tempfile::tempdir().unwrap();
        let mut folder = SpillFolder::open(base.path(), 100).unwrap();
        let mut spilled = None;
        folder.append(&mut spilled, b"whole").unwrap();
        let held = spilled.unwrap();
        fs::write(&held.path, "cut").unwrap();
        assert!(held.read().unwrap_err().to_string().contains("cannot read back"));
    }
}
