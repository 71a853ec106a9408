//! A carrier without a source or a target outside the test.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::Properties;
use crate::connector::{CarrierContext, CarrierTask, Progress, RunState};
use crate::data::Value;
use crate::error::{ConnectError, Result};
use crate::record::OffsetMap;

/// A target that keeps what is written to it and acknowledges, in order, when the test says so.
#[derive(Debug)]
pub struct AckTarget {
    written: Mutex<Vec<u64>>,
    written_tx: watch::Sender<u64>,
    acked_tx: watch::Sender<u64>,
}

impl Default for AckTarget {
    fn default() -> Self {
        Self { written: Mutex::default(), written_tx: watch::Sender::new(0), acked_tx: watch::Sender::new(0) }
    }
}

impl AckTarget {
    /// Nothing written, nothing acknowledged.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that was written, duplicates included.
    pub fn written(&self) -> Vec<u64> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until at least `count` records were written in all.
    pub async fn wait_for_written(&self, count: u64) {
        let mut written_rx = self.written_tx.subscribe();
        written_rx.wait_for(|written| *written >= count).await.expect("the sender lives in this target");
    }

    /// Acknowledges the first `count` records that were written in all.
    pub fn acknowledge(&self, count: u64) {
        self.acked_tx.send_if_modified(|acked| {
            let grows = count > *acked;
            *acked = count.max(*acked);
            grows
        });
    }

    fn write(&self, record: u64) {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        self.written_tx.send_modify(|written| *written += 1);
    }
}

/// Carries the numbers from 0 to `end` to an [`AckTarget`], at most `window` unacknowledged at once.
///
/// It is the reference of the contract: it reports after acknowledgements only (Invariant 1), stops at once when a report is
/// refused (Invariant 5), and drains what is in flight when it is stopped or paused (Invariant 7).
pub struct CarrierDouble {
    target: Arc<AckTarget>,
    end: u64,
    window: u64,
    next: u64,
    reported: u64,
    /// Record number of the first write of this life, and of that write in the target's count.
    base: (u64, u64),
    context: Option<CarrierContext>,
}

impl CarrierDouble {
    /// A carrier of the numbers below `end`.
    pub fn new(target: Arc<AckTarget>, end: u64, window: u64) -> Self {
        Self { target, end, window, next: 0, reported: 0, base: (0, 0), context: None }
    }

    /// The source partition that it reports.
    pub fn source_partition() -> OffsetMap {
        OffsetMap::single("numbers", "all")
    }

    fn in_flight(&self) -> u64 {
        self.next - self.acknowledged()
    }

    /// The number up to which everything is acknowledged.
    fn acknowledged(&self) -> u64 {
        let acked = *self.target.acked_tx.borrow();
        (self.base.0 + acked.saturating_sub(self.base.1)).min(self.next)
    }

    fn report(&mut self, context: &CarrierContext) -> Result<()> {
        let acknowledged = self.acknowledged();
        if acknowledged == self.reported {
            return Ok(());
        }
        // Invariant 1: nothing past what is acknowledged.
        context.progress.report(Progress {
            source_partition: Arc::new(Self::source_partition()),
            source_offset: OffsetMap::single("next", Value::Int64(acknowledged as i64)),
            records: acknowledged - self.reported,
            bytes: 8 * (acknowledged - self.reported),
        })?;
        self.reported = acknowledged;
        Ok(())
    }

    fn send(&mut self, state: RunState) {
        while state == RunState::Running && self.next < self.end && self.in_flight() < self.window {
            self.target.write(self.next);
            self.next += 1;
        }
    }
}

#[async_trait(?Send)]
impl CarrierTask for CarrierDouble {
    async fn start(&mut self, context: CarrierContext, _config: &Properties) -> Result<()> {
        let stored = context.offsets.offsets(&[Self::source_partition()]).await?.remove(0);
        let next = stored.and_then(|offset| offset.get("next").and_then(Value::as_i64)).unwrap_or(0);
        self.next = next.unsigned_abs();
        self.reported = self.next;
        self.base = (self.next, self.target.written().len() as u64);
        self.context = Some(context);
        Ok(())
    }

    async fn run(&mut self) -> Result<()> {
        let mut context = self.context.take().ok_or_else(|| ConnectError::connect("run comes after start"))?;
        let mut acked_rx = self.target.acked_tx.subscribe();
        loop {
            let state = *context.state.borrow_and_update();
            acked_rx.mark_unchanged();
            // Invariant 5: a refused report ends the task before it writes anything more.
            self.report(&context)?;
            // Invariant 7: what is in flight is finished and reported first.
            if state == RunState::Stopping && self.in_flight() == 0 {
                return Ok(());
            }
            self.send(state);
            tokio::select! {
                changed = context.state.changed() => changed.map_err(|_| ConnectError::connect("the worker is gone"))?,
                changed = acked_rx.changed() => changed.map_err(|_| ConnectError::connect("the target is gone"))?,
            }
        }
    }
}

#[cfg(test)]
mod tests;
