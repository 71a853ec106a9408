//! One topic partition: its open objects, when they are complete, and how far offsets may be committed.

use std::collections::VecDeque;

use indexmap::IndexMap;
use sluice_api::{Result, SinkRecord};

use super::config::SinkConfig;
use super::file::OpenFile;
use super::upload::{Job, Multipart, Uploader};
use crate::client::Failure;
use crate::partitioner::{Partitioner, record_error};

/// What all partitions of a task share.
pub(crate) struct Shared {
    pub(crate) config: SinkConfig,
    pub(crate) partitioner: Partitioner,
    pub(crate) uploader: Uploader,
    /// The clock at the beginning of this put.
    pub(crate) now_ms: i64,
    /// The number of this put.
    pub(crate) put: u64,
    pub(crate) part_bytes: usize,
    /// The folder of the record in hand.
    pub(crate) folder: String,
}

/// The objects of a topic partition. A rotation completes all of them and leaves this as new, so what follows depends on the
/// records after it alone.
#[derive(Default)]
pub(crate) struct PartitionWriter {
    /// By folder.
    files: IndexMap<String, OpenFile>,
    /// The place in `files` of the last record.
    current: usize,
    /// Records in the open objects.
    records: u64,
    /// Bytes before compression in the open objects, kept when a size is set.
    bytes: u64,
    /// The time of the first record in the open objects.
    first_timestamp_ms: Option<i64>,
    tombstones: bool,
    /// Of the first record in the open objects.
    head_offset: i64,
    last_offset: i64,
    /// When the schedule rotates next.
    scheduled_ms: Option<i64>,
    last_write_ms: i64,
    /// Rotations that are on their way, oldest first.
    rotated: VecDeque<Rotated>,
    /// The next offset to commit: everything before it is in complete objects.
    committable: Option<i64>,
    /// The first record since the partition was assigned.
    first_offset: Option<i64>,
    /// Where the task has asked to be taken back to, until a record comes from there: what was read beyond is in no object.
    replay_from: Option<i64>,
}

/// The objects of one rotation.
struct Rotated {
    /// The offset after its last record.
    next_offset: i64,
    jobs: Vec<Job<()>>,
}

impl PartitionWriter {
    /// A writer for a partition that is to be read again from `offset`.
    pub(crate) fn replaying_from(offset: i64) -> Self {
        Self { replay_from: Some(offset), committable: Some(offset), ..Self::default() }
    }

    /// Takes a record; completes objects before or after it.
    ///
    /// # Errors
    /// `Data`: the record is at fault and in no object. Anything else ends the task.
    pub(crate) fn write(&mut self, record: &SinkRecord, shared: &mut Shared) -> Result<()> {
        self.first_offset.get_or_insert(record.offset);
        self.replay_from = None;
        let mut timestamp_ms = self.place(record, shared)?;
        if self.records > 0 && self.ends_before(record, timestamp_ms, shared)? {
            self.rotate(shared)?;
            // The folder in hand may be that of another partition, as long as objects were open here.
            timestamp_ms = self.place(record, shared)?;
        }
        self.append(record, shared)?;
        if self.records == 0 {
            self.first_timestamp_ms = timestamp_ms;
            self.tombstones = shared.config.is_tombstone(record);
        }
        self.records += 1;
        self.last_offset = record.offset;
        self.last_write_ms = shared.now_ms;
        if self.ends_after(shared) {
            self.rotate(shared)?;
        }
        Ok(())
    }

    /// The folder into `shared.folder`, and the time that `rotate.interval.ms` goes by.
    fn place(&mut self, record: &SinkRecord, shared: &mut Shared) -> Result<Option<i64>> {
        if shared.config.is_tombstone(record) {
            shared.folder.clone_from(&shared.config.tombstone_folder);
            return Ok(None);
        }
        // The same folder for all: nothing to find out again.
        if self.records > 0 && !self.tombstones && shared.partitioner.is_constant() {
            return Ok(None);
        }
        shared.partitioner.encode(record, shared.now_ms, &mut shared.folder)?;
        if shared.config.rotation.interval_ms.is_none() {
            return Ok(None);
        }
        shared.partitioner.timestamp_ms(record, shared.now_ms)
    }

