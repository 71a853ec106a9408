//! The loop of a task that carries its data itself. Keeps Invariants 1, 5 and 7 for it.

use std::sync::{Arc, Mutex};

use sluice_api::connector::{ExactlyOnceContext, OffsetStorageReader, Progress, RunState};
use sluice_api::{CarrierContext, CarrierProgress, CarrierTask, ConnectError, ErrorKind, Properties};
use sluice_storage::State;
use tokio::sync::watch;

use super::preparation::Preparation;
use super::seat::TaskSeat;
use crate::lease::Lease;
use crate::metrics::TaskMetrics;
use crate::offset_flush::OffsetFlush;
use crate::submitted_records::CommittableOffsets;
use crate::worker::lock;

/// A carrier task in the worker's hands.
pub(crate) struct WorkerCarrierTask {
    seat: TaskSeat,
    config: Properties,
    preparation: Preparation,
    exactly_once: Option<ExactlyOnceContext>,
    offsets: Arc<dyn OffsetStorageReader>,
    flush: OffsetFlush,
    reports: Arc<Reports>,
    state: watch::Sender<RunState>,
}

/// What the carrier has reported since the last flush.
struct Reports {
    lease: Arc<Lease>,
    metrics: Arc<TaskMetrics>,
    progress: Mutex<CommittableOffsets>,
}

impl CarrierProgress for Reports {
    fn report(&self, progress: Progress) -> Result<(), ConnectError> {
        let Progress { source_partition, source_offset, records, .. } = progress;
        let taken = self.lease.while_held(|| {
            let mut offsets = lock(&self.progress);
            // Reports of a partition follow one another: the last counts.
            match offsets.iter_mut().find(|(partition, _)| *partition == source_partition) {
                Some(known) => known.1 = source_offset,
                None => offsets.push((source_partition, source_offset)),
            }
        });
        let records = usize::try_from(records).unwrap_or(usize::MAX);
        self.metrics.taken(records);
        self.metrics.given(records);
        // Invariant 5: a newer owner may be running.
        taken.ok_or_else(|| ConnectError::new(ErrorKind::Fenced, "the task was cancelled"))
    }
}

impl WorkerCarrierTask {
    pub(crate) fn new(
        seat: TaskSeat,
        config: Properties,
        preparation: Preparation,
        exactly_once: Option<ExactlyOnceContext>,
        offsets: Arc<dyn OffsetStorageReader>,
        flush: OffsetFlush,
    ) -> Self {
        let reports = Reports { lease: seat.lease.clone(), metrics: seat.metrics.clone(), progress: Mutex::default() };
        Self {
            seat,
            config,
            preparation,
            exactly_once,
            offsets,
            flush,
            reports: Arc::new(reports),
            state: watch::Sender::new(RunState::Running),
        }
    }

    /// Runs the task until it has stopped or failed.
    pub(crate) async fn run(mut self, mut task: Box<dyn CarrierTask>) -> Result<(), ConnectError> {
        if !self.seat.may_start().await {
            return Ok(());
        }
        let outcome = match self.start(&mut *task).await {
            Ok(true) => {
                self.seat.started();
                self.carry(&mut *task).await
            }
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        let progress = self.take_progress();
        self.flush.finish(progress).await;
        self.preparation.undo().await;
        outcome
    }

    /// `false` when the task was told to stop first.
    async fn start(&mut self, task: &mut dyn CarrierTask) -> Result<bool, ConnectError> {
        if !self.preparation.make(&mut self.seat, None).await? {
            return Ok(false);
        }
        let context = CarrierContext {
            connector: self.seat.id.connector.as_str().into(),
            task: self.seat.id.task,
            offsets: self.offsets.clone(),
            memory: self.seat.memory.share.clone(),
            state: self.state.subscribe(),
            progress: self.reports.clone(),
            exactly_once: self.exactly_once.clone(),
        };
        match self.seat.unless_stopped(task.start(context, &self.config)).await {
            Some(started) => started.map(|()| true),
            None => Ok(false),
        }
    }

    async fn carry(&mut self, task: &mut dyn CarrierTask) -> Result<(), ConnectError> {
        let mut carrying = task.run();
        loop {
            self.pass_on_commands();
            tokio::select! {
                carried = &mut carrying => {
                    return match carried {
                        Ok(()) if !self.seat.stopping() => Err(ConnectError::connect("the task ended without being told to stop")),
                        carried => carried,
                    };
                }
                () = self.flush.next_event() => {}
                () = self.seat.changed() => {}
            }
            if self.flush.is_due() {
                let progress = self.take_progress();
                self.flush.begin(progress);
            }
        }
    }

    fn pass_on_commands(&self) {
        let wanted = match (self.seat.stopping(), self.seat.paused()) {
            (true, _) => RunState::Stopping,
            (false, true) => RunState::Paused,
            (false, false) => RunState::Running,
        };
        if self.state.send_replace(wanted) != wanted && wanted != RunState::Stopping {
            self.seat.report(if wanted == RunState::Paused { State::Paused } else { State::Running }, None);
        }
    }

    // Invariant 1: the carrier reports what was acknowledged, and only that is flushed. Exactly once it has stored the offsets
    // itself, and a flush could land on a newer one.
    fn take_progress(&self) -> CommittableOffsets {
        let progress = std::mem::take(&mut *lock(&self.reports.progress));
        if self.exactly_once.is_some() { Vec::new() } else { progress }
    }
}
