//! How much a test does, and the seed of what it does at random.
//!
//! `SLUICE_TIER=test` (the default) runs reduced counts, `SLUICE_TIER=drill` the full figures; the code is the same.
//! `SLUICE_SEED=n` repeats a run.

use std::env;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// How much the run may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Reduced counts, minutes in all: what CI runs.
    Test,
    /// The full figures.
    Drill,
}

/// The tier of this run, from `SLUICE_TIER`.
///
/// # Panics
/// If the variable is set to anything but `test` or `drill`: a typo must not quietly run the small tier.
#[must_use]
pub fn tier() -> Tier {
    match env::var("SLUICE_TIER").as_deref() {
        Err(_) | Ok("" | "test") => Tier::Test,
        Ok("drill") => Tier::Drill,
        Ok(other) => panic!("SLUICE_TIER is `{other}`, expected `test` or `drill`"),
    }
}

/// The figure of this run's tier.
#[must_use]
pub fn count(test: usize, drill: usize) -> usize {
    match tier() {
        Tier::Test => test,
        Tier::Drill => drill,
    }
}

/// The seed of this process, from `SLUICE_SEED` or the clock; printed once so that a failing run can be repeated.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let seed = env::var("SLUICE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(clock_seed);
        eprintln!("SLUICE_SEED={seed}");
        seed
    })
}

/// The seed behind [`Random::of_cases`].
pub fn case_seed() -> u64 {
    const ALWAYS: u64 = 3;
    if tier() == Tier::Test && env::var_os("SLUICE_SEED").is_none() { ALWAYS } else { seed() }
}

fn clock_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() ^ u64::from(since.subsec_nanos()))
}

/// A small generator (SplitMix64): enough to choose moments and contents, repeatable from its seed on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of one test: the run's seed mixed with the test's name, so that tests do not share a sequence.
    #[must_use]
    pub fn of(test: &str) -> Self {
        Self::mixed(seed(), test)
    }

    /// As [`Random::of`], for cases that are compared with an oracle: in the tier `test` always the same ones, unless `SLUICE_SEED` is
    /// set. New ones are the drill's to find; a change elsewhere must not fail by the luck of the draw.
    #[must_use]
    pub fn of_cases(test: &str) -> Self {
        Self::mixed(case_seed(), test)
    }

    fn mixed(seed: u64, test: &str) -> Self {
        let name = test
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Random(seed ^ name)
    }

    /// A generator with a fixed seed.
    #[must_use]
    pub const fn with_seed(seed: u64) -> Self {
        Random(seed)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number in `low..high`; `low` when the range is empty.
    pub const fn range(&mut self, low: u64, high: u64) -> u64 {
        if high <= low { low } else { low + self.next() % (high - low) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_sequence() {
        let (mut one, mut two) = (Random::with_seed(7), Random::with_seed(7));
        let drawn: Vec<u64> = (0..5).map(|_| one.range(10, 20)).collect();
        assert_eq!(drawn, (0..5).map(|_| two.range(10, 20)).collect::<Vec<_>>());
        assert!(drawn.iter().all(|number| (10..20).contains(number)));
    }
}
