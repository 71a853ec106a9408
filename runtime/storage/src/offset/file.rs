//! Offsets in a file: `offset.storage.file.filename` of a standalone worker.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use sluice_api::OffsetMap;
use tokio::sync::Mutex;

use super::table::OffsetTable;
use super::{OffsetBackingStore, java_serialization};
use crate::Error;

/// Keeps all offsets in memory and rewrites the whole file with every flush, in the format of Kafka Connect's
/// FileOffsetBackingStore (Invariant 6).
///
/// A flush writes a file next to it, syncs it and renames it over the old one: after a crash there is the old or the new
/// file, never half of one (Invariant 7). Where nothing can be renamed over the file, it is overwritten in place. A damaged file is an error where Kafka Connect goes on without any offset.
#[derive(Debug)]
pub struct FileOffsetBackingStore {
    path: PathBuf,
    table: Arc<RwLock<OffsetTable>>,
    /// Held while the file is written, by the writing thread itself: a dropped `set` is still done before the next.
    writing: Arc<Mutex<()>>,
}

impl FileOffsetBackingStore {
    /// The store in the file at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), table: Arc::default(), writing: Arc::default() }
    }

    fn read<T>(&self, action: impl FnOnce(&OffsetTable) -> T) -> T {
        action(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl OffsetBackingStore for FileOffsetBackingStore {
    async fn start(&self) -> Result<(), Error> {
        let path = self.path.clone();
        let table = blocking(move || load(&path)).await?;
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
        Ok(())
    }

    async fn stop(&self) {}

    async fn get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
        Ok(self.read(|table| table.get(keys)))
    }

    async fn set(&self, values: Vec<(Bytes, Option<Bytes>)>) -> Result<(), Error> {
        let writing = Arc::clone(&self.writing).lock_owned().await;
        let (path, table) = (self.path.clone(), Arc::clone(&self.table));
        blocking(move || {
            let mut changed = table.read().unwrap_or_else(PoisonError::into_inner).clone();
            values.into_iter().for_each(|(key, value)| changed.put(key, value));
            save(&path, &changed)?;
            *table.write().unwrap_or_else(PoisonError::into_inner) = changed;
            drop(writing);
            Ok(())
        })
        .await
    }

    async fn connector_offsets(&self, connector: &str) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, Error> {
        Ok(self.read(|table| table.connector_offsets(connector)))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::Closed(format!("access to the offset file was ended: {error}"))),
    }
}

/// A missing and an empty file hold no offsets.
fn load(path: &Path) -> Result<OffsetTable, Error> {
    let stream = match read_file(path) {
        Ok(stream) => stream,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(OffsetTable::default()),
        Err(source) => return Err(Error::Io { context: format!("reading offset file {}", path.display()), source }),
    };
    if stream.is_empty() {
        return Ok(OffsetTable::default());
    }
    let entries = java_serialization::read(&stream).map_err(|corrupt| {
        Error::Unusable(format!(
            "{} is not a usable offset file: {corrupt}. Restore it, or move it away to start without offsets",
            path.display()
        ))
    })?;
    let mut table = OffsetTable::default();
    for (key, value) in entries {
        match key {
            Some(key) => table.put(key, value),
            None => tracing::warn!(path = %path.display(), "offset without a key ignored"),
        }
    }
    Ok(table)
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    fs::read(path)
}

fn save(path: &Path, table: &OffsetTable) -> Result<(), Error> {
    let stream = java_serialization::write(table.iter())
        .ok_or_else(|| Error::Invalid("an offset is longer than 2 GiB".to_owned()))?;
    // A link stays a link: the file that it points to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    replace(&target, &stream)
        .or_else(|error| if is_pinned(&error) { write_synced(&target, &stream, None) } else { Err(error) })
        .map_err(|source| Error::Io { context: format!("writing offset file {}", path.display()), source })
}

/// Whether only the file itself can be written, for example one that is mounted into a container on its own. It is then
/// overwritten in place, as Kafka Connect always does.
fn is_pinned(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), CrossesDevices | PermissionDenied | ReadOnlyFilesystem | ResourceBusy)
}

fn replace(target: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".tmp");
    let temporary = target.with_file_name(name);
    let written = write_synced(&temporary, content, fs::metadata(target).ok().map(|old| old.permissions()));
    if let Err(error) = written.and_then(|()| fs::rename(&temporary, target)) {
        // What is left of it is of no use; the error that matters is the first.
        fs::remove_file(&temporary).ok();
        return Err(error);
    }
    // Makes the rename itself durable.
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn write_synced(path: &Path, content: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    let mut file = File::create(path)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Bytes, Error, FileOffsetBackingStore, OffsetBackingStore};

    const KEY: &[u8] = br#"["c",{"filename":"test.txt"}]"#;

    fn entry(value: &'static str) -> (Bytes, Option<Bytes>) {
        (Bytes::from_static(KEY), Some(Bytes::from_static(value.as_bytes())))
    }

    async fn opened(path: &Path) -> FileOffsetBackingStore {
        let store = FileOffsetBackingStore::new(path);
        store.start().await.expect("a good or no file");
        store
    }

    async fn value(store: &FileOffsetBackingStore) -> Option<Bytes> {
        store.get(&[Bytes::from_static(KEY)]).await.expect("in memory").remove(0)
    }

    // Invariant 7.
    #[tokio::test]
    async fn offsets_survive_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("connect.offsets");
        let store = opened(&path).await;
        assert_eq!(value(&store).await, None);
        store.set(vec![entry(r#"{"position":1}"#)]).await.expect("writable");
        store.set(vec![entry(r#"{"position":2}"#)]).await.expect("writable");

        let store = opened(&path).await;
        assert_eq!(value(&store).await.as_deref(), Some(&br#"{"position":2}"#[..]));
        assert_eq!(store.connector_offsets("c").await.expect("in memory").len(), 1);
        let names: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
        assert_eq!(names.len(), 1, "nothing temporary stays");

        store.set(vec![(Bytes::from_static(KEY), None)]).await.expect("writable");
        assert_eq!(value(&opened(&path).await).await, None, "a removed offset does not come back");
    }

    #[tokio::test]
    async fn an_empty_file_holds_no_offsets() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert_eq!(value(&opened(file.path()).await).await, None);
    }

    #[tokio::test]
    async fn a_damaged_file_is_an_error_and_stays_as_it_is() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), [0xac, 0xed, 0x00]).expect("writable");
        let error = FileOffsetBackingStore::new(file.path()).start().await.expect_err("cut off");
        let text = error.to_string();
        assert!(text.contains(&file.path().display().to_string()) && text.contains("at byte 3"), "{text}");
        assert!(matches!(error, Error::Unusable(_)));
        assert_eq!(fs::read(file.path()).expect("readable").len(), 3);
    }

    #[tokio::test]
    async fn a_folder_is_no_offset_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = FileOffsetBackingStore::new(folder.path()).start().await.expect_err("a folder");
        assert!(matches!(error, Error::Io { .. }));
    }

    #[tokio::test]
    async fn offsets_that_cannot_be_written_are_not_shown_as_stored() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = opened(&folder.path().join("missing").join("connect.offsets")).await;
        let error = store.set(vec![entry("{}")]).await.expect_err("there is no such folder");
        assert!(matches!(error, Error::Io { .. }));
        assert_eq!(value(&store).await, None);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, []).expect("writable");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("own file");
        std::os::unix::fs::symlink(&file, &link).expect("own folder");
        opened(&link).await.set(vec![entry("{}")]).await.expect("writable");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
        assert!(value(&opened(&file).await).await.is_some());
    }
}
