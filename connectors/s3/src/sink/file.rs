//! The objects that grow together: values and, where they are stored, keys and headers of the same records.

use std::collections::HashMap;

use sluice_api::{Result, Schema, SinkRecord};

use super::compatibility::{Compatibility, project};
use super::config::{SinkConfig, Tagging};
use super::names::Part;
use super::object::ObjectWriter;
use super::spill::{Refused, SpillFolder};
use super::upload::{Job, Multipart, Uploader};
use crate::client::Failure;
use crate::format::Format;
use crate::partitioner::record_error;

/// The open objects of one folder of one topic partition.
pub(crate) struct OpenFile {
    /// `None` for tombstones, of which keys and headers alone are stored.
    values: Option<ObjectWriter>,
    keys: Option<ObjectWriter>,
    headers: Option<ObjectWriter>,
    /// The schema of the values.
    pub(crate) schema: Option<Schema>,
    /// The schema of the keys.
    pub(crate) key_schema: Option<Schema>,
    first_offset: i64,
    last_offset: i64,
    records: u64,
    /// The put in which it was written to last: the oldest are spilled first.
    pub(crate) last_put: u64,
    /// Whether values of other schemas get the form of the first one's.
    projects: bool,
}

impl OpenFile {
    /// Objects whose first record is `record`, still empty.
    ///
    /// # Errors
    /// `Data` when a format has no place for the record's schema.
    pub(crate) fn new(
        record: &SinkRecord,
        (folder, head): (&str, i64),
        config: &SinkConfig,
        part_bytes: usize,
    ) -> Result<Self> {
        let object = |part, format: &Format, schema: Option<&Schema>| {
            let key = config.names.object(record, folder, head, part, &config.extension(format));
            let encoder = if part == Part::Values { format.encoder_of(record)? } else { format.encoder(schema)? };
            Ok(ObjectWriter::new(key, encoder, config.compressor_of(format), part_bytes))
        };
        let values = (!config.is_tombstone(record)).then_some(&config.values);
        let keys = config.keys.as_ref().filter(|_| !record.key.is_null());
        Ok(Self {
            values: values.map(|format| object(Part::Values, format, record.value_schema.as_ref())).transpose()?,
            keys: keys.map(|format| object(Part::Keys, format, record.key_schema.as_ref())).transpose()?,
            headers: config.headers.as_ref().map(|format| object(Part::Headers, format, None)).transpose()?,
            schema: record.value_schema.clone(),
            key_schema: record.key_schema.clone(),
            first_offset: record.offset,
            last_offset: record.offset,
            records: 0,
            last_put: 0,
            projects: config.compatibility != Compatibility::Ignored,
        })
    }

    /// Appends a record to all of its objects, or to none.
    ///
    /// # Errors
    /// `Data`: the record does not fit, the objects are as before. `Connect`: they cannot be gone on with.
    pub(crate) fn append(&mut self, record: &SinkRecord, uploader: &Uploader) -> Result<()> {
        if let Some(keys) = &mut self.keys {
            if record.key.is_null() {
                return Err(record_error(record, "has no key, and `store.kafka.keys` is true"));
            }
            keys.append(record.key_schema.as_ref(), &record.key)?;
        }
        self.append_headers(record).inspect_err(|_| undo(&mut self.keys))?;
        if let Some(values) = &mut self.values {
            append_value(values, self.schema.as_ref(), record, self.projects).inspect_err(|_| {
                undo(&mut self.keys);
                undo(&mut self.headers);
            })?;
        }
        self.records += 1;
        self.last_offset = record.offset;
        self.objects_mut().try_for_each(|object| object.advance(uploader))
    }

    fn append_headers(&mut self, record: &SinkRecord) -> Result<()> {
        let Some(headers) = &mut self.headers else { return Ok(()) };
        if record.headers.is_empty() {
            return Err(record_error(record, "has no headers, and `store.kafka.headers` is true"));
        }
        headers.append_headers(&record.headers)
    }

    /// Completes the objects.
    ///
    /// # Errors
    /// `Connect`.
    pub(crate) fn finish(self, uploader: &Uploader, tagging: Option<&Tagging>) -> Result<Vec<Job<()>>> {
        let tags = tagging.map(|tagging| (tagging.fails, self.tags(tagging)));
        let objects = [self.values, self.keys, self.headers].into_iter().flatten();
        let finish = |object: ObjectWriter| {
            let key = object.key().to_owned();
            let job = object.finish(uploader)?;
            Ok(match &tags {
                None => job,
                Some((fails, tags)) => tagged(job, uploader.clone(), key, tags.clone(), *fails),
            })
        };
        objects.map(finish).collect()
    }

    fn tags(&self, tagging: &Tagging) -> Vec<(String, String)> {
        let own = [
            ("startOffset", self.first_offset.to_string()),
            ("endOffset", self.last_offset.to_string()),
            ("recordCount", self.records.to_string()),
        ];
        // A pair of the user's with one of these names takes its place: a name may be there once.
        let mut tags: HashMap<String, String> = own.map(|(name, value)| (name.to_owned(), value)).into();
        tags.extend(tagging.pairs.iter().cloned());
        let mut tags: Vec<_> = tags.into_iter().collect();
        tags.sort();
        tags
    }

    /// What there is to abort, when the objects are given up.
    pub(crate) fn into_multiparts(self) -> impl Iterator<Item = Multipart> {
        [self.values, self.keys, self.headers].into_iter().flatten().filter_map(ObjectWriter::into_multipart)
    }

    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Bytes of the records before compression.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.objects().map(ObjectWriter::written_bytes).sum()
    }

    /// Bytes of memory.
    pub(crate) fn held_bytes(&self) -> usize {
        self.objects().map(ObjectWriter::held_bytes).sum()
    }

    /// Bytes of memory that could go to the folder.
    pub(crate) fn spillable_bytes(&self) -> usize {
        self.objects().map(ObjectWriter::spillable_bytes).sum()
    }

    /// Moves what is in memory to the folder.
    ///
    /// # Errors
    /// The folder takes no more.
    pub(crate) fn spill(&mut self, folder: &mut SpillFolder) -> std::result::Result<(), Refused> {
        self.objects_mut().filter(|object| object.spillable_bytes() > 0).try_for_each(|object| object.spill(folder))
    }

    fn objects(&self) -> impl Iterator<Item = &ObjectWriter> {
        [&self.values, &self.keys, &self.headers].into_iter().flatten()
    }

    fn objects_mut(&mut self) -> impl Iterator<Item = &mut ObjectWriter> {
        [&mut self.values, &mut self.keys, &mut self.headers].into_iter().flatten()
    }
}

/// A value of another version of the schema, which `schema.compatibility` lets into the object, gets the object's form.
fn append_value(values: &mut ObjectWriter, schema: Option<&Schema>, record: &SinkRecord, projects: bool) -> Result<()> {
    match schema {
        Some(open) if projects && record.value_schema.as_ref() != Some(open) => {
            values.append(Some(open), &project(&record.value, open)?)
        }
        _ => values.append_record(record),
    }
}

fn undo(object: &mut Option<ObjectWriter>) {
    if let Some(object) = object {
        object.undo();
    }
}

/// Tags the object when it is there.
fn tagged(job: Job<()>, uploader: Uploader, key: String, tags: Vec<(String, String)>, fails: bool) -> Job<()> {
    Job::spawn(async move {
        job.await?;
        match uploader.store().tag(&key, &tags).await {
            Err(Failure { error, .. }) if !fails => {
                tracing::warn!(key, %error, "the object is written but not tagged");
                Ok(())
            }
            tagged => tagged,
        }
    })
}
