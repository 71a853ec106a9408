//! Messages of the formats 0 and 1, which topics of before Kafka 0.11 may still hold.

use bytes::{Buf, Bytes};

use super::compression::Codec;

/// One message out of a set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) offset: i64,
    /// Format 0 has none.
    pub(crate) timestamp_ms: Option<i64>,
    /// Whether the broker set it.
    pub(crate) is_log_append_time: bool,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
}

/// The message at `offset`, or those that it holds when it is compressed.
///
/// # Errors
/// Bytes that are damaged: what is wrong with them.
pub(super) fn read(offset: i64, bytes: Bytes) -> Result<Vec<Message>, String> {
    let (outer, codec) = message(offset, bytes)?;
    if codec == Codec::None {
        return Ok(vec![outer]);
    }
    let place = |error: String| format!("the message at offset {offset}: {error}");
    let mut inner = codec.open(outer.value.unwrap_or_default()).map_err(place)?;
    let mut messages = Vec::new();
    while inner.has_remaining() {
        let ends = || format!("the message at offset {offset} ends within one that it holds");
        let inner_offset = inner.try_get_i64().map_err(|_| ends())?;
        let length = inner.try_get_i32().ok().and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|length| *length <= inner.len()).ok_or_else(ends)?;
        let (mut held, codec) = message(inner_offset, inner.split_to(length))?;
        if codec != Codec::None {
            return Err(format!("the message at offset {offset} holds one that is compressed again"));
        }
        if outer.is_log_append_time {
            (held.timestamp_ms, held.is_log_append_time) = (outer.timestamp_ms, true);
        }
        messages.push(held);
    }
    // Format 1 counts from the first message of the set, and the set has the offset of its last.
    if outer.timestamp_ms.is_some() {
        let last = messages.last().map_or(0, |message| message.offset);
        messages
            .iter_mut()
            .for_each(|message| message.offset = offset.saturating_sub(last.saturating_sub(message.offset)));
    }
    Ok(messages)
}

fn message(offset: i64, mut bytes: Bytes) -> Result<(Message, Codec), String> {
    let ends = |_| format!("the message at offset {offset} ends within a field");
    let crc = bytes.try_get_u32().map_err(ends)?;
    let mut computed = flate2::Crc::new();
    computed.update(&bytes);
    if computed.sum() != crc {
        let computed = computed.sum();
        return Err(format!(
            "the message at offset {offset} is damaged: its checksum is {computed:08x}, not {crc:08x}"
        ));
    }
    let magic = bytes.try_get_i8().map_err(ends)?;
    let attributes = i16::from(bytes.try_get_i8().map_err(ends)?);
    let timestamp_ms = match magic {
        0 => None,
        _ => Some(bytes.try_get_i64().map_err(ends)?),
    };
    let mut field = || -> Result<Option<Bytes>, String> {
        let length = bytes.try_get_i32().map_err(ends)?;
        match usize::try_from(length) {
            Ok(length) if length <= bytes.len() => Ok(Some(bytes.split_to(length))),
            Err(_) if length == -1 => Ok(None),
            _ => Err(format!("the message at offset {offset} has a field of {length} bytes")),
        }
    };
    let (key, value) = (field()?, field()?);
    let codec = Codec::of(attributes).map_err(|error| format!("the message at offset {offset}: {error}"))?;
    let is_log_append_time = magic > 0 && attributes & 0x08 != 0;
    Ok((Message { offset, timestamp_ms, is_log_append_time, key, value }, codec))
}
