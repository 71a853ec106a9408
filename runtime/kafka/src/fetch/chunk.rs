//! What one fetch brought of a partition, read record by record.

use std::collections::HashSet;
use std::sync::Arc;
use std::vec;

use bytes::{Buf, Bytes};
use uuid::Uuid;

use super::batch::{self, Batch, Front};
use super::message_set::{self, Message};
use super::names::Names;
use super::record::{RawRecord, Records};
use crate::consumer::{ConsumerRecord, TimestampType, TopicPartition};
use crate::error::{Error, ErrorKind};

/// A transaction that was given up: its records from this offset on, up to its marker, are not read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aborted {
    pub(super) producer_id: i64,
    pub(super) first_offset: i64,
}

/// Batches that wait to be read. Holds the bytes of the whole answer, as do the records that come out of it.
#[derive(Debug)]
pub(crate) struct Chunk {
    bytes: Bytes,
    /// In the order of their first offsets, the last first; empty unless only what is committed is read.
    aborted: Vec<Aborted>,
    /// Producers whose transaction at this place is one of those.
    aborting: HashSet<i64>,
    open: Open,
    topic_id: Option<Uuid>,
}

/// A batch that was not opened.
#[derive(Debug)]
pub(crate) enum Whole {
    /// Its records are for the reader.
    Batch {
        /// What its header says.
        header: Batch,
        /// All of it, as it lies in the log.
        bytes: Bytes,
    },
    /// Messages of a format before it.
    Messages {
        /// The messages.
        messages: Vec<Message>,
        /// Offset of the last one, also when it is not among them.
        end: i64,
    },
    /// Nothing for the reader: a marker, or records of a transaction that was given up.
    Passed {
        /// Its last offset.
        end: i64,
        /// Which leader has appended it.
        leader_epoch: i32,
    },
}

#[derive(Debug)]
enum Open {
    Nothing,
    Batch { header: Batch, left: usize, records: Records },
    Messages { messages: vec::IntoIter<Message>, end: i64 },
}

impl Chunk {
    pub(crate) fn new(bytes: Bytes, mut aborted: Vec<Aborted>) -> Self {
        aborted.sort_unstable_by_key(|aborted| std::cmp::Reverse(aborted.first_offset));
        Self { bytes, aborted, aborting: HashSet::new(), open: Open::Nothing, topic_id: None }
    }

    pub(super) fn of_topic(mut self, id: Option<Uuid>) -> Self {
        self.topic_id = id;
        self
    }

    /// Id of the topic that was asked for, where that is known.
    pub(crate) fn topic_id(&self) -> Option<Uuid> {
        self.topic_id
    }

    /// Bytes that are not opened yet.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The next record at or after `position`, which moves behind it; behind everything when there is none.
    ///
    /// # Errors
    /// Bytes that are damaged, or a record that cannot be one here. `position` moves behind a record whose header has no name
    /// in UTF-8; behind nothing else.
    pub(super) fn next(
        &mut self,
        partition: &TopicPartition,
        position: &mut i64,
        names: &mut Names,
    ) -> Result<Option<ConsumerRecord>, Error> {
        loop {
            match &mut self.open {
                Open::Nothing => {
                    if !self.open_next(partition)? {
                        return Ok(None);
                    }
                }
                Open::Batch { header, left: 0, .. } => {
                    // Compaction and markers take offsets without a record.
                    *position = (*position).max(header.last_offset.saturating_add(1));
                    self.open = Open::Nothing;
                }
                Open::Batch { header, left, records } => {
                    let raw = records.next().map_err(|_| damaged(partition, header.base_offset))?;
                    *left -= 1;
                    let offset = header.base_offset.saturating_add(raw.offset_delta.into());
                    if offset < *position {
                        continue;
                    }
                    *position = offset.saturating_add(1);
                    return record(partition, offset, header, raw, names).map(Some);
                }
                Open::Messages { messages, end } => match messages.next() {
                    None => {
                        *position = (*position).max(end.saturating_add(1));
                        self.open = Open::Nothing;
                    }
                    Some(message) if message.offset < *position => {}
                    Some(message) => {
                        *position = message.offset.saturating_add(1);
                        return Ok(Some(from_message(partition, message)));
                    }
                },
            }
        }
    }

    /// The next batch as a whole, with what is to become of its records; `None` when nothing is left.
    ///
    /// # Errors
    /// Bytes that are damaged.
    pub(crate) fn next_whole(&mut self, partition: &TopicPartition) -> Result<Option<Whole>, Error> {
        let corrupt = |reason: String| Error::new(ErrorKind::CorruptRecord, format!("{partition}: {reason}"));
        let before = self.bytes.clone();
        let Some(front) = batch::take(&mut self.bytes).map_err(corrupt)? else { return Ok(None) };
        Ok(Some(match front {
            Front::Message { offset, bytes } => {
                let messages = message_set::read(offset, bytes).map_err(corrupt)?;
                Whole::Messages { messages, end: offset }
            }
            Front::Batch(header) if self.is_read(&header) => {
                let bytes = before.slice(..before.len() - self.bytes.len());
                Whole::Batch { header, bytes }
            }
            Front::Batch(header) => Whole::Passed { end: header.last_offset, leader_epoch: header.leader_epoch },
        }))
    }

