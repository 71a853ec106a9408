//! One batch on its way, and the source offsets that it stands for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::fetch::Lineage;

/// Source offsets of neighbouring records without a hole between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: i64,
    pub(super) count: i32,
}

impl Run {
    pub(super) fn last(&self) -> i64 {
        self.first + i64::from(self.count) - 1
    }

    /// Adds the offset of the next record.
    pub(super) fn add(runs: &mut Vec<Run>, offset: i64) {
        match runs.last_mut().filter(|run| run.last() + 1 == offset) {
            Some(run) => run.count += 1,
            None => runs.push(Run { first: offset, count: 1 }),
        }
    }
}

/// What has become of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Never sent, or to be sent again.
    Waiting,
    /// In a request that has no answer yet.
    UnderWay,
    /// Acknowledged, with the offset of its first record when the target told it. Parcels without records are born so.
    Done(Option<i64>),
}

/// One batch, or a stretch of the source log without records for the target.
#[derive(Debug)]
pub(super) struct Parcel {
    /// Whole, of format 2; empty for a stretch without records.
    batch: Bytes,
    /// In which order its records lie in the source.
    runs: Vec<Run>,
    count: i32,
    /// Last source offset that it covers, markers and holes included.
    end: i64,
    max_timestamp: i64,
    pub(super) state: State,
    /// Given at the first sending.
    pub(super) sequence: Option<i32>,
    /// It was sent, and whether it was appended is not known.
    pub(super) is_unresolved: bool,
    /// The target has refused it as too large.
    pub(super) is_too_large: bool,
    /// Which one it is.
    pub(super) number: u64,
    /// The log that it was read from.
    pub(super) lineage: Lineage,
    /// Counts while the parcel lives.
    pub(super) held: Option<Arc<Held>>,
}

impl Parcel {
    pub(super) fn records(batch: Bytes, runs: Vec<Run>, count: i32, end: i64, max_timestamp: i64) -> Self {
        Self {
            batch,
            runs,
            count,
            end,
            max_timestamp,
            state: State::Waiting,
            sequence: None,
            is_unresolved: false,
            is_too_large: false,
            number: 0,
            lineage: Lineage::UNKNOWN,
            held: None,
        }
    }

    /// A stretch that is passed over.
    pub(super) fn passed(end: i64) -> Self {
        Self { state: State::Done(None), ..Self::records(Bytes::new(), Vec::new(), 0, end, -1) }
    }

    pub(super) fn batch(&self) -> &Bytes {
        &self.batch
    }

    pub(super) fn runs(&self) -> &[Run] {
        &self.runs
    }

    pub(super) fn count(&self) -> i32 {
        self.count
    }

    pub(super) fn end(&self) -> i64 {
        self.end
    }

    pub(super) fn max_timestamp(&self) -> i64 {
        self.max_timestamp
    }

    /// Source offsets of its records.
    pub(super) fn offsets(&self) -> impl Iterator<Item = i64> + '_ {
        self.runs.iter().flat_map(|run| run.first..=run.last())
    }
}

/// Bytes of one answer that parcels still have slices of; they count until the last is gone.
#[derive(Debug)]
pub(super) struct Held {
    bytes: usize,
    total: Arc<AtomicUsize>,
}

impl Held {
    pub(super) fn new(bytes: usize, total: &Arc<AtomicUsize>) -> Self {
        total.fetch_add(bytes, Ordering::Relaxed);
        Self { bytes, total: Arc::clone(total) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
