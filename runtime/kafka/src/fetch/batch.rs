//! Record batches (format v2) and the message sets before them, told apart and taken out of the bytes of a fetch.

use bytes::{Buf, Bytes};

use super::compression::Codec;

/// Base offset and length, which the length does not count.
const PREFIX: usize = 12;
/// Up to the first record of a batch, without the prefix.
const HEADER: usize = 49;
const MAGIC_AT: usize = 16;

/// The header of one batch, and its records as they lie in the log.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Offset that the records count from.
    pub(crate) base_offset: i64,
    /// Offset of the last record, of which compaction may have left only the number.
    pub(crate) last_offset: i64,
    /// Which leader has appended it, -1 when that is not known.
    pub(crate) leader_epoch: i32,
    /// Timestamp that the records count from.
    pub(crate) base_timestamp: i64,
    /// The latest timestamp.
    pub(crate) max_timestamp: i64,
    /// The broker's own timestamp, which then counts for all records.
    pub(crate) log_append_time: Option<i64>,
    /// The producer, -1 for none.
    pub(crate) producer_id: i64,
    /// Whether the records are part of a transaction.
    pub(crate) transactional: bool,
    /// Whether the only record ends a transaction.
    pub(crate) control: bool,
    /// How many records there are.
    pub(crate) records: usize,
    /// Its bytes are compressed with this.
    pub(crate) codec: Codec,
    /// The records, compressed or not.
    pub(crate) bytes: Bytes,
}

/// What lies at the front of the bytes.
#[derive(Debug)]
pub(super) enum Front {
    /// A batch of today's format.
    Batch(Batch),
    /// A message of the formats before it, whole, with the offset of its last record.
    Message {
        /// Offset of the message; of the last inner one when it is a compressed set.
        offset: i64,
        /// From the checksum on.
        bytes: Bytes,
    },
}

/// Takes what is at the front; `None` when there is nothing more, or the rest was cut off by the limit of the fetch.
///
/// # Errors
/// Bytes that are no batch, or are damaged: what is wrong with them.
pub(super) fn take(bytes: &mut Bytes) -> Result<Option<Front>, String> {
    let Some(length) = whole(bytes)? else {
        bytes.clear();
        return Ok(None);
    };
    let mut rest = bytes.split_to(PREFIX + length);
    let offset = rest.get_i64();
    rest.advance(4);
    match rest.get(MAGIC_AT - PREFIX).map_or(-1, |magic| *magic as i8) {
        2 => batch(offset, rest).map(Front::Batch).map(Some),
        0 | 1 => Ok(Some(Front::Message { offset, bytes: rest })),
        other => Err(format!("the format of the batch at offset {offset} is {other}, known are 0 to 2")),
    }
}

/// The last offset of every whole batch in `bytes` taken together, behind which the next fetch goes on, and the leader epoch of the last of
/// them, -1 when it has none. Looks at the headers alone.
///
/// # Errors
/// As [`take`].
pub(super) fn last(bytes: &Bytes) -> Result<Option<(i64, i32)>, String> {
    let (mut rest, mut last) = (bytes.clone(), None);
    while let Some(length) = whole(&rest)? {
        let offset = (&rest[..]).get_i64();
        let is_batch = rest.get(MAGIC_AT) == Some(&2);
        let delta = match is_batch {
            true => rest.get(23..27).map_or(0, |mut delta| delta.get_i32()),
            false => 0,
        };
        let epoch = rest.get(PREFIX..MAGIC_AT).filter(|_| is_batch).map_or(-1, |mut epoch| epoch.get_i32());
        last = Some((offset.saturating_add(delta.into()), epoch));
        rest.advance(PREFIX + length);
    }
    Ok(last)
}

/// The offset alone.
///
/// # Errors
/// As [`take`].
pub(super) fn last_offset(bytes: &Bytes) -> Result<Option<i64>, String> {
    Ok(last(bytes)?.map(|(offset, _)| offset))
}

/// The length of what is at the front, when all of it is there.
fn whole(bytes: &[u8]) -> Result<Option<usize>, String> {
    let Some(mut prefix) = bytes.get(..PREFIX) else { return Ok(None) };
    let offset = prefix.get_i64();
    let length = prefix.get_i32();
    let length = usize::try_from(length).map_err(|_| format!("the batch at offset {offset} is {length} bytes long"))?;
    Ok((bytes.len() - PREFIX >= length).then_some(length))
}

fn batch(base_offset: i64, mut bytes: Bytes) -> Result<Batch, String> {
    if bytes.len() < HEADER {
        return Err(format!("the batch at offset {base_offset} ends within its header"));
    }
    let leader_epoch = bytes.get_i32();
    bytes.advance(1);
    let crc = bytes.get_u32();
    let computed = crc32c::crc32c(&bytes);
    if crc != computed {
        return Err(format!(
            "the batch at offset {base_offset} is damaged: its checksum is {computed:08x}, not {crc:08x}"
        ));
    }
    let attributes = bytes.get_i16();
    let last_offset = base_offset.saturating_add(bytes.get_i32().max(0).into());
    let base_timestamp = bytes.get_i64();
    let max_timestamp = bytes.get_i64();
    let producer_id = bytes.get_i64();
    bytes.advance(6);
    let records = bytes.get_i32();
    let records = usize::try_from(records)
        .map_err(|_| format!("the batch at offset {base_offset} says that it has {records} records"))?;
    Ok(Batch {
        base_offset,
        last_offset,
        leader_epoch,
        base_timestamp,
        max_timestamp,
        log_append_time: (attributes & 0x08 != 0).then_some(max_timestamp),
        producer_id,
        transactional: attributes & 0x10 != 0,
        control: attributes & 0x20 != 0,
        records,
        codec: Codec::of(attributes).map_err(|error| format!("the batch at offset {base_offset}: {error}"))?,
        bytes,
    })
}
