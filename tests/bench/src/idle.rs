//! Memory of a distributed worker that has nothing to do.

use std::time::{Duration, Instant};

use anyhow::Result;
use sluice_harness::wait_until;

use crate::engines::{Engines, Subject};
use crate::pipeline::Pipeline;
use crate::progress::say;
use crate::report::{Figures, Measure};

/// The resident set `settle` after the worker became healthy.
pub(crate) fn measure(engines: &Engines<'_>, subject: Subject, settle: Duration) -> Result<Figures> {
    let worker = engines.worker(subject, Pipeline::Plain)?.start()?;
    let began = Instant::now();
    wait_until("the worker to settle", settle * 2, || (began.elapsed() >= settle).then_some(()))?;
    let usage = worker.usage()?;
    say(&format!("{:.1} MB, {} threads", usage.rss_bytes as f64 / 1e6, usage.threads));
    Ok(vec![(Measure::IdleRssBytes, usage.rss_bytes as f64)])
}
