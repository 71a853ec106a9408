//! Rounds of faults at random, with data flowing: nothing is lost, the group settles, all workers tell the same (Invariants 1 to 5).
//!
//! Half of the connectors are counters, whose records say which task wrote them, half are sinks of their topics. After each round it
//! is looked at who runs what, what the topics and files hold, and what has been stored as done.

mod fault;
mod fleet;
mod ledger;
mod picture;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sluice_harness::{Random, count};

use fault::{Fault, Struck};
use fleet::Fleet;
use ledger::Trail;

const WORKERS: usize = 3;
const SESSION: Duration = Duration::from_secs(6);
/// Behind the delay it takes some seconds; a machine of two cores that others use too is given more before the test fails.
const SETTLED: Duration = Duration::from_secs(90);

/// `scheduled.rebalance.max.delay.ms`.
fn delay() -> Duration {
    Duration::from_millis(count(2_000, 5_000) as u64)
}

/// What the rounds gave.
struct Report {
    began: Instant,
    /// From when the fault and the delay that it causes were over until everything ran again.
    settled: Vec<Duration>,
    /// The same, until the work was shared evenly.
    balanced: Vec<Duration>,
    overlaps: Vec<Trail>,
    late: Vec<Trail>,
}

impl Report {
    fn new() -> Self {
        let (settled, balanced, overlaps, late) = Default::default();
        Self { began: Instant::now(), settled, balanced, overlaps, late }
    }

    fn tell(&mut self, fleet: &Fleet) -> Result<()> {
        let seconds = |times: &mut Vec<Duration>| {
            times.sort();
            let worst = times.last().copied().unwrap_or_default();
            format!("median {:.1} s, worst {:.1} s", times[times.len() / 2].as_secs_f64(), worst.as_secs_f64())
        };
        eprintln!("{} rounds in {:.0} s", self.settled.len(), self.began.elapsed().as_secs_f64());
        eprintln!("settled behind the delay: {}", seconds(&mut self.settled));
        eprintln!("balanced behind the delay: {}", seconds(&mut self.balanced));
        let (records, duplicates) = fleet.totals();
        eprintln!("{records} numbers, {duplicates} of them more than once; {}", fleet.sunk_totals());
        for (what, trails) in [
            ("behind the first record of a successor", &self.overlaps),
            ("after the group had dropped its worker", &self.late),
        ] {
            let records: usize = trails.iter().map(|trail| trail.records).sum();
            let most = trails.iter().map(|trail| trail.records).max().unwrap_or(0);
            eprintln!("{} owners wrote {records} records {what}, at most {most} each", trails.len());
        }
        eprintln!("{} times a smaller number was stored behind a larger one", fleet.stored_back()?);
        Ok(())
    }
}

#[test]
fn rounds_of_faults_lose_nothing_and_settle() -> Result<()> {
    let (rounds, pairs) = (count(3, 20), count(3, 15));
    let mut random = Random::of("rounds");
    let mut fleet = Fleet::start(pairs)?;
    fleet.settled(&fleet.all()).with_context(|| fleet.logs())?;
    let mut report = Report::new();
    for (round, fault) in Fault::deck(rounds, &mut random).into_iter().enumerate() {
        let played = play(round, fault, &mut fleet, &mut random, &mut report);
        played.with_context(|| format!("round {round}, {fault:?}\n{}", fleet.logs()))?;
    }
    fleet.stop_counters()?;
    fleet.all_arrived().with_context(|| fleet.logs())?;
    report.tell(&fleet)
}

fn play(round: usize, fault: Fault, fleet: &mut Fleet, random: &mut Random, report: &mut Report) -> Result<()> {
    let began = Instant::now();
    let Struck { story, over, due, expelled } = fault.strike(fleet, random)?;
    let settled = fleet.settled(&fleet.all())?;
    let balanced = fleet.balanced()?;
    let found = fleet.look(expelled.as_ref())?;
    let behind = |moment: Instant| moment.saturating_duration_since(over.max(due));
    eprintln!(
        "round {round}: {story}; settled {:.1} s and balanced {:.1} s behind the delay, {:.1} s after the fault began; overlaps {:?}, late {:?}",
        behind(settled).as_secs_f64(),
        behind(balanced).as_secs_f64(),
        (settled - began).as_secs_f64(),
        found.overlaps,
        found.late,
    );
    report.settled.push(behind(settled));
    report.balanced.push(behind(balanced));
    // Invariant 5: what one producer had on the wire, and nothing more.
    for trail in found.overlaps.iter().chain(&found.late) {
        ensure!(trail.is_one_delivery(fleet::BATCH_BYTES), "more than one delivery: {trail:?}");
    }
    report.overlaps.extend(found.overlaps);
    report.late.extend(found.late);
    Ok(())
}
