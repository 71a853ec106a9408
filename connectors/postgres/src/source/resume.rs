//! Going on inside of a transaction: what was delivered of it is passed over.
//!
//! The stream begins again behind the last whole transaction. Rows of one statement can share a position (COPY, inserts of several
//! rows), so they are counted. Offsets of Debezium before 3.7 do not say how many there were: one row is taken as delivered, of
//! several all come again.

use bytes::Bytes;

use crate::events::{MessageType, Position};

/// What to do with an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Deliver,
    PassOver,
    /// Deliver the event that was held back, then this one.
    DeliverBoth(u64, Bytes),
}

/// The transaction that was cut off.
#[derive(Debug)]
pub(super) struct Resume {
    xid: i64,
    lsn: u64,
    events: Option<u64>,
    /// Events at `lsn` that came so far.
    seen: u64,
    held: Option<(u64, Bytes)>,
}

impl Resume {
    /// What is to be passed over from `position`; `None` when it is between transactions.
    pub(super) fn after(position: &Position) -> Option<Self> {
        let inside = position.snapshot.is_none()
            && !matches!(position.message_type, None | Some(MessageType::Begin | MessageType::Commit));
        let xid = position.tx_id.filter(|_| inside)?;
        Some(Self { xid, lsn: position.lsn, events: position.events, seen: 0, held: None })
    }

    /// Whether `xid` is the transaction that was cut off.
    pub(super) fn is_in(&self, xid: i64) -> bool {
        self.xid == xid
    }

    /// Judges an event of that transaction.
    pub(super) fn judge(&mut self, lsn: u64, payload: &Bytes) -> Verdict {
        if lsn < self.lsn {
            return Verdict::PassOver;
        }
        if lsn > self.lsn {
            self.held = None;
            return Verdict::Deliver;
        }
        self.seen += 1;
        match (self.events, self.held.take()) {
            (Some(events), _) if self.seen <= events => Verdict::PassOver,
            (None, None) if self.seen == 1 => {
                self.held = Some((lsn, payload.clone()));
                Verdict::PassOver
            }
            (None, Some((lsn, held))) => Verdict::DeliverBoth(lsn, held),
            _ => Verdict::Deliver,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resume(events: Option<u64>) -> Resume {
        let position = Position {
            lsn: 20,
            tx_id: Some(7),
            message_type: Some(MessageType::Insert),
            events,
            ..Position::default()
        };
        Resume::after(&position).unwrap()
    }

    fn verdicts(resume: &mut Resume, lsns: &[u64]) -> Vec<Verdict> {
        lsns.iter().map(|lsn| resume.judge(*lsn, &Bytes::new())).collect()
    }

    #[test]
    fn rows_that_share_a_position_are_counted() {
        use Verdict::{Deliver, PassOver};
        let seen = verdicts(&mut resume(Some(2)), &[10, 20, 20, 20, 30]);
        assert_eq!(seen, [PassOver, PassOver, PassOver, Deliver, Deliver]);
    }

    #[test]
    fn without_a_count_one_row_was_delivered_and_of_several_none_is_lost() {
        use Verdict::{Deliver, DeliverBoth, PassOver};
        assert_eq!(verdicts(&mut resume(None), &[10, 20, 30]), [PassOver, PassOver, Deliver]);
        let both = DeliverBoth(20, Bytes::new());
        assert_eq!(verdicts(&mut resume(None), &[20, 20, 20]), [PassOver, both, Deliver]);
    }

    #[test]
    fn between_transactions_nothing_is_passed_over() {
        let commit = Position { tx_id: Some(7), message_type: Some(MessageType::Commit), ..Position::default() };
        assert!(Resume::after(&commit).is_none());
        assert!(Resume::after(&Position { lsn: 9, ..Position::default() }).is_none());
    }
}
