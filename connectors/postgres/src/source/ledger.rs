//! Which positions the server may forget: those whose records are in Kafka, with their offsets stored.

use std::collections::VecDeque;

use sluice_api::connector::CommittedRecord;

/// Batches that were given to the worker and are not done.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: VecDeque<Batch>,
    next_token: u64,
    /// Everything below is acknowledged.
    acknowledged: u64,
    /// What was acknowledged when the last flush began, so its offset is stored by the next one.
    flushing: u64,
}

#[derive(Debug)]
struct Batch {
    token: u64,
    outstanding: usize,
    /// The position that the batch completes.
    safe_lsn: u64,
}

impl Ledger {
    /// The token of the batch that is being made.
    pub(super) fn token(&self) -> u64 {
        self.next_token
    }

    /// Notes that the batch has `records` records and that everything up to `safe_lsn` is in it or in an earlier one.
    pub(super) fn add(&mut self, records: usize, safe_lsn: u64) {
        if records > 0 {
            self.open.push_back(Batch { token: self.next_token, outstanding: records, safe_lsn });
            self.next_token += 1;
            return;
        }
        match self.open.back_mut() {
            Some(last) => last.safe_lsn = last.safe_lsn.max(safe_lsn),
            None => self.acknowledged = self.acknowledged.max(safe_lsn),
        }
    }

    /// Notes records that are done.
    pub(super) fn done(&mut self, records: &[CommittedRecord]) {
        for record in records {
            let first = self.open.front().map_or(0, |batch| batch.token);
            let place = record.token.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            if let Some(batch) = place.and_then(|at| self.open.get_mut(at)) {
                batch.outstanding = batch.outstanding.saturating_sub(1);
            }
        }
        while self.open.front().is_some_and(|batch| batch.outstanding == 0) {
            if let Some(batch) = self.open.pop_front() {
                self.acknowledged = self.acknowledged.max(batch.safe_lsn);
            }
        }
    }

    /// Offsets were flushed: the position that the server may forget.
    ///
    /// Invariant 1: a record may have been acknowledged after the flush had taken its offsets, so a position is given out by the
    /// flush after the one that followed its acknowledgement.
    pub(super) fn flushed(&mut self) -> u64 {
        std::mem::replace(&mut self.flushing, self.acknowledged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(tokens: &[u64]) -> Vec<CommittedRecord> {
        tokens.iter().map(|token| CommittedRecord { token: *token, position: None }).collect()
    }

    #[test]
    fn a_position_is_given_out_when_everything_before_is_stored() {
        let mut ledger = Ledger::default();
        ledger.add(2, 10);
        ledger.add(1, 20);
        ledger.done(&done(&[1, 0]));
        assert_eq!((ledger.flushed(), ledger.flushed()), (0, 0), "a record of the first batch is outstanding");
        ledger.done(&done(&[0]));
        assert_eq!(ledger.flushed(), 0, "the flush may have begun before");
        assert_eq!(ledger.flushed(), 20);
    }

    #[test]
    fn without_records_the_position_waits_for_those_that_are_open() {
        let mut ledger = Ledger::default();
        ledger.add(0, 5);
        assert_eq!((ledger.flushed(), ledger.flushed()), (0, 5));
        ledger.add(1, 10);
        ledger.add(0, 30);
        assert_eq!(ledger.flushed(), 5);
        ledger.done(&done(&[0]));
        assert_eq!((ledger.flushed(), ledger.flushed()), (5, 30));
    }
}
