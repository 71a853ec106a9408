//! Who runs what at every moment, as the world sees it: Invariant 5.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sluice_kafka::Tenure;
use sluice_storage::ConnectorTaskId;

use super::coordinator::Time;
use super::world::{Clock, ProcessId};

/// A connector instance or a task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Connector(String),
    Task(ConnectorTaskId),
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connector(name) => write!(f, "connector {name}"),
            Self::Task(id) => write!(f, "task {id}"),
        }
    }
}

/// The right of one run of an item to act.
#[derive(Clone)]
pub(super) struct RunLease {
    pub(super) process: ProcessId,
    /// Tells runs of the same item in one process apart.
    pub(super) run: u64,
    pub(super) clock: Clock,
    tenure: Tenure,
    number: u64,
    cancelled: Arc<AtomicBool>,
}

impl RunLease {
    pub(super) fn new(process: ProcessId, run: u64, clock: Clock, tenure: Tenure) -> Self {
        let number = tenure.number();
        Self { process, run, clock, tenure, number, cancelled: Arc::default() }
    }

    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Asked by the process itself, at every act that others can see.
    pub(super) fn is_held(&self) -> bool {
        !self.is_cancelled() && self.tenure.holds(self.number)
    }

    /// Whether the run could still act at that time, as the world sees it.
    fn may_act_at(&self, now: Time) -> bool {
        let until = self.tenure.until().map(|until| self.clock.world_time(until));
        !self.is_cancelled() && self.tenure.number() == self.number && until.is_some_and(|until| until > now)
    }
}

/// Everything that runs, and what came after whom.
#[derive(Default)]
pub(super) struct Ledger {
    running: BTreeMap<Item, Vec<RunLease>>,
    /// The run that was started last.
    latest: BTreeMap<Item, (ProcessId, u64)>,
    /// Deliveries of runs that somebody has succeeded already.
    overlaps: BTreeMap<(Item, ProcessId, u64), u32>,
    starts: u64,
}

impl Ledger {
    /// Invariant 5: nobody else may be able to act for the item when a run begins.
    pub(super) fn start(&mut self, now: Time, item: &Item, lease: &RunLease) -> Result<(), String> {
        self.starts += 1;
        let running = self.running.entry(item.clone()).or_default();
        let other = running.iter().find(|other| other.may_act_at(now)).map(|other| other.process);
        running.retain(|other| !other.is_cancelled());
        running.push(lease.clone());
        self.latest.insert(item.clone(), (lease.process, lease.run));
        match other {
            Some(other) => Err(format!(
                "{item} starts on w{} while w{} still runs it and may act",
                lease.process.worker, other.worker
            )),
            None => Ok(()),
        }
    }

    /// The stop of a run is confirmed.
    pub(super) fn stop(&mut self, item: &Item, lease: &RunLease) {
        if let Some(running) = self.running.get_mut(item) {
            running.retain(|other| (other.process, other.run) != (lease.process, lease.run));
        }
    }

    pub(super) fn bury(&mut self, process: ProcessId) {
        self.running.values_mut().for_each(|running| running.retain(|lease| lease.process != process));
    }

    /// Something of a run arrives: at most one delivery that was on the wire when another run had begun.
    pub(super) fn arrives(&mut self, item: &Item, lease: &RunLease) -> Result<(), String> {
        if self.latest.get(item) == Some(&(lease.process, lease.run)) {
            return Ok(());
        }
        let overlap = self.overlaps.entry((item.clone(), lease.process, lease.run)).or_default();
        *overlap += 1;
        if *overlap > 1 {
            return Err(format!(
                "{overlap} deliveries of {item} by w{} arrive after another owner has started",
                lease.process.worker
            ));
        }
        Ok(())
    }

    /// Every item with the processes that run it.
    pub(super) fn owners(&self) -> BTreeMap<Item, BTreeSet<ProcessId>> {
        let processes = |leases: &Vec<RunLease>| {
            leases.iter().filter(|lease| !lease.is_cancelled()).map(|lease| lease.process).collect::<BTreeSet<_>>()
        };
        let all = self.running.iter().map(|(item, leases)| (item.clone(), processes(leases)));
        all.filter(|(_, processes)| !processes.is_empty()).collect()
    }

    /// So many runs were begun.
    pub(super) fn starts(&self) -> u64 {
        self.starts
    }

    /// So many late deliveries were seen.
    pub(super) fn overlaps(&self) -> usize {
        self.overlaps.len()
    }
}
