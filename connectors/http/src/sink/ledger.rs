//! What is known of the records of a batch that comes again: which are done, and how often a request was tried.
//!
//! `put` gives the worker its turn while a server wants to be left alone; the worker then delivers the same batch again, and the
//! records of it that have arrived must not be sent twice.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sluice_api::{SinkRecord, TopicPartition};

/// Where a record was read from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RecordId {
    topic: Arc<str>,
    partition: i32,
    offset: i64,
}

/// Shared by the lanes of a task, on its thread.
#[derive(Default)]
pub(super) struct Ledger {
    done: RefCell<HashSet<RecordId>>,
    retries: RefCell<HashMap<RecordId, u32>>,
}

impl RecordId {
    pub(super) fn of(record: &SinkRecord) -> Self {
        Self { topic: record.original_topic().clone(), partition: record.original_partition(), offset: record.offset }
    }
}

impl Ledger {
    pub(super) fn done(&self, record: &SinkRecord) {
        self.done.borrow_mut().insert(RecordId::of(record));
    }

    pub(super) fn is_done(&self, record: &SinkRecord) -> bool {
        let done = self.done.borrow();
        !done.is_empty() && done.contains(&RecordId::of(record))
    }

    /// How often the request that begins with this record was sent again.
    pub(super) fn retries(&self, first: &RecordId) -> u32 {
        self.retries.borrow().get(first).copied().unwrap_or(0)
    }

    pub(super) fn set_retries(&self, first: RecordId, retries: u32) {
        self.retries.borrow_mut().insert(first, retries);
    }

    /// The batch is over.
    pub(super) fn clear(&self) {
        self.done.borrow_mut().clear();
        self.retries.borrow_mut().clear();
    }

    /// Records of these partitions come again to somebody else, or to us as if for the first time.
    pub(super) fn forget(&self, partitions: &[TopicPartition]) {
        let keep = |id: &RecordId| !partitions.iter().any(|tp| tp.partition == id.partition && tp.topic == id.topic);
        self.done.borrow_mut().retain(keep);
        self.retries.borrow_mut().retain(|id, _| keep(id));
    }
}
