//! The worker's side of a carrier.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::MemoryOffsets;
use crate::connector::{CarrierContext, CarrierProgress, MemoryShare, Progress, RunState};
use crate::error::{ConnectError, ErrorKind, Result};

/// Tells a carrier what to do and keeps what it reports.
pub struct CarrierDriver {
    state_tx: watch::Sender<RunState>,
    progress: Arc<ProgressRecorder>,
    offsets: Arc<MemoryOffsets>,
}

impl CarrierDriver {
    /// A running carrier's worker, over these stored offsets.
    pub fn new(offsets: Arc<MemoryOffsets>) -> Self {
        Self { state_tx: watch::Sender::new(RunState::Running), progress: Arc::default(), offsets }
    }

    /// What the carrier is started with.
    pub fn context(&self) -> CarrierContext {
        CarrierContext {
            connector: "testkit".into(),
            task: 0,
            offsets: self.offsets.clone(),
            memory: MemoryShare::new(16 * 1024 * 1024),
            state: self.state_tx.subscribe(),
            progress: self.progress.clone(),
            exactly_once: None,
        }
    }

    /// What the carrier reported.
    pub fn progress(&self) -> &Arc<ProgressRecorder> {
        &self.progress
    }

    /// Tells the carrier to carry, to pause or to stop.
    pub fn set_state(&self, state: RunState) {
        self.state_tx.send_replace(state);
    }

    /// Cancels the carrier: reports are refused from now on, offsets can be read no more (Invariant 5).
    pub fn cancel(&self) {
        self.progress.cancel();
        self.offsets.close();
    }

    /// Stores the last report of each source partition, as an offset flush does.
    pub fn flush(&self) {
        for report in self.progress.reports() {
            self.offsets.set(&report.source_partition, report.source_offset);
        }
    }
}

/// Keeps reports in order, until the carrier is cancelled.
#[derive(Debug, Default)]
pub struct ProgressRecorder {
    state: Mutex<Recorded>,
}

#[derive(Debug, Default)]
struct Recorded {
    reports: Vec<Progress>,
    refused: usize,
    cancelled: bool,
}

impl ProgressRecorder {
    /// The reports that were taken.
    pub fn reports(&self) -> Vec<Progress> {
        self.with(|state| state.reports.clone())
    }

    /// How many records were reported.
    pub fn records(&self) -> u64 {
        self.with(|state| state.reports.iter().map(|report| report.records).sum())
    }

    /// How many reports were refused.
    pub fn refused(&self) -> usize {
        self.with(|state| state.refused)
    }

    fn cancel(&self) {
        self.with(|state| state.cancelled = true);
    }

    fn with<T>(&self, change: impl FnOnce(&mut Recorded) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CarrierProgress for ProgressRecorder {
    fn report(&self, progress: Progress) -> Result<()> {
        self.with(|state| {
            if state.cancelled {
                state.refused += 1;
                return Err(ConnectError::new(ErrorKind::Fenced, "the task was cancelled"));
            }
            state.reports.push(progress);
            Ok(())
        })
    }
}
