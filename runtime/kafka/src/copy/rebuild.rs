//! Batches that are opened, and built anew with the same codec.

use std::io::{self, Write};

use bytes::{BufMut, Bytes, BytesMut};

use super::header::HEADER;
use super::parcel::{Parcel, Run};
use crate::fetch::{Batch, Codec, Message, Records};

const LOG_APPEND_TIME: i16 = 0x08;
/// Snappy in the frames that Java's library reads: its magic and two version numbers.
const XERIAL: &[u8] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
const XERIAL_BLOCK: usize = 32 * 1024;

/// A record on its way into a new batch.
struct Record<'a> {
    offset: i64,
    timestamp_ms: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    headers: &'a [(Bytes, Option<Bytes>)],
}

/// Writes one batch.
#[derive(Default)]
struct Writer {
    records: Vec<u8>,
    one: Vec<u8>,
    base_timestamp: i64,
    max_timestamp: i64,
    count: i32,
    runs: Vec<Run>,
}

impl Writer {
    fn push(&mut self, record: &Record<'_>) {
        if self.count == 0 {
            (self.base_timestamp, self.max_timestamp) = (record.timestamp_ms, record.timestamp_ms);
        }
        self.max_timestamp = self.max_timestamp.max(record.timestamp_ms);
        self.one.clear();
        self.one.push(0);
        varint(&mut self.one, record.timestamp_ms.wrapping_sub(self.base_timestamp));
        varint(&mut self.one, self.count.into());
        blob(&mut self.one, record.key);
        blob(&mut self.one, record.value);
        varint(&mut self.one, record.headers.len() as i64);
        for (name, value) in record.headers {
            blob(&mut self.one, Some(name));
            blob(&mut self.one, value.as_deref());
        }
        varint(&mut self.records, self.one.len() as i64);
        self.records.extend_from_slice(&self.one);
        self.count += 1;
        Run::add(&mut self.runs, record.offset);
    }

    /// The batch as it would lie in a log at offset 0, without a checksum: the header is written anew when it is sent.
    fn finish(self, codec: Codec, end: i64) -> Result<Option<Parcel>, String> {
        if self.count == 0 {
            return Ok(None);
        }
        let records = compress(codec, self.records).map_err(|error| format!("compressing again: {error}"))?;
        let mut batch = BytesMut::with_capacity(HEADER + records.len());
        batch.put_i64(0);
        let length = i32::try_from(HEADER - 12 + records.len());
        batch.put_i32(length.map_err(|_| format!("it becomes {} bytes", records.len()))?);
        batch.put_i32(-1);
        batch.put_u8(2);
        batch.put_u32(0);
        batch.put_i16(attributes(codec));
        batch.put_i32(self.count - 1);
        batch.put_i64(self.base_timestamp);
        batch.put_i64(self.max_timestamp);
        batch.put_i64(-1);
        batch.put_i16(-1);
        batch.put_i32(-1);
        batch.put_i32(self.count);
        batch.put_slice(&records);
        Ok(Some(Parcel::records(batch.freeze(), self.runs, self.count, end, self.max_timestamp)))
    }
}

/// Builds a batch anew without holes, from `position` on; `None` when no record is left. The parcel ends where the batch does.
///
/// # Errors
/// Bytes that are damaged.
pub(super) fn anew(header: &Batch, position: i64) -> Result<Option<Parcel>, String> {
    let mut records = Records::new(header.codec.open(header.bytes.clone())?);
    let mut writer = Writer::default();
    for _ in 0..header.records {
        let raw = records.next().map_err(|_| "it ends within a record, or has one that cannot be".to_owned())?;
        let offset = header.base_offset.saturating_add(raw.offset_delta.into());
        let timestamp_ms = match header.log_append_time {
            Some(time) => time,
            None => header.base_timestamp.saturating_add(raw.timestamp_delta),
        };
        if offset >= position {
            let (key, value) = (raw.key.as_deref(), raw.value.as_deref());
            writer.push(&Record { offset, timestamp_ms, key, value, headers: &raw.headers });
        }
    }
    writer.finish(header.codec, header.last_offset)
}

/// One batch of messages of a format before v2, from `position` on. Format 0 has no timestamps; they stay -1.
///
/// # Errors
/// A batch that becomes too large.
pub(super) fn of_messages(messages: &[Message], position: i64, end: i64) -> Result<Option<Parcel>, String> {
    let mut writer = Writer::default();
    for message in messages.iter().filter(|message| message.offset >= position) {
        writer.push(&Record {
            offset: message.offset,
            timestamp_ms: message.timestamp_ms.unwrap_or(-1),
            key: message.key.as_deref(),
            value: message.value.as_deref(),
            headers: &[],
        });
    }
    writer.finish(Codec::None, end)
}

/// Two batches of half the records each, of a parcel that has at least two.
///
/// # Errors
/// Bytes that are damaged.
pub(super) fn halves(parcel: &Parcel) -> Result<(Parcel, Parcel), String> {
    let bytes = parcel.batch();
    let attributes = i16::from_be_bytes([bytes[21], bytes[22]]);
    let time = |at: usize| -> i64 {
        let mut number = [0; 8];
        number.copy_from_slice(&bytes[at..at + 8]);
        i64::from_be_bytes(number)
    };
    let (base_timestamp, max_timestamp) = (time(27), time(35));
    let codec = Codec::of(attributes)?;
    let mut records = Records::new(codec.open(bytes.slice(HEADER..))?);
    let half = parcel.count() / 2;
    let mut first = Writer::default();
    let mut second = Writer::default();
    for (number, offset) in (0..parcel.count()).zip(parcel.offsets()) {
        let raw = records.next().map_err(|_| "it ends within a record, or has one that cannot be".to_owned())?;
        let timestamp_ms = match attributes & LOG_APPEND_TIME {
            0 => base_timestamp.saturating_add(raw.timestamp_delta),
            _ => max_timestamp,
        };
        let (key, value) = (raw.key.as_deref(), raw.value.as_deref());
        let writer = if number < half { &mut first } else { &mut second };
        writer.push(&Record { offset, timestamp_ms, key, value, headers: &raw.headers });
    }
    let middle = first.runs.last().map_or(parcel.end(), Run::last);
    let (first, second) = (first.finish(codec, middle)?, second.finish(codec, parcel.end())?);
    first.zip(second).ok_or_else(|| "it has no records to part".to_owned())
}

fn attributes(codec: Codec) -> i16 {
    match codec {
        Codec::None => 0,
        Codec::Gzip => 1,
        Codec::Snappy => 2,
        Codec::Lz4 => 3,
        Codec::Zstd => 4,
    }
}

fn compress(codec: Codec, records: Vec<u8>) -> io::Result<Vec<u8>> {
    match codec {
        Codec::None => Ok(records),
        Codec::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(&records)?;
            encoder.finish()
        }
        Codec::Snappy => {
            let mut out = XERIAL.to_vec();
            let mut encoder = snap::raw::Encoder::new();
            for block in records.chunks(XERIAL_BLOCK) {
                let block = encoder.compress_vec(block)?;
                out.put_u32(u32::try_from(block.len()).unwrap_or(u32::MAX));
                out.extend_from_slice(&block);
            }
            Ok(out)
        }
        Codec::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(&records)?;
            encoder.finish().map_err(io::Error::other)
        }
        Codec::Zstd => zstd::stream::encode_all(&records[..], 0),
    }
}

fn blob(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint(out, -1),
        Some(bytes) => {
            varint(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
    }
}

fn varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
#[path = "rebuild_tests.rs"]
mod tests;
