//! The topic with the records of all source tasks, and the offsets that they store.
//!
//! The input of a task is the numbers from 0 on. A delivery is a range of them; what is in the topic is a prefix of the input, or
//! something was lost.

use std::collections::BTreeMap;

use sluice_storage::ConnectorTaskId;

/// What is known of one task's input.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Input {
    /// So many records are in the topic without a gap.
    pub(super) delivered: u64,
    /// The stored offset: the next record to read.
    pub(super) committed: u64,
    /// The largest offset ever stored.
    pub(super) furthest: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct RecordTopic {
    inputs: BTreeMap<ConnectorTaskId, Input>,
}

impl RecordTopic {
    pub(super) fn input(&self, id: &ConnectorTaskId) -> Input {
        self.inputs.get(id).copied().unwrap_or_default()
    }

    /// Records `first..end` arrive. Invariant 1, seen from the log: nobody goes on behind a gap.
    pub(super) fn deliver(&mut self, id: &ConnectorTaskId, first: u64, end: u64) -> Result<(), String> {
        let input = self.inputs.entry(id.clone()).or_default();
        if first > input.delivered {
            return Err(format!(
                "records {}..{first} of {id} are lost: the next delivery is {first}..{end}",
                input.delivered
            ));
        }
        input.delivered = input.delivered.max(end);
        Ok(())
    }

    /// An offset is stored. Invariant 1: everything before it is in the topic.
    pub(super) fn commit(&mut self, id: &ConnectorTaskId, offset: u64) -> Result<(), String> {
        let input = self.inputs.entry(id.clone()).or_default();
        if offset > input.delivered {
            return Err(format!(
                "offset {offset} of {id} is stored before records {}..{offset} were acknowledged",
                input.delivered
            ));
        }
        input.committed = offset;
        input.furthest = input.furthest.max(offset);
        Ok(())
    }
}
