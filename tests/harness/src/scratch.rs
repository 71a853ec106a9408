//! Temporary folders and free ports of this process.
//!
//! A folder disappears when its owner is dropped and, for what is shared until the process ends (statics are never dropped) or
//! when the process is killed, by a watchdog that outlives the process by a second. `SLUICE_KEEP=1` keeps everything to look at.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use anyhow::{Context, Result, bail};

/// The folder of this process, with the watchdog that removes it.
struct Root {
    path: PathBuf,
    _watchdog: Option<Child>,
}

fn keeps() -> bool {
    env::var_os("SLUICE_KEEP").is_some_and(|value| value == "1")
}

/// Waits for the end of this process on a pipe that only this process holds open, then removes the folder.
fn watchdog(path: &Path) -> Result<Child> {
    Command::new("sh")
        .args(["-c", "cat >/dev/null; sleep 1; rm -rf -- \"$1\"", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("starting the watchdog that removes the temporary folder")
}

fn root() -> Result<&'static Path> {
    static ROOT: OnceLock<Root> = OnceLock::new();
    if let Some(root) = ROOT.get() {
        return Ok(&root.path);
    }
    let path = tempfile::Builder::new().prefix("sluice-test-").tempdir().context("creating a temporary folder")?.keep();
    let watchdog = if keeps() {
        eprintln!("keeping {}", path.display());
        None
    } else {
        Some(watchdog(&path)?)
    };
    // Two threads may get here at once: the loser's folder goes with its watchdog's pipe.
    Ok(&ROOT.get_or_init(|| Root { path, _watchdog: watchdog }).path)
}

/// A temporary folder that goes when this value does.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Creates a folder whose name starts with `name`.
    pub fn new(name: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let path = root()?.join(format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Scratch(path))
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path inside the folder.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !keeps() && fs::remove_dir_all(&self.0).is_err() {
            // A killed server may still be closing its files: the watchdog removes what is left.
        }
    }
}

/// A free TCP port on 127.0.0.1, below the range from which the system gives ports to outgoing connections, so that a server
/// which is killed and started again finds its port still free.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..2000 {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (process::id().wrapping_mul(61).wrapping_add(step) % 20_000);
        let port = u16::try_from(port).expect("10,000 + less than 20,000 fits 16 bits");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free TCP port between 10000 and 30000 on 127.0.0.1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_owner() {
        let scratch = Scratch::new("gone").expect("a folder");
        let path = scratch.path().to_owned();
        assert!(path.is_dir());
        drop(scratch);
        assert!(keeps() || !path.exists());
    }

    #[test]
    fn two_ports_differ() {
        assert_ne!(free_port().expect("a port"), free_port().expect("another port"));
    }
}
