//! From the start of the process to its first answers, on internal topics that exist, as after any restart.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use sluice_harness::Rest;

use crate::engines::{Engines, Subject};
use crate::pipeline::Pipeline;
use crate::progress::say;
use crate::report::{Figures, Measure};

const PAUSE: Duration = Duration::from_millis(2);
const DEADLINE: Duration = Duration::from_secs(180);

/// Starts a worker to create the internal topics, stops it in order, starts it again and measures that.
pub(crate) fn measure(engines: &Engines<'_>, subject: Subject) -> Result<Figures> {
    let mut worker = engines.worker(subject, Pipeline::Plain)?.start()?;
    worker.stop()?;
    let began = Instant::now();
    worker.relaunch()?;
    let plugins = answered(worker.rest(), "/connector-plugins", began)?;
    let health = answered(worker.rest(), "/health", began)?;
    say(&format!("plugins after {plugins:.3} s, healthy after {health:.3} s"));
    Ok(vec![(Measure::PluginsSeconds, plugins), (Measure::HealthSeconds, health)])
}

/// Seconds from `began` until a GET is answered with 200. Finer than the harness's waiting, because that is what is measured.
fn answered(rest: &Rest, path: &str, began: Instant) -> Result<f64> {
    loop {
        match rest.get(path) {
            Ok(answer) if answer.status == 200 => return Ok(began.elapsed().as_secs_f64()),
            _ => ensure!(began.elapsed() < DEADLINE, "no 200 for {path} within {} s", DEADLINE.as_secs()),
        }
        thread::park_timeout(PAUSE);
    }
}
