//! Turns librdkafka's messages into records without an allocation for each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rdkafka::message::{BorrowedMessage, Headers, Message, Timestamp};

use super::record::{ConsumerRecord, RecordHeaders, TimestampType};
use crate::error::{Error, ErrorKind};

/// Bytes that are allocated at a time.
const CHUNK: usize = 64 << 10;
/// Names (topics, header names) that are remembered. More than that are rarely in use at once.
const NAMES: usize = 64;

/// The buffer that records are copied into, and the names that they share.
#[derive(Default)]
pub(super) struct Arena {
    buffer: BytesMut,
    names: Vec<Arc<str>>,
}

impl Arena {
    /// # Errors
    /// A header whose name is not UTF-8.
    pub(super) fn record(&mut self, message: &BorrowedMessage<'_>) -> Result<ConsumerRecord, Error> {
        let (timestamp_type, timestamp_ms) = match message.timestamp() {
            Timestamp::NotAvailable => (TimestampType::None, None),
            Timestamp::CreateTime(ms) => (TimestampType::CreateTime, Some(ms)),
            Timestamp::LogAppendTime(ms) => (TimestampType::LogAppendTime, Some(ms)),
        };
        Ok(ConsumerRecord {
            topic: self.name(message.topic()),
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms,
            timestamp_type,
            key: message.key().map(|key| self.copy(key)),
            value: message.payload().map(|value| self.copy(value)),
            headers: self.headers(message)?,
        })
    }

    fn headers(&mut self, message: &BorrowedMessage<'_>) -> Result<RecordHeaders, Error> {
        let Some(headers) = message.headers() else { return Ok(Vec::new()) };
        let mut copied = Vec::with_capacity(headers.count());
        for index in 0..headers.count() {
            // The client library panics on a name that is not UTF-8; one record must not take the task's thread with
            // it.
            let header = catch_unwind(AssertUnwindSafe(|| headers.get(index))).map_err(|_| {
                let message = format!(
                    "header {index} of the record at {}-{} offset {} has a name that is not UTF-8",
                    message.topic(),
                    message.partition(),
                    message.offset()
                );
                Error::new(ErrorKind::CorruptRecord, message)
            })?;
            copied.push((self.name(header.key), header.value.map(|value| self.copy(value))));
        }
        Ok(copied)
    }

    fn copy(&mut self, bytes: &[u8]) -> Bytes {
        if self.buffer.capacity() - self.buffer.len() < bytes.len() {
            // Takes the old buffer again when nobody holds a record in it any more.
            self.buffer.reserve(bytes.len().max(CHUNK));
        }
        self.buffer.extend_from_slice(bytes);
        self.buffer.split().freeze()
    }

    /// Records of one topic follow one another, so the name in use moves to the front.
    fn name(&mut self, name: &str) -> Arc<str> {
        match self.names.iter().position(|known| &**known == name) {
            Some(0) => {}
            Some(position) => self.names.swap(0, position),
            None => {
                self.names.truncate(NAMES - 1);
                self.names.insert(0, name.into());
            }
        }
        Arc::clone(&self.names[0])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Arena, CHUNK, NAMES};

    #[test]
    fn equal_names_share_one_string() {
        let mut arena = Arena::default();
        let first = arena.name("a");
        assert_eq!(&*arena.name("b"), "b");
        assert!(Arc::ptr_eq(&first, &arena.name("a")));
        for number in 0..3 * NAMES {
            assert_eq!(*arena.name(&number.to_string()), *number.to_string());
        }
        assert!(arena.names.len() <= NAMES);
    }

    #[test]
    fn copies_stay_what_they_were() {
        let mut arena = Arena::default();
        let texts: Vec<Vec<u8>> = (0..3000_usize).map(|n| vec![n as u8; n % 97]).chain([vec![7; 3 * CHUNK]]).collect();
        let copies: Vec<_> = texts.iter().map(|text| arena.copy(text)).collect();
        assert_eq!(copies, texts);
    }
}
