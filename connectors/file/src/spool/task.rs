//! The source task: one file after the other.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use sluice_api::connector::CommittedRecord;
use sluice_api::data::{civil_from_days, java_string_hash, logical};
use sluice_api::{
    ConnectError, Headers, OffsetMap, Properties, Result, Schema, SourceRecord, SourceTask, SourceTaskContext, Value,
};
use tracing::{info, warn};

use super::config::{CleanUp, Format, Order, SpoolConfig, Timestamp};
use super::reader::Reader;

/// How long a poll waits for acknowledgements before it lets them in.
const ACKNOWLEDGEMENT_WAIT: Duration = Duration::from_millis(5);

/// A task that reads its share of the files.
pub(super) struct SpoolTask {
    format: Format,
    spooling: Option<Spooling>,
}

struct Spooling {
    config: SpoolConfig,
    context: SourceTaskContext,
    processing_extension: String,
    current: Option<Current>,
    /// With the policy NONE: files that were read, by name, size and time.
    read: HashSet<(PathBuf, u64, i64)>,
}

/// The file that is being read.
struct Current {
    file: Dropped,
    partition: Arc<OffsetMap>,
    reader: Option<Reader>,
    schemas: (Option<Schema>, Option<Schema>),
    /// Why it cannot be read on.
    failed: Option<ConnectError>,
    outstanding: usize,
}

/// A file in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Dropped {
    path: PathBuf,
    name: String,
    size: u64,
    modified_ms: i64,
}

impl SpoolTask {
    pub(super) fn new(format: Format) -> Self {
        Self { format, spooling: None }
    }
}

#[async_trait(?Send)]
impl SourceTask for SpoolTask {
    async fn start(&mut self, context: SourceTaskContext, config: &Properties) -> Result<()> {
        let processing_extension = SpoolConfig::processing_extension(config);
        let config = SpoolConfig::parse(self.format, config)?;
        let folders = [
            ("input.path", Some(&config.input)),
            ("error.path", Some(&config.error)),
            ("finished.path", config.finished.as_ref()),
        ];
        for (key, folder) in folders {
            if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                return Err(ConnectError::config(format!("`{key}` {}: there is no such folder", folder.display())));
            }
        }
        self.spooling = Some(Spooling { config, context, processing_extension, current: None, read: HashSet::new() });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let spooling = self.spooling.as_mut().ok_or_else(|| ConnectError::connect("the task was not started"))?;
        if spooling.current.is_none() && !spooling.open_next().await? {
            tokio::time::sleep(spooling.config.empty_wait.min(Duration::from_secs(1))).await;
            return Ok(Vec::new());
        }
        let records = spooling.read_some();
        if !records.is_empty() {
            return Ok(records);
        }
        // Invariant 1: the file stays until Kafka has everything of it.
        if spooling.current.as_ref().is_some_and(|current| current.outstanding > 0) {
            tokio::time::sleep(ACKNOWLEDGEMENT_WAIT).await;
            return Ok(Vec::new());
        }
        spooling.finish()?;
        Ok(Vec::new())
    }

    fn wants_committed_records(&self) -> bool {
        true
    }

    async fn commit_records(&mut self, records: &[CommittedRecord]) -> Result<()> {
        if let Some(current) = self.spooling.as_mut().and_then(|spooling| spooling.current.as_mut()) {
            // A file is left only when nothing of it is outstanding, so these are of this one.
            current.outstanding = current.outstanding.saturating_sub(records.len());
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        self.spooling = None;
        Ok(())
    }
}

impl Spooling {
    /// Opens the next file where its stored offset says; `false` when there is none.
    async fn open_next(&mut self) -> Result<bool> {
        let Some(file) = self.next_file()? else { return Ok(false) };
        let partition = OffsetMap::single("fileName", file.name.as_str());
        let stored = self.context.offsets.offsets(std::slice::from_ref(&partition)).await?.pop().flatten();
        let done = stored.map_or(0, |offset| file.stored_offset(&offset));
        info!(path = %file.path.display(), records = done, "reading file");
        let opened = Reader::open(&self.config, &file.path).and_then(|mut reader| {
            while reader.offset() < done && reader.next()?.is_some() {}
            Ok(reader)
        });
        let (reader, failed) = match opened {
            Ok(reader) => (Some(reader), None),
            Err(error) => (None, Some(error)),
        };
        let schemas = reader.as_ref().map(Reader::schemas).unwrap_or_default();
        self.current = Some(Current { file, partition: Arc::new(partition), reader, schemas, failed, outstanding: 0 });
        Ok(true)
    }