    /// Whether the open objects are complete without `record`.
    fn ends_before(&self, record: &SinkRecord, timestamp_ms: Option<i64>, shared: &Shared) -> Result<bool> {
        let rotation = &shared.config.rotation;
        if shared.config.is_tombstone(record) != self.tombstones {
            return Ok(true);
        }
        let constant = !shared.config.is_tombstone(record) && shared.partitioner.is_constant();
        let file = match constant {
            true => self.files.get_index(self.current).map(|(_, file)| file),
            false => self.files.get(&shared.folder),
        };
        if let Some(file) = file
            && ((!shared.config.is_tombstone(record)
                && shared.config.compatibility.ends_file(record, file.schema.as_ref())?)
                || (shared.config.splits_on_key_schema
                    && !record.key.is_null()
                    && file.key_schema != record.key_schema)
                || rotation.file_records.is_some_and(|limit| file.records() >= limit))
        {
            return Ok(true);
        }
        if let (Some(interval_ms), Some(now_ms), Some(first_ms)) =
            (rotation.interval_ms, timestamp_ms, self.first_timestamp_ms)
        {
            let current = self.files.get_index(self.current).map(|(folder, _)| folder);
            let moved = rotation.on_folder_change && current.is_some_and(|folder| *folder != shared.folder);
            if moved || now_ms.saturating_sub(first_ms) >= interval_ms {
                return Ok(true);
            }
        }
        let too_many = rotation.open_files.is_some_and(|limit| file.is_none() && self.files.len() >= limit);
        Ok(too_many)
    }

    fn ends_after(&self, shared: &Shared) -> bool {
        let rotation = &shared.config.rotation;
        self.records >= rotation.records || rotation.bytes.is_some_and(|limit| self.bytes >= limit)
    }

    fn append(&mut self, record: &SinkRecord, shared: &mut Shared) -> Result<()> {
        if self.records == 0 {
            self.head_offset = record.offset;
        }
        if shared.config.keeps_latest {
            return self.replace(record, shared);
        }
        let constant = self.records > 0 && !shared.config.is_tombstone(record) && shared.partitioner.is_constant();
        if !constant {
            let known = self.files.get_index(self.current).is_some_and(|(folder, _)| *folder == shared.folder);
            if !known {
                self.current = self.open(record, shared)?;
            }
        }
        let Some((_, file)) = self.files.get_index_mut(self.current) else {
            return Err(record_error(record, "has no open object: this is a mistake in the connector"));
        };
        let before = shared.config.rotation.bytes.map(|_| file.written_bytes());
        let appended = file.append(record, &shared.uploader);
        file.last_put = shared.put;
        self.bytes += before.map_or(0, |before| file.written_bytes() - before);
        if appended.is_err() && file.is_empty() {
            // An object without records must not be written.
            self.files.swap_remove_index(self.current);
            self.current = 0;
        }
        appended
    }

    /// The record takes the place of the last one of its group, which stays when this one does not fit.
    fn replace(&mut self, record: &SinkRecord, shared: &Shared) -> Result<()> {
        // In one piece: an upload that was begun could not be taken back.
        let place = (shared.folder.as_str(), self.head_offset);
        let mut file = OpenFile::new(record, place, &shared.config, usize::MAX)?;
        file.append(record, &shared.uploader)?;
        file.last_put = shared.put;
        self.files.insert(shared.folder.clone(), file);
        Ok(())
    }

    fn open(&mut self, record: &SinkRecord, shared: &Shared) -> Result<usize> {
        if let Some(at) = self.files.get_index_of(&shared.folder) {
            return Ok(at);
        }
        if shared.config.keys.is_some() && record.key.is_null() {
            return Err(record_error(record, "has no key, and `store.kafka.keys` is true"));
        }
        let place = (shared.folder.as_str(), self.head_offset);
        let file = OpenFile::new(record, place, &shared.config, shared.part_bytes)?;
        Ok(self.files.insert_full(shared.folder.clone(), file).0)
    }

