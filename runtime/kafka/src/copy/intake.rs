//! From answers to parcels: which batches go as they are, which are opened, which are passed over.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::lane::Lane;
use super::parcel::{Held, Parcel, Run};
use super::rebuild;
use crate::error::{Error, ErrorKind};
use crate::fetch::{Batch, Chunk, Lineage, Whole};

/// Appends what an answer brought of the lane's partition to its queue. The reader goes on at `position`.
///
/// # Errors
/// Bytes that are damaged: named, with the partition and the offset.
pub(super) fn take(lane: &mut Lane, position: i64, mut chunk: Chunk, total: &Arc<AtomicUsize>) -> Result<(), Error> {
    let held = Arc::new(Held::new(chunk.len(), total));
    let source = lane.source.clone();
    while let Some(whole) = chunk.next_whole(&source)? {
        let mut lineage = Lineage { topic_id: chunk.topic_id(), leader_epoch: -1 };
        let (end, parcel) = match whole {
            Whole::Passed { end, leader_epoch } => {
                lineage.leader_epoch = leader_epoch;
                (end, Ok(None))
            }
            Whole::Messages { messages, end } => (end, rebuild::of_messages(&messages, position, end)),
            Whole::Batch { header, bytes } if is_as_it_goes(&header, position) => {
                let count = i32::try_from(header.records).unwrap_or(i32::MAX);
                let runs = vec![Run { first: header.base_offset, count }];
                let parcel = Parcel::records(bytes, runs, count, header.last_offset, header.max_timestamp);
                lineage.leader_epoch = header.leader_epoch;
                (header.last_offset, Ok(Some(parcel)))
            }
            Whole::Batch { header, .. } => {
                lineage.leader_epoch = header.leader_epoch;
                (header.last_offset, rebuild::anew(&header, position))
            }
        };
        let damaged =
            |reason| Error::new(ErrorKind::CorruptRecord, format!("{source}: the batch up to offset {end}: {reason}"));
        let is_passed = end >= position;
        let mut parcel = match parcel.map_err(damaged)? {
            Some(parcel) => parcel,
            None if is_passed => Parcel::passed(end),
            None => continue,
        };
        parcel.lineage = lineage;
        if parcel.count() > 0 {
            parcel.held = Some(Arc::clone(&held));
        }
        lane.push(parcel);
    }
    Ok(())
}

/// Whether a broker takes the batch from a producer without anybody having opened it: no holes, nothing before the position, the
/// producers' own timestamps.
fn is_as_it_goes(header: &Batch, position: i64) -> bool {
    let span = header.last_offset.saturating_sub(header.base_offset).saturating_add(1);
    header.records > 0
        && i64::try_from(header.records) == Ok(span)
        && header.base_offset >= position
        && header.log_append_time.is_none()
}
