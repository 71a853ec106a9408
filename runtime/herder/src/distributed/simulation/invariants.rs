//! What must hold of a round, and of the cluster in the end.

use std::collections::{BTreeMap, BTreeSet};

use sluice_storage::ConfigBackingStore;

use super::coordinator::Request;
use super::ledger::Item;
use super::process::Process;
use super::world::{ProcessId, State, World};
use crate::group::{Assignment, AssignmentError, ConnectorsAndTasks, WorkerState};

impl State {
    /// Invariant 5, as far as an assignment goes: after a round no item is held by two members.
    pub(super) fn inspect_round(&mut self, process: ProcessId, request: &Request) {
        let Request::Sync { assignments, generation, .. } = request else { return };
        let counts = self.coordinator.awaits_assignments() && *generation == self.coordinator.generation();
        if assignments.is_empty() || !counts {
            return;
        }
        let (protocol, metadata) = self.coordinator.round();
        let eager = protocol == "default";
        let metadata: BTreeMap<String, _> = metadata.into_iter().collect();
        let mut holders = BTreeMap::<Item, String>::new();
        let mut twice = None;
        for (member, bytes) in assignments {
            let Ok(assignment) = Assignment::decode(bytes) else {
                return self.violated(|| format!("w{} hands in an assignment that cannot be read", process.worker));
            };
            if assignment.error != AssignmentError::None {
                return;
            }
            let held = metadata.get(member).and_then(|bytes| WorkerState::decode(bytes).ok()?.allocation);
            let held = held.filter(|_| !eager).map(|held| held.assigned).unwrap_or_default();
            for item in items(&after(held, &assignment)) {
                if let Some(other) = holders.insert(item.clone(), member.clone()) {
                    twice.get_or_insert((item, other, member.clone()));
                }
            }
        }
        if let Some((item, one, other)) = twice {
            self.violated(|| format!("generation {generation} gives {item} to {one} and to {other}"));
        }
    }
}

fn after(mut held: ConnectorsAndTasks, assignment: &Assignment) -> ConnectorsAndTasks {
    held.connectors.retain(|connector| !assignment.revoked.connectors.contains(connector));
    held.tasks.retain(|task| !assignment.revoked.tasks.contains(task));
    held.connectors.extend(assignment.assigned.connectors.iter().cloned());
    held.tasks.extend(assignment.assigned.tasks.iter().cloned());
    held
}

fn items(work: &ConnectorsAndTasks) -> BTreeSet<Item> {
    let connectors = work.connectors.iter().cloned().map(Item::Connector);
    connectors.chain(work.tasks.iter().cloned().map(Item::Task)).collect()
}

/// Why the cluster has not settled: everything that is configured runs once, shared evenly, and everybody knows the same.
pub(super) fn unsettled(world: &World, processes: &[Option<Process>]) -> Option<String> {
    let living: Vec<&Process> = processes.iter().flatten().collect();
    let state = world.state();
    if living.len() < processes.len() {
        return Some("somebody is missing".to_owned());
    }
    if !state.coordinator.is_stable() {
        return Some("the group is rebalancing".to_owned());
    }
    let end = state.log.len() as i64;
    if let Some(behind) = living.iter().find(|process| process.configs.snapshot().offset != end) {
        return Some(format!("w{} has not read the config topic to {end}", behind.id.worker));
    }
    let snapshot = living.first()?.configs.snapshot();
    // Invariant 4.
    if let Some(other) = living.iter().find(|process| process.configs.snapshot() != snapshot) {
        return Some(format!("w{} has another state from the same log", other.id.worker));
    }
    let configured = items(&ConnectorsAndTasks::configured(&snapshot));
    let owners = state.ledger.owners();
    for item in &configured {
        match owners.get(item).map_or(0, BTreeSet::len) {
            1 => {}
            count => return Some(format!("{item} runs {count} times")),
        }
    }
    if let Some((item, _)) = owners.iter().find(|(item, _)| !configured.contains(*item)) {
        return Some(format!("{item} runs and is not configured"));
    }
    drop(state);
    if let Some(busy) = living.iter().find(|process| process.is_stopping()) {
        return Some(format!("something is stopping on w{}", busy.id.worker));
    }
    let uneven = |counts: Vec<usize>| counts.iter().max() > counts.iter().min().map(|least| least + 1).as_ref();
    if uneven(living.iter().map(|process| process.plane_connectors()).collect())
        || uneven(living.iter().map(|process| process.plane_tasks()).collect())
    {
        return Some("the work is not shared evenly".to_owned());
    }
    None
}