    /// Completes all open objects; they are sent beside what follows.
    ///
    /// # Errors
    /// `Connect`.
    fn rotate(&mut self, shared: &Shared) -> Result<()> {
        let mut jobs = Vec::with_capacity(self.files.len());
        for (_, file) in self.files.drain(..) {
            jobs.extend(file.finish(&shared.uploader, shared.config.tagging.as_ref())?);
        }
        self.rotated.push_back(Rotated { next_offset: self.last_offset + 1, jobs });
        (self.current, self.records, self.bytes, self.first_timestamp_ms) = (0, 0, 0, None);
        Ok(())
    }

    /// Completes the objects because offsets are to be committed. Objects that replace each other are sent one after another.
    ///
    /// # Errors
    /// `Connect`.
    pub(crate) fn end_for_commit(&mut self, shared: &Shared) -> Result<()> {
        let waits = shared.config.keeps_latest && self.has_rotated();
        if self.records > 0 && !waits { self.rotate(shared) } else { Ok(()) }
    }

    /// Rotates when the clock or silence says so.
    ///
    /// # Errors
    /// `Connect`.
    pub(crate) fn tick(&mut self, shared: &Shared) -> Result<()> {
        let rotation = &shared.config.rotation;
        let mut due = false;
        if let Some(schedule) = &rotation.schedule {
            let next = *self.scheduled_ms.get_or_insert_with(|| schedule.next_ms(shared.now_ms));
            if shared.now_ms >= next {
                self.scheduled_ms = Some(schedule.next_ms(shared.now_ms));
                due = true;
            }
        }
        due |= rotation.idle_ms.is_some_and(|idle_ms| shared.now_ms - self.last_write_ms >= idle_ms);
        if due && self.records > 0 { self.rotate(shared) } else { Ok(()) }
    }

    /// Notes which rotations are complete. In order: an object that is complete behind one that is not does not count yet.
    ///
    /// # Errors
    /// The first failure of an object.
    pub(crate) async fn settle(&mut self) -> Result<(), Failure> {
        while let Some(oldest) = self.rotated.front_mut() {
            if !oldest.jobs.iter().all(Job::is_finished) {
                // One that failed is not waited for with the others.
                return oldest.failure().await;
            }
            for job in oldest.jobs.drain(..) {
                job.await?;
            }
            // Invariant 2: offsets follow complete objects.
            self.committable = Some(oldest.next_offset);
            self.rotated.pop_front();
        }
        Ok(())
    }

    /// Waits until everything that was rotated is complete.
    ///
    /// # Errors
    /// As for [`PartitionWriter::settle`].
    pub(crate) async fn complete(&mut self) -> Result<(), Failure> {
        while let Some(oldest) = self.rotated.front_mut() {
            while let Some(job) = oldest.jobs.last_mut() {
                job.await?;
                oldest.jobs.pop();
            }
            self.committable = Some(oldest.next_offset);
            self.rotated.pop_front();
        }
        Ok(())
    }

    /// The next offset to commit. `consumed` is the next one to read: when no object is open or on its way, what lies between
    /// was not for objects (ignored, sent to the dead letter queue, dropped by a transform).
    pub(crate) fn committable(&self, consumed: i64) -> Option<i64> {
        match self.replay_from {
            Some(offset) => Some(offset.min(consumed)),
            None if self.records == 0 && self.rotated.is_empty() => Some(consumed),
            None => self.committable,
        }
    }

    /// The first offset that is in no complete object.
    pub(crate) fn restart_at(&self) -> Option<i64> {
        self.committable.or(self.first_offset)
    }

    pub(crate) fn has_rotated(&self) -> bool {
        !self.rotated.is_empty()
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &OpenFile> {
        self.files.values()
    }

    pub(crate) fn files_mut(&mut self) -> impl Iterator<Item = &mut OpenFile> {
        self.files.values_mut()
    }

    /// Gives everything up that is not complete; returns what there is to abort.
    pub(crate) fn give_up(self) -> Vec<Multipart> {
        self.files.into_values().flat_map(OpenFile::into_multiparts).collect()
    }
}

impl Rotated {
    async fn failure(&mut self) -> Result<(), Failure> {
        for at in (0..self.jobs.len()).rev() {
            if self.jobs[at].is_finished() {
                self.jobs.swap_remove(at).await?;
            }
        }
        Ok(())
    }
}
