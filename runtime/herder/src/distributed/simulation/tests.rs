//! Thousands of histories, bugs that have to be found, and a seed that replays.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::cluster::{Outcome, Setting, simulate};
use super::planted::Planted;

/// Five is the most that a history has.
const MOST_WORKERS: u64 = 5;
/// In the tests, and in the drill (`SLUICE_TIER=drill`).
const HISTORIES: [u64; 2] = [10_000, 100_000];
const FOUND_WITHIN: Duration = Duration::from_secs(5);

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn setting(seed: u64, planted: Planted) -> Setting {
    let most_workers = number("SLUICE_SIM_WORKERS").unwrap_or(MOST_WORKERS);
    Setting { seed, planted, most_workers, eager: number("SLUICE_SIM_EAGER") != Some(0), traced: false }
}

/// Runs the history again and shows what happened.
fn replayed(setting: Setting) -> String {
    let Outcome { violation, trace, .. } = simulate(Setting { traced: true, ..setting });
    format!(
        "{}\n\nSLUICE_SIM_SEED={} cargo test --release -p sluice-herder simulation::tests::histories -- --nocapture\n{}",
        trace.join("\n"),
        setting.seed,
        violation.unwrap_or_else(|| "nothing is violated".to_owned()),
    )
}

#[derive(Default)]
struct Tally {
    generations: AtomicU64,
    overlaps: AtomicU64,
    slowest: Mutex<(Duration, u64)>,
    failed: Mutex<Vec<u64>>,
}

impl Tally {
    fn count(&self, seed: u64, outcome: &Outcome) {
        self.generations.fetch_add(u64::try_from(outcome.generations).unwrap_or(0), Ordering::Relaxed);
        self.overlaps.fetch_add(outcome.overlaps as u64, Ordering::Relaxed);
        let mut slowest = self.slowest.lock().unwrap_or_else(PoisonError::into_inner);
        *slowest = (*slowest).max((outcome.settled_after.unwrap_or_default(), seed));
        if outcome.violation.is_some() {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(seed);
        }
    }
}

#[test]
fn histories_keep_the_invariants() {
    if let Some(seed) = number("SLUICE_SIM_SEED") {
        println!("{}", replayed(setting(seed, Planted::None)));
        return;
    }
    let drill = std::env::var("SLUICE_TIER").is_ok_and(|tier| tier == "drill");
    let count = number("SLUICE_SIM_HISTORIES").unwrap_or(HISTORIES[usize::from(drill)]);
    let first = number("SLUICE_SEED").unwrap_or(1);
    let (tally, next, began) = (Tally::default(), AtomicU64::new(first), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || tally.failed.lock().is_ok_and(|failed| failed.len() >= 20) {
                        return;
                    }
                    tally.count(seed, &simulate(setting(seed, Planted::None)));
                }
            });
        }
    });
    let failed = tally.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (slowest, seed) = tally.slowest.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{count} histories from seed {first} in {:.1} s: {:.0} a second, {} generations, {} deliveries overlapped, settled at the \
         latest {:.1} s after the faults (seed {seed})",
        began.elapsed().as_secs_f64(),
        count as f64 / began.elapsed().as_secs_f64(),
        tally.generations.into_inner(),
        tally.overlaps.into_inner(),
        slowest.as_secs_f64(),
    );
    if let Some(seed) = failed.iter().min() {
        panic!("{failed:?} failed\n{}", replayed(setting(*seed, Planted::None)));
    }
}

fn found(planted: Planted) -> String {
    let began = Instant::now();
    for seed in 1.. {
        if let Some(violation) = simulate(setting(seed, planted)).violation {
            println!("{planted:?} found by seed {seed} after {:.2} s: {violation}", began.elapsed().as_secs_f64());
            return violation;
        }
        assert!(began.elapsed() < FOUND_WITHIN, "{planted:?} is not found in {seed} histories");
    }
    unreachable!("seeds do not end")
}

// Invariant 5.
#[test]
fn a_stale_generation_is_found() {
    let violation = found(Planted::StaleGeneration);
    assert!(violation.contains("without a tenure") || violation.contains("may act"), "{violation}");
}

// Invariant 5.
#[test]
fn a_lost_revocation_is_found() {
    let violation = found(Planted::LostRevocation);
    assert!(violation.contains("not settled") || violation.contains("may act"), "{violation}");
}

// Invariant 1.
#[test]
fn an_early_commit_is_found() {
    let violation = found(Planted::EarlyCommit);
    assert!(violation.contains("is stored before"), "{violation}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 1..=20 {
        let traced = || simulate(Setting { traced: true, ..setting(seed, Planted::None) }).trace;
        let (one, other) = (traced(), traced());
        let differs = one.iter().zip(&other).position(|(one, other)| one != other);
        if let Some(at) = differs {
            panic!("seed {seed}:\n{}\nor\n{}", one[at.saturating_sub(5)..=at].join("\n"), other[at]);
        }
        assert_eq!(one.len(), other.len(), "seed {seed}");
    }
}
