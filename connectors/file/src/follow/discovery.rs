//! Which files there are: globs, looked through now and then and whenever the system says that a folder changed.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use glob::MatchOptions;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tracing::warn;

use super::config::FollowConfig;
use super::follower::FileId;

/// A file that a glob names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: FileId,
    pub(super) path: PathBuf,
    pub(super) size: u64,
}

/// What changed since the last look.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Files whose contents changed.
    pub(super) paths: HashSet<PathBuf>,
    /// Whether files came, went or were renamed.
    pub(super) names: bool,
}

#[derive(Default)]
struct Shared {
    changes: Mutex<Changes>,
    changed: Notify,
}

/// Watches the folders of the globs.
pub(super) struct Discovery {
    shared: Arc<Shared>,
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
    /// Paths that cannot be read, said once each.
    refused: HashSet<PathBuf>,
}

impl Discovery {
    pub(super) fn new() -> Self {
        let shared = Arc::<Shared>::default();
        let of_watcher = shared.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| of_watcher.note(event));
        let watcher = watcher
            .inspect_err(
                |error| warn!(%error, "the system cannot watch folders, they are looked through now and then alone"),
            )
            .ok();
        Self { shared, watcher, watched: HashSet::new(), refused: HashSet::new() }
    }

    /// What changed since the last call.
    pub(super) fn changes(&self) -> Changes {
        std::mem::take(&mut *self.shared.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for a change.
    pub(super) async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// The files that belong to this task, in the order of the globs.
    pub(super) fn scan(&mut self, config: &FollowConfig) -> Vec<Found> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for text in &config.paths {
            self.watch(&fixed_part(text));
            let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
            let Ok(paths) = glob::glob_with(text, options) else { continue };
            for path in paths {
                match path {
                    Ok(path) => self.consider(config, path, &mut seen, &mut found),
                    Err(error) => self.refuse(error.path(), error.error()),
                }
            }
        }
        found
    }

    fn consider(&mut self, config: &FollowConfig, path: PathBuf, seen: &mut HashSet<FileId>, found: &mut Vec<Found>) {
        if config.exclude.iter().any(|pattern| pattern.matches_path(&path)) {
            return;
        }
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            // It went between the two calls.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.refuse(&path, &error),
        };
        if let Some(folder) = path.parent() {
            self.watch(folder);
        }
        let id = FileId { device: metadata.dev(), inode: metadata.ino() };
        if metadata.is_file() && id.share(config.count) == config.index && seen.insert(id) {
            found.push(Found { id, path, size: metadata.len() });
        }
    }

    fn refuse(&mut self, path: &Path, error: &std::io::Error) {
        if self.refused.insert(path.to_owned()) {
            warn!(path = %path.display(), %error, "cannot be read; it is tried again at every look");
        }
    }

    fn watch(&mut self, folder: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        if self.watched.contains(folder) || !folder.is_dir() {
            return;
        }
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            warn!(folder = %folder.display(), %error, "the folder cannot be watched, it is looked through now and then alone");
        }
        self.watched.insert(folder.to_owned());
    }
}

impl Shared {
    fn note(&self, event: notify::Result<notify::Event>) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Ok(event) => match event.kind {
                EventKind::Access(_) => return,
                EventKind::Modify(notify::event::ModifyKind::Data(_)) => changes.paths.extend(event.paths),
                _ => changes.names = true,
            },
            // Events were lost: everything may have changed.
            Err(_) => changes.names = true,
        }
        drop(changes);
        self.changed.notify_one();
    }
}

/// The folder below which a glob begins.
fn fixed_part(pattern: &str) -> PathBuf {
    let is_plain = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let path = Path::new(pattern);
    let fixed: PathBuf = path.components().take_while(is_plain).collect();
    if fixed == path { fixed.parent().map(Path::to_owned).unwrap_or_default() } else { fixed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_glob_is_what_comes_before_its_first_star() {
        assert_eq!(fixed_part("/var/log/*.log"), Path::new("/var/log"));
        assert_eq!(fixed_part("/var/log/app.log"), Path::new("/var/log"));
        assert_eq!(fixed_part("/var/**/x[0-9]"), Path::new("/var"));
    }
}
