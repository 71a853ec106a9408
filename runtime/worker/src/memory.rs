//! Divides `sluice.memory.budget` among the tasks that run.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError, Weak};

use sluice_api::connector::MemoryShare;

/// No task gets less, whatever the budget: below it a producer or consumer crawls.
const SMALLEST_SHARE_BYTES: u64 = 512 * 1024;

/// The budget of one worker.
pub(crate) struct MemoryBudget {
    bytes: u64,
    shares: Mutex<Vec<(Weak<()>, MemoryShare)>>,
}

/// A task's place in the budget; its share goes back when it is dropped and the budget is divided again.
pub(crate) struct MemoryClaim {
    pub(crate) share: MemoryShare,
    _alive: Arc<()>,
}

impl MemoryBudget {
    pub(crate) fn new(bytes: u64) -> Self {
        Self { bytes, shares: Mutex::default() }
    }

    /// Gives a share to one more task; everyone's becomes smaller.
    pub(crate) fn claim(&self) -> MemoryClaim {
        let alive = Arc::new(());
        let share = MemoryShare::new(0);
        self.shares.lock().unwrap_or_else(PoisonError::into_inner).push((Arc::downgrade(&alive), share.clone()));
        self.divide();
        MemoryClaim { share, _alive: alive }
    }

    /// Divides the budget anew among the claims that are alive.
    pub(crate) fn divide(&self) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.retain(|(alive, _)| alive.strong_count() > 0);
        let each = self.bytes / shares.len().max(1) as u64;
        for (_, share) in shares.iter() {
            share.set_bytes(each.max(SMALLEST_SHARE_BYTES));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryBudget;

    #[test]
    fn shares_shrink_when_tasks_come_and_grow_when_they_go() {
        let budget = MemoryBudget::new(64 << 20);
        let first = budget.claim();
        assert_eq!(first.share.bytes(), 64 << 20);
        let second = budget.claim();
        assert_eq!((first.share.bytes(), second.share.bytes()), (32 << 20, 32 << 20));
        drop(second);
        budget.divide();
        assert_eq!(first.share.bytes(), 64 << 20);
    }
}
