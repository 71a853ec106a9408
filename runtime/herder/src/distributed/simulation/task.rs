//! One source task of the simulated data plane.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::{OffsetMap, Value};
use sluice_storage::{ConnectorTaskId, TargetState};
use sluice_worker::SubmittedRecords;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::ledger::{Item, RunLease};
use super::planted::Planted;
use super::world::{Clock, State, World};

/// Between two looks at input, acknowledgements and commits.
const TICK: Duration = Duration::from_millis(800);
const TICK_GRID_MS: u64 = 200;
/// `offset.flush.interval.ms` in ticks.
const TICKS_PER_COMMIT: u32 = 2;
const BATCH: u64 = 5;
/// How long the last acknowledgements and the last commit are waited for.
const LAST_FLUSH: Duration = Duration::from_secs(2);

/// What a task is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskOrder {
    Run,
    Pause,
    Stop,
}

impl TaskOrder {
    pub(super) fn of(target: TargetState) -> Self {
        if target == TargetState::Started { Self::Run } else { Self::Pause }
    }
}

pub(super) struct SimTask {
    pub(super) world: World,
    pub(super) clock: Clock,
    pub(super) id: ConnectorTaskId,
    pub(super) lease: RunLease,
    pub(super) slow_stop: Duration,
}

/// What a task knows of its own progress.
struct Progress {
    next: u64,
    partition: Arc<OffsetMap>,
    submitted: SubmittedRecords,
    /// The delivery on its way: its indexes, and where the acknowledgement comes.
    in_flight: Option<(std::ops::Range<u64>, oneshot::Receiver<()>)>,
    /// What is acknowledged and not committed.
    committable: Option<u64>,
}

impl SimTask {
    pub(super) async fn run(self, mut orders: watch::Receiver<TaskOrder>) {
        let Some(next) = self.stored_offset(&mut orders).await else { return };
        let partition = Arc::new(OffsetMap::single("task", self.id.to_string()));
        let submitted = SubmittedRecords::default();
        let mut progress = Progress { next, partition, submitted, in_flight: None, committable: None };
        let mut ticks = 0;
        loop {
            let order = *orders.borrow_and_update();
            match order {
                TaskOrder::Stop => break,
                TaskOrder::Run => self.turn(&mut progress),
                TaskOrder::Pause => progress.take_acks(),
            }
            ticks += 1;
            if ticks % TICKS_PER_COMMIT == 0 {
                drop(self.commit(&mut progress));
            }
            tokio::select! {
                biased;
                changed = orders.changed() => if changed.is_err() { return },
                () = sleep_until(self.next_tick()) => {}
            }
        }
        self.stop(progress).await;
    }

    /// Ticks of all tasks fall on a grid, so that many of them share one waking of a worker.
    fn next_tick(&self) -> Instant {
        let next = (self.clock.now() + TICK).as_millis() as u64 / TICK_GRID_MS * TICK_GRID_MS;
        self.clock.instant(Duration::from_millis(next))
    }

    /// As the real task reads its offsets to the end of their topic before it starts.
    async fn stored_offset(&self, orders: &mut watch::Receiver<TaskOrder>) -> Option<u64> {
        let (answer, receiver) = oneshot::channel();
        let id = self.id.clone();
        self.send(move |state| {
            let (committed, time) = (state.topic.input(&id).committed, state.now + state.hop());
            state.deed_at(time, move |_| {
                answer.send(committed).ok();
            });
        });
        tokio::select! {
            biased;
            _ = orders.wait_for(|order| *order == TaskOrder::Stop) => None,
            committed = receiver => committed.ok(),
        }
    }

    fn turn(&self, progress: &mut Progress) {
        progress.take_acks();
        if progress.in_flight.is_some() || !self.may_act() {
            return;
        }
        let (first, end) = (progress.next, progress.next + BATCH);
        let begin = progress.submitted.next_index();
        for record in first..end {
            let offset = OffsetMap::single("next", Value::Int64(record as i64 + 1));
            progress.submitted.submit(&progress.partition, offset, 1);
        }
        progress.next = end;
        let (answer, acknowledged) = oneshot::channel();
        let (id, lease, item) = (self.id.clone(), self.lease.clone(), Item::Task(self.id.clone()));
        self.send(move |state| {
            state.note(|| format!("records {first}..{end} of {id} arrive from w{}", lease.process.worker));
            if let Err(what) = state.ledger.arrives(&item, &lease) {
                state.violated_unless_forgotten(what);
            }
            if let Err(what) = state.topic.deliver(&id, first, end) {
                return state.violated(|| what);
            }
            let time = state.now + state.hop();
            state.deed_at(time, move |_| {
                answer.send(()).ok();
            });
        });
        progress.in_flight = Some((begin..progress.submitted.next_index(), acknowledged));
        if self.world.state().planted == Planted::EarlyCommit {
            progress.committable = Some(end);
        }
    }

    /// Stores what is acknowledged (Invariant 1); the receiver hears when it is stored.
    fn commit(&self, progress: &mut Progress) -> Option<oneshot::Receiver<()>> {
        progress.committable?;
        if !self.may_act() {
            return None;
        }
        let offset = progress.committable.take()?;
        let (answer, stored) = oneshot::channel();
        let (id, lease) = (self.id.clone(), self.lease.clone());
        self.send(move |state| {
            state.note(|| format!("offset {offset} of {id} is stored by w{}", lease.process.worker));
            if let Err(what) = state.topic.commit(&id, offset) {
                return state.violated(|| what);
            }
            let time = state.now + state.hop();
            state.deed_at(time, move |_| {
                answer.send(()).ok();
            });
        });
        Some(stored)
    }

    /// The end in good order: what is on its way is waited for, then stored.
    async fn stop(&self, mut progress: Progress) {
        sleep(self.slow_stop).await;
        if let Some((indexes, acknowledged)) = progress.in_flight.take()
            && let Ok(Ok(())) = timeout(LAST_FLUSH, acknowledged).await
        {
            progress.acknowledge(indexes);
        }
        if let Some(stored) = self.commit(&mut progress)
            && timeout(LAST_FLUSH, stored).await.is_err()
        {
            self.world.state().note(|| format!("the last offset of {} was not stored in time", self.id));
        }
    }

    /// Asked at every act that others can see; an act without a tenure is a violation that only a planted bug commits.
    fn may_act(&self) -> bool {
        let held = self.lease.is_held();
        let mut state = self.world.state();
        if state.planted != Planted::StaleGeneration || self.lease.is_cancelled() {
            return held;
        }
        if !held {
            state.violated(|| format!("task {} acts on w{} without a tenure", self.id, self.lease.process.worker));
        }
        true
    }

    fn send(&self, deed: impl FnOnce(&mut State) + Send + 'static) {
        let lease = self.lease.clone();
        let keep = move || !lease.is_cancelled();
        self.world.state().send_to_topics(self.lease.process, self.clock.now(), keep, deed);
        self.clock.sent.notify_one();
    }
}

impl Progress {
    fn take_acks(&mut self) {
        let Some((indexes, acknowledged)) = &mut self.in_flight else { return };
        if acknowledged.try_recv().is_ok() {
            let indexes = indexes.clone();
            self.in_flight = None;
            self.acknowledge(indexes);
        }
    }

    fn acknowledge(&mut self, indexes: std::ops::Range<u64>) {
        for index in indexes {
            self.submitted.done(index);
        }
        for (_, offset) in self.submitted.take_committable() {
            if let Some((_, Value::Int64(next))) = offset.iter().next() {
                self.committable = Some(*next as u64);
            }
        }
    }
}
