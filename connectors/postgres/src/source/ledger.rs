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
    /// What was acknowledged at the last flush, and at the one before.
    flushing: [u64; 2],
}

#[derive(Debug)]
struct Batch {
    token: u64,
    outstanding: usize,
    /// The position that the batch completes.
    safe_lsn: u64,
}

impl Ledger {
    /// Positions begin anew: those of another server or timeline mean nothing.
    pub(super) fn forget_positions(&mut self) {
        (self.acknowledged, self.flushing) = (0, [0; 2]);
        self.open.iter_mut().for_each(|batch| batch.safe_lsn = 0);
    }

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

    /// Offsets were flushed: the position that the server may forget, and the furthest that a later flush may give out.
    ///
    /// Invariant 1: when the task is told of a flush, the next one may have begun and taken its offsets already. What is acknowledged
    /// now is stored for certain by the one after that, so a position is given out two flushes later.
    pub(super) fn flushed(&mut self) -> (u64, u64) {
        let [last, before] = self.flushing;
        self.flushing = [self.acknowledged, last];
        (before, self.acknowledged)
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
        assert_eq!(
            [ledger.flushed(), ledger.flushed(), ledger.flushed()],
            [(0, 0); 3],
            "a record of the first batch is outstanding"
        );
        ledger.done(&done(&[0]));
        assert_eq!(ledger.flushed(), (0, 20), "the flush may have begun before");
        assert_eq!(ledger.flushed(), (0, 20), "as may the next one");
        assert_eq!(ledger.flushed(), (20, 20));
    }

    #[test]
    fn positions_of_another_server_are_never_given_out() {
        let mut ledger = Ledger::default();
        ledger.add(0, 90);
        ledger.flushed();
        ledger.add(1, 95);
        ledger.forget_positions();
        ledger.done(&done(&[0]));
        ledger.add(0, 7);
        assert_eq!([ledger.flushed(), ledger.flushed(), ledger.flushed()], [(0, 7), (0, 7), (7, 7)]);
    }

    #[test]
    fn without_records_the_position_waits_for_those_that_are_open() {
        let mut ledger = Ledger::default();
        ledger.add(0, 5);
        assert_eq!([ledger.flushed(), ledger.flushed(), ledger.flushed()], [(0, 5), (0, 5), (5, 5)]);
        ledger.add(1, 10);
        ledger.add(0, 30);
        assert_eq!(ledger.flushed(), (5, 5), "a record is outstanding");
        ledger.done(&done(&[0]));
        assert_eq!([ledger.flushed(), ledger.flushed(), ledger.flushed()], [(5, 30), (5, 30), (30, 30)]);
    }
}