    /// The first file in the configured order that is this task's and old enough.
    fn next_file(&self) -> Result<Option<Dropped>> {
        let config = &self.config;
        let mut files = Vec::new();
        self.collect(&config.input, &mut files).map_err(|error| {
            ConnectError::connect(format!("looking through `input.path` {}: {error}", config.input.display()))
                .with_source(error)
        })?;
        files.sort_by(|one, other| {
            let by = config.order.iter().map(|order| match order {
                Order::Name(descending) => reversed(one.name.cmp(&other.name), *descending),
                Order::Length(descending) => reversed(one.size.cmp(&other.size), *descending),
                Order::LastModified(descending) => reversed(one.modified_ms.cmp(&other.modified_ms), *descending),
            });
            by.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        Ok(files.into_iter().find(|file| !self.read.contains(&(file.path.clone(), file.size, file.modified_ms))))
    }

    fn collect(&self, folder: &Path, files: &mut Vec<Dropped>) -> io::Result<()> {
        let config = &self.config;
        let youngest_ms = now_ms() - i64::try_from(config.minimum_age.as_millis()).unwrap_or(i64::MAX);
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let metadata = match fs::metadata(&path) {
                Ok(metadata) => metadata,
                // It went between the two calls.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if metadata.is_dir() {
                if config.recursive {
                    self.collect(&path, files)?;
                }
                continue;
            }
            let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
            let mine = u64::from(java_string_hash(&name).unsigned_abs()) % config.count == config.index;
            let is_marker = !self.processing_extension.is_empty() && name.ends_with(&self.processing_extension);
            if !mine || is_marker || !config.pattern.matches(&name).unwrap_or(false) {
                continue;
            }
            let modified_ms = modified_ms(&metadata);
            if modified_ms <= youngest_ms || config.minimum_age.is_zero() {
                files.push(Dropped { path, name, size: metadata.len(), modified_ms });
            }
        }
        Ok(())
    }

    fn read_some(&mut self) -> Vec<SourceRecord> {
        let Some(current) = &mut self.current else { return Vec::new() };
        let mut records = Vec::new();
        while current.failed.is_none() && records.len() < self.config.batch_size {
            let Some(reader) = &mut current.reader else { break };
            match reader.next() {
                Ok(Some(row)) => {
                    let offset = reader.offset();
                    let mut record = SourceRecord::new(
                        current.partition.clone(),
                        current.file.offset(offset),
                        self.config.topic.clone(),
                        current.schemas.1.clone(),
                        row.value,
                    );
                    (record.key_schema, record.key) = match row.key {
                        Some(key) => (current.schemas.0.clone(), key.into()),
                        None => (None, Value::Null),
                    };
                    record.timestamp_ms = match self.config.timestamp {
                        Timestamp::File => Some(current.file.modified_ms),
                        _ => row.timestamp_ms,
                    };
                    record.headers = current.file.headers(&self.config.input, offset);
                    records.push(record);
                }
                Ok(None) => current.reader = None,
                Err(error) => current.failed = Some(error),
            }
        }
        current.outstanding += records.len();
        records
    }

    /// Everything that was read of the file was acknowledged: it goes where it belongs.
    fn finish(&mut self) -> Result<()> {
        let Some(current) = self.current.take() else { return Ok(()) };
        let (config, file) = (&self.config, &current.file);
        let path = file.path.display();
        let Some(error) = current.failed else {
            info!(%path, "file is done");
            let target = match (config.clean_up, &config.finished) {
                (CleanUp::None, _) => {
                    self.read.insert((file.path.clone(), file.size, file.modified_ms));
                    return Ok(());
                }
                (CleanUp::Delete, _) | (_, None) => {
                    return fs::remove_file(&file.path).map_err(|error| file.stuck("deleting", error));
                }
                (CleanUp::MoveByDate, Some(folder)) => folder.join(file.day()),
                (CleanUp::Move, Some(folder)) => folder.clone(),
            };
            return file.move_into(&self.below(file, target));
        };
        let message = format!("{path} goes to `error.path`: {error}. What came before in it was delivered");
        file.move_into(&self.below(file, config.error.clone()))?;
        if config.halt_on_error {
            return Err(ConnectError::connect(message).with_source(error));
        }
        warn!(connector = &*self.context.connector, task = self.context.task, "{message}");
        Ok(())
    }

    fn below(&self, file: &Dropped, folder: PathBuf) -> PathBuf {
        let relative = file.path.parent().and_then(|parent| parent.strip_prefix(&self.config.input).ok());
        match relative.filter(|_| self.config.keep_relative) {
            Some(relative) => folder.join(relative),
            None => folder,
        }
    }
}

impl Dropped {
    /// `{"offset": lines}` as in SpoolDir, and what tells this file from another one of its name.
    fn offset(&self, lines: i64) -> OffsetMap {
        let size = i64::try_from(self.size).unwrap_or(i64::MAX);
        let fields: [(Arc<str>, Value); 3] = [
            ("offset".into(), lines.into()),
            ("size".into(), size.into()),
            ("modified".into(), self.modified_ms.into()),
        ];
        OffsetMap::new(Box::new(fields) as Box<[_]>)
    }

