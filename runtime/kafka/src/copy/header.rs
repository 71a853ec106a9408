//! The header of a batch, written anew for another log.

use bytes::{BufMut, BytesMut};

/// Length of the header, up to the first record.
pub(super) const HEADER: usize = 61;
const ATTRIBUTES_AT: usize = 21;
const PRODUCER_AT: usize = 43;
/// Behind producer id, epoch and sequence.
const COUNT_AT: usize = 57;
/// Transactional, and the delete horizon: the base timestamp stays what deltas count from.
const NOT_COPIED: i16 = 0x10 | 0x40;

/// Who a producer is to a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) id: i64,
    pub(super) epoch: i16,
}

/// Writes the header of `batch` to `out` as `identity` sends it with this sequence. The rest of the batch, from [`HEADER`] on, is sent as it is.
/// `batch` is a whole batch of format 2, checked before.
pub(super) fn write(out: &mut BytesMut, batch: &[u8], identity: Identity, sequence: i32) {
    let start = out.len();
    out.put_i64(0);
    out.put_slice(&batch[8..12]);
    // No leader epoch: the target's leader writes its own.
    out.put_i32(-1);
    out.put_u8(2);
    let crc_at = out.len();
    out.put_u32(0);
    out.put_i16(i16::from_be_bytes([batch[ATTRIBUTES_AT], batch[ATTRIBUTES_AT + 1]]) & !NOT_COPIED);
    out.put_slice(&batch[ATTRIBUTES_AT + 2..PRODUCER_AT]);
    out.put_i64(identity.id);
    out.put_i16(identity.epoch);
    out.put_i32(sequence);
    out.put_slice(&batch[COUNT_AT..HEADER]);
    let of_header = crc32c::crc32c(&out[start + ATTRIBUTES_AT..start + HEADER]);
    let crc = crc32c::crc32c_append(of_header, &batch[HEADER..]);
    out[crc_at..crc_at + 4].copy_from_slice(&crc.to_be_bytes());
}
