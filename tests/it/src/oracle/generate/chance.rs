//! Choices by the test's generator.

use sluice_harness::Random;

/// What generators ask a [`Random`] for.
pub(in crate::oracle) trait Chance {
    /// True in `percent` of a hundred draws.
    fn percent(&mut self, percent: u64) -> bool;
    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize;
    /// One of `all`.
    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T;
}

impl Chance for Random {
    fn percent(&mut self, percent: u64) -> bool {
        self.range(0, 100) < percent
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.range(0, bound as u64)).unwrap_or(0)
    }

    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}
