//! The right of a thread to act for a connector or task.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sluice_kafka::Tenure;

/// Held by a connector or task thread until the worker takes it back because the thread was late, or until the tenure ends under
/// which it was begun: a later tenure does not bring it back.
///
/// Invariant 5: everything that others can see (a status, an offset, a commit) happens in [`Lease::while_held`], so that
/// after [`Lease::cancel`] has returned nothing of it happens any more.
#[derive(Debug)]
pub(crate) struct Lease {
    cancelled: Mutex<bool>,
    tenure: Tenure,
    /// Of the tenure in which the lease was begun.
    number: u64,
}

impl Lease {
    /// Begins under the tenure of now.
    pub(crate) fn new(tenure: &Tenure) -> Self {
        Self { cancelled: Mutex::default(), number: tenure.number(), tenure: tenure.clone() }
    }

    /// Ends the lease; waits for an act that has begun.
    pub(crate) fn cancel(&self) {
        *self.guard() = true;
    }

    /// Ends the lease with a last act, unless it has ended before.
    pub(crate) fn cancel_with(&self, act: impl FnOnce()) {
        let mut cancelled = self.guard();
        if !std::mem::replace(&mut *cancelled, true) && self.tenure.holds(self.number) {
            act();
        }
    }

    /// Whether the lease has ended.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.while_held(|| ()).is_none()
    }

    /// Does `act`, which must not block, unless the lease has ended.
    pub(crate) fn while_held<T>(&self, act: impl FnOnce() -> T) -> Option<T> {
        let cancelled = self.guard();
        (!*cancelled && self.tenure.holds(self.number)).then(act)
    }

    fn guard(&self) -> MutexGuard<'_, bool> {
        self.cancelled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    // Invariant 5.
    #[test]
    fn nothing_happens_after_the_end() {
        let lease = Lease::new(&Tenure::forever());
        assert_eq!(lease.while_held(|| 1), Some(1));
        lease.cancel();
        assert_eq!(lease.while_held(|| 2), None);
        assert!(lease.is_cancelled());
        lease.cancel_with(|| panic!("it has ended"));
    }

    // Invariant 5.
    #[tokio::test(start_paused = true)]
    async fn a_lease_of_an_earlier_tenure_stays_dead() {
        let tenure = Tenure::none();
        tenure.begin(Instant::now() + Duration::from_secs(10));
        let lease = Lease::new(&tenure);
        assert!(!lease.is_cancelled());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(lease.is_cancelled());
        tenure.begin(Instant::now() + Duration::from_secs(10));
        assert_eq!(lease.while_held(|| 1), None);
        lease.cancel_with(|| panic!("it has ended"));
        assert!(!Lease::new(&tenure).is_cancelled());
    }
}
