//! The right of a thread to act for a connector or task.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by a connector or task thread until the worker takes it back because the thread was late.
///
/// Invariant 5: everything that others can see (a status, an offset, a commit) happens in [`Lease::while_held`], so that
/// after [`Lease::cancel`] has returned nothing of it happens any more.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    cancelled: Mutex<bool>,
}

impl Lease {
    /// Ends the lease; waits for an act that has begun.
    pub(crate) fn cancel(&self) {
        *self.guard() = true;
    }

    /// Whether the lease has ended.
    pub(crate) fn is_cancelled(&self) -> bool {
        *self.guard()
    }

    /// Does `act`, which must not block, unless the lease has ended.
    pub(crate) fn while_held<T>(&self, act: impl FnOnce() -> T) -> Option<T> {
        let cancelled = self.guard();
        (!*cancelled).then(act)
    }

    fn guard(&self) -> MutexGuard<'_, bool> {
        self.cancelled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Lease;

    #[test]
    fn nothing_happens_after_the_end() {
        // Invariant 5.
        let lease = Lease::default();
        assert_eq!(lease.while_held(|| 1), Some(1));
        lease.cancel();
        assert_eq!(lease.while_held(|| 2), None);
        assert!(lease.is_cancelled());
    }
}