    /// How many lines of this file were delivered. An offset of SpoolDir itself does not say of which file of this name it is, and one of
    /// another file would leave records out: then the file is read from its beginning (Invariant 3).
    fn stored_offset(&self, offset: &OffsetMap) -> i64 {
        let number = |name: &str| offset.get(name).and_then(Value::as_i64);
        let same = number("size") == i64::try_from(self.size).ok() && number("modified") == Some(self.modified_ms);
        if same { number("offset").unwrap_or(0) } else { 0 }
    }

    fn headers(&self, input: &Path, offset: i64) -> Headers {
        let mut headers = Headers::new();
        let stem = self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let parent = self.path.parent();
        let folder =
            parent.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let relative =
            parent.and_then(|parent| parent.strip_prefix(input).ok()).filter(|path| !path.as_os_str().is_empty());
        let text = |text: String| (Schema::STRING, Value::from(text));
        let mut add = |name: &str, (schema, value): (Schema, Value)| {
            // Each fits its schema by its making.
            headers.add(name, Some(schema), value).unwrap_or_default();
        };
        add("file.name", text(self.name.clone()));
        add("file.name.without.extension", text(stem));
        add("file.path", text(self.path.display().to_string()));
        add("file.parent.dir.name", text(folder));
        add("file.length", (Schema::INT64, i64::try_from(self.size).unwrap_or(i64::MAX).into()));
        add("file.offset", (Schema::INT64, offset.into()));
        add("file.last.modified", (logical::timestamp(), Value::Date(self.modified_ms)));
        if let Some(relative) = relative {
            add("file.relative.path", text(relative.display().to_string()));
        }
        headers
    }

    /// `yyyy-MM-dd` of its last change, UTC.
    fn day(&self) -> String {
        let (year, month, day) = civil_from_days(self.modified_ms.div_euclid(logical::MILLIS_PER_DAY));
        format!("{year:04}-{month:02}-{day:02}")
    }

    fn move_into(&self, folder: &Path) -> Result<()> {
        let moved = fs::create_dir_all(folder).and_then(|()| fs::rename(&self.path, folder.join(&self.name)));
        moved.map_err(|error| self.stuck(&format!("moving to {}", folder.display()), error))
    }

    fn stuck(&self, what: &str, error: io::Error) -> ConnectError {
        let message = format!("{what}: {}: {error}. Everything that was read of it was delivered", self.path.display());
        ConnectError::connect(message).with_source(error)
    }
}

fn reversed(ordering: std::cmp::Ordering, descending: bool) -> std::cmp::Ordering {
    if descending { ordering.reverse() } else { ordering }
}

fn modified_ms(metadata: &Metadata) -> i64 {
    let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
    modified.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
