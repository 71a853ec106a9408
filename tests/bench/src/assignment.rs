//! The cost of a rebalance for the leader: no server, only the round as the herder computes it, from bytes to bytes.
//!
//! A group of simulated members takes part in the rounds of a usual day. What is timed is what the leader does between the answer
//! to its join and its sync: reading every member's metadata, the assignor, writing every member's assignment.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::group::{Group, Size};
use crate::median::Spread;
use crate::progress::say;

/// Workers and tasks; a connector has ten tasks.
const SIZES: [Size; 4] = [
    Size { workers: 3, tasks: 1_000 },
    Size { workers: 10, tasks: 10_000 },
    Size { workers: 30, tasks: 30_000 },
    Size { workers: 100, tasks: 100_000 },
];

/// What the members did before the round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Occasion {
    /// All start with empty hands.
    First,
    /// All join again as they are.
    Steady,
    /// One more member: the others give up a share.
    Join,
    /// What was given up goes to the newcomer.
    Joined,
    /// A member is gone: its work waits for it.
    Leave,
    /// The wait is over.
    Left,
}

impl Occasion {
    const ALL: [Occasion; 6] =
        [Occasion::First, Occasion::Steady, Occasion::Join, Occasion::Joined, Occasion::Leave, Occasion::Left];

    const fn title(self) -> &'static str {
        match self {
            Occasion::First => "all start",
            Occasion::Steady => "nothing changed",
            Occasion::Join => "one joins: others give up",
            Occasion::Joined => "it gets its share",
            Occasion::Leave => "one is gone: wait",
            Occasion::Left => "its work is dealt",
        }
    }
}

/// One timed round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) workers: usize,
    pub(crate) tasks: u32,
    pub(crate) occasion: Occasion,
    pub(crate) run: u32,
    pub(crate) milliseconds: f64,
    /// What the members sent to the leader.
    pub(crate) metadata_bytes: usize,
    /// What the leader hands in.
    pub(crate) assignment_bytes: usize,
}

/// The rounds of every size, `runs` times.
///
/// # Errors
/// When an assignment cannot be read, or does not give everything out evenly in the end.
pub(crate) fn measure(runs: u32) -> Result<Vec<Round>> {
    let mut rounds = Vec::new();
    for size in SIZES {
        for run in 1..=runs {
            say(&format!("assignment · {} workers, {} tasks · run {run} of {runs}", size.workers, size.tasks));
            rounds.extend(day(size, run).with_context(|| format!("{} workers", size.workers))?);
        }
    }
    Ok(rounds)
}

fn day(size: Size, run: u32) -> Result<Vec<Round>> {
    let mut group = Group::new(size);
    let mut rounds = Vec::new();
    for occasion in Occasion::ALL {
        match occasion {
            Occasion::First | Occasion::Steady | Occasion::Joined => {}
            Occasion::Join => group.admit(),
            Occasion::Leave => group.dismiss(),
            Occasion::Left => group.wait_out_the_delay(),
        }
        let metadata = group.metadata();
        let metadata_bytes = metadata.iter().map(|(_, bytes)| bytes.len()).sum();
        let began = Instant::now();
        let assignments = group.lead(&metadata)?;
        let milliseconds = began.elapsed().as_secs_f64() * 1e3;
        let assignment_bytes = assignments.iter().map(|(_, bytes)| bytes.len()).sum();
        group.apply(&assignments)?;
        let Size { workers, tasks } = size;
        rounds.push(Round { workers, tasks, occasion, run, milliseconds, metadata_bytes, assignment_bytes });
    }
    ensure!(group.is_whole_and_even(), "the group does not run everything evenly in the end");
    Ok(rounds)
}

/// The curve in Markdown: a line for each occasion, a column for each size.
pub(crate) fn render(rounds: &[Round]) -> String {
    if rounds.is_empty() {
        return String::new();
    }
    let mut text = "\n| one round, leader's time (metadata in, assignments out) |".to_owned();
    SIZES.iter().for_each(|size| text.push_str(&format!(" {} × {} tasks |", size.workers, size.tasks)));
    text.push_str(&format!("\n| --- |{}\n", " ---: |".repeat(SIZES.len())));
    for occasion in Occasion::ALL {
        text.push_str(&format!("| {} |", occasion.title()));
        for size in SIZES {
            let of_cell =
                |round: &&Round| (round.workers, round.tasks, round.occasion) == (size.workers, size.tasks, occasion);
            text.push_str(&cell(&rounds.iter().filter(of_cell).collect::<Vec<_>>()));
        }
        text.push('\n');
    }
    text
}

fn cell(rounds: &[&Round]) -> String {
    let spread = Spread::of(rounds.iter().map(|round| round.milliseconds).collect());
    let (Some(spread), Some(round)) = (spread, rounds.first()) else { return " – |".to_owned() };
    let kilobytes = |bytes: usize| bytes as f64 / 1e3;
    format!(
        " {:.1} ms ({:.0} kB, {:.0} kB) |",
        spread.median,
        kilobytes(round.metadata_bytes),
        kilobytes(round.assignment_bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_of_100_workers_and_100_000_tasks_is_whole_even_and_quick() {
        let rounds = day(SIZES[3], 1).expect("a day without errors");
        assert_eq!(rounds.len(), Occasion::ALL.len());
        let slowest = rounds.iter().map(|round| round.milliseconds).fold(0.0, f64::max);
        // A rebalance time-out is a minute; heartbeats of the others wait for nothing. Generous for a busy machine.
        assert!(slowest < 10_000.0, "{slowest} ms");
    }

    #[test]
    fn the_curve_has_a_line_for_each_occasion() {
        let text = render(&day(SIZES[0], 1).expect("a day without errors"));
        assert_eq!(text.lines().filter(|line| line.contains(" ms (")).count(), Occasion::ALL.len());
        assert_eq!(render(&[]), "");
    }
}
