//! For how long this process may act for its group.
//!
//! The membership of a distributed worker prolongs the tenure, and everything that others can see asks it at the act itself: leases
//! of tasks, the logs of the internal topics, the leader's writer. A process that was stopped for longer than its session finds the
//! tenure over before it has read any message (Invariant 5).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// The right of this process to act for its group, with a number: what was begun under one tenure never goes on under the next.
/// Cheap to clone; all clones are the same tenure.
#[derive(Clone, Debug)]
pub struct Tenure(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    number: u64,
    until: Until,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Over,
    At(Instant),
    Forever,
}

impl Tenure {
    /// Of a process that shares its work with nobody.
    pub fn forever() -> Self {
        Self::of(Until::Forever)
    }

    /// Not held before it is begun.
    pub fn none() -> Self {
        Self::of(Until::Over)
    }

    fn of(until: Until) -> Self {
        Self(Arc::new(Mutex::new(State { number: 0, until })))
    }

    /// Begins a new tenure, for a worker that joined with empty hands, and returns its number. It is over at once when `until` is
    /// past.
    pub fn begin(&self, until: Instant) -> u64 {
        let mut state = self.state();
        state.number += 1;
        state.until = Until::At(until);
        state.number
    }

    /// Prolongs the held tenure, never shortens it; `false` when it is over already, and it stays over.
    pub fn renew(&self, until: Instant) -> bool {
        let mut state = self.state();
        match state.until {
            Until::Forever => true,
            Until::At(end) if Instant::now() < end => {
                state.until = Until::At(end.max(until));
                true
            }
            Until::At(_) | Until::Over => {
                state.until = Until::Over;
                false
            }
        }
    }

    /// Ends it now.
    pub fn end(&self) {
        self.state().until = Until::Over;
    }

    /// Whether it is held now.
    pub fn is_held(&self) -> bool {
        self.state().is_held()
    }

    /// The number of the last one that was begun.
    pub fn number(&self) -> u64 {
        self.state().number
    }

    /// Whether the tenure of that number is held now.
    pub fn holds(&self, number: u64) -> bool {
        let state = self.state();
        state.number == number && state.is_held()
    }

    /// When it ends, for timers; `None` when it is over or never ends.
    pub fn until(&self) -> Option<Instant> {
        match self.state().until {
            Until::At(end) => Some(end),
            Until::Over | Until::Forever => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_held(&self) -> bool {
        match self.until {
            Until::Over => false,
            Until::At(end) => Instant::now() < end,
            Until::Forever => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    fn after(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    // Invariant 5.
    #[tokio::test(start_paused = true)]
    async fn a_tenure_that_is_over_never_comes_back() {
        let tenure = Tenure::none();
        assert!(!tenure.is_held() && !tenure.renew(after(10)));
        let first = tenure.begin(after(10));
        assert!(tenure.holds(first));
        advance(Duration::from_secs(9)).await;
        assert!(tenure.renew(after(10)));
        advance(Duration::from_secs(9)).await;
        assert!(tenure.holds(first));
        advance(Duration::from_secs(1)).await;
        // The answer was sent in time and is heard too late.
        assert!(!tenure.renew(after(5)) && !tenure.holds(first));
        let second = tenure.begin(after(10));
        assert!(tenure.holds(second) && !tenure.holds(first));
        tenure.end();
        assert!(!tenure.is_held() && !tenure.renew(after(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_never_shortens_and_a_late_begin_holds_nothing() {
        let tenure = Tenure::none();
        tenure.begin(after(10));
        assert!(tenure.renew(after(1)));
        assert_eq!(tenure.until(), Some(after(10)));
        advance(Duration::from_secs(20)).await;
        tenure.begin(Instant::now() - Duration::from_secs(1));
        assert!(!tenure.is_held());
    }

    #[test]
    fn a_worker_alone_holds_its_tenure_for_ever() {
        let tenure = Tenure::forever();
        assert!(tenure.is_held() && tenure.holds(0) && tenure.renew(Instant::now()));
        assert_eq!(tenure.until(), None);
    }
}
