//! Who waits for the reader to come how far.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

/// The next offset of every partition.
pub(super) type Offsets = BTreeMap<i32, i64>;

/// The readers to the end that are not there yet.
#[derive(Default)]
pub(super) struct Waiters(Vec<(Offsets, oneshot::Sender<()>)>);

impl Waiters {
    pub(super) fn add(&mut self, ends: Offsets, arrived: oneshot::Sender<()>) {
        self.0.push((ends, arrived));
    }

    /// Answers those whose ends were reached. A partition without a position has given nothing yet: it is behind every
    /// end but its start.
    pub(super) fn arrive(&mut self, positions: &Offsets) {
        for (ends, arrived) in std::mem::take(&mut self.0) {
            if ends.iter().all(|(partition, end)| positions.get(partition).is_some_and(|position| position >= end)) {
                arrived.send(()).unwrap_or_else(|()| tracing::trace!("nobody waits for the end any more"));
            } else if !arrived.is_closed() {
                self.0.push((ends, arrived));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::{Offsets, Waiters};

    #[test]
    fn a_waiter_is_answered_when_every_partition_has_arrived() {
        let mut waiters = Waiters::default();
        let (tx, mut rx) = oneshot::channel();
        waiters.add(Offsets::from([(0, 3), (1, 5)]), tx);
        waiters.arrive(&Offsets::from([(0, 3)]));
        assert!(rx.try_recv().is_err());
        waiters.arrive(&Offsets::from([(0, 9), (1, 4)]));
        assert!(rx.try_recv().is_err());
        waiters.arrive(&Offsets::from([(0, 9), (1, 5)]));
        assert_eq!(rx.try_recv(), Ok(()));
        assert!(waiters.0.is_empty());
    }

    #[test]
    fn an_abandoned_waiter_is_forgotten() {
        let mut waiters = Waiters::default();
        let (tx, rx) = oneshot::channel();
        waiters.add(Offsets::from([(0, 3)]), tx);
        drop(rx);
        waiters.arrive(&Offsets::new());
        assert!(waiters.0.is_empty());
    }
}