    /// Where the next fetch goes on: behind the last whole batch. `None` when there is none, or it is damaged.
    pub(super) fn end(&self) -> Option<i64> {
        batch::last_offset(&self.bytes).ok().flatten().map(|last| last.saturating_add(1))
    }

    /// Opens what is at the front; `false` when nothing is left.
    fn open_next(&mut self, partition: &TopicPartition) -> Result<bool, Error> {
        let corrupt = |reason: String| Error::new(ErrorKind::CorruptRecord, format!("{partition}: {reason}"));
        let Some(front) = batch::take(&mut self.bytes).map_err(corrupt)? else { return Ok(false) };
        self.open = match front {
            Front::Message { offset, bytes } => {
                let messages = message_set::read(offset, bytes).map_err(corrupt)?.into_iter();
                Open::Messages { messages, end: offset }
            }
            Front::Batch(mut header) => {
                let (mut left, mut opened) = (0, Bytes::new());
                if self.is_read(&header) {
                    let place = |reason| corrupt(format!("the batch at offset {}: {reason}", header.base_offset));
                    opened = header.codec.open(std::mem::take(&mut header.bytes)).map_err(place)?;
                    left = header.records;
                }
                Open::Batch { left, records: Records::new(opened), header }
            }
        };
        Ok(true)
    }

    /// Whether the records of this batch are for the reader: not those of markers and of transactions that were given up.
    fn is_read(&mut self, header: &Batch) -> bool {
        while self.aborted.last().is_some_and(|aborted| aborted.first_offset <= header.last_offset) {
            self.aborting.extend(self.aborted.pop().map(|aborted| aborted.producer_id));
        }
        if header.control {
            if is_abort_marker(header) {
                self.aborting.remove(&header.producer_id);
            }
            return false;
        }
        !(header.transactional && self.aborting.contains(&header.producer_id))
    }
}

/// A marker's key is its version and type, 0 for an abort.
fn is_abort_marker(header: &Batch) -> bool {
    let marker = Records::new(header.bytes.clone()).next();
    marker.ok().and_then(|marker| marker.key).is_some_and(|mut key| key.len() >= 4 && key.get_i32() & 0xffff == 0)
}

fn record(
    partition: &TopicPartition,
    offset: i64,
    header: &Batch,
    raw: RawRecord,
    names: &mut Names,
) -> Result<ConsumerRecord, Error> {
    let (timestamp_type, timestamp_ms) = match header.log_append_time {
        Some(time) => (TimestampType::LogAppendTime, time),
        None => (TimestampType::CreateTime, header.base_timestamp.saturating_add(raw.timestamp_delta)),
    };
    let timestamp = Some(timestamp_ms).filter(|time| *time >= 0);
    let mut headers = Vec::with_capacity(raw.headers.len());
    for (index, (name, value)) in raw.headers.into_iter().enumerate() {
        let name = std::str::from_utf8(&name).map_err(|_| {
            let message =
                format!("header {index} of the record at {partition} offset {offset} has a name that is not UTF-8");
            Error::new(ErrorKind::CorruptRecord, message)
        })?;
        headers.push((names.shared(name), value));
    }
    Ok(ConsumerRecord {
        topic: Arc::clone(&partition.topic),
        partition: partition.partition,
        offset,
        timestamp_ms: timestamp,
        timestamp_type: if timestamp.is_some() { timestamp_type } else { TimestampType::None },
        key: raw.key,
        value: raw.value,
        headers,
    })
}

fn from_message(partition: &TopicPartition, message: Message) -> ConsumerRecord {
    let timestamp_ms = message.timestamp_ms.filter(|time| *time >= 0);
    let timestamp_type = match timestamp_ms {
        None => TimestampType::None,
        Some(_) if message.is_log_append_time => TimestampType::LogAppendTime,
        Some(_) => TimestampType::CreateTime,
    };
    ConsumerRecord {
        topic: Arc::clone(&partition.topic),
        partition: partition.partition,
        offset: message.offset,
        timestamp_ms,
        timestamp_type,
        key: message.key,
        value: message.value,
        headers: Vec::new(),
    }
}

fn damaged(partition: &TopicPartition, offset: i64) -> Error {
    let message = format!("{partition}: the batch at offset {offset} ends within a record, or has one that cannot be");
    Error::new(ErrorKind::CorruptRecord, message)
}
