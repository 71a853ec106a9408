//! What each worker will run after the round, while the round is being computed.

use std::collections::{BTreeMap, BTreeSet};

use sluice_storage::ConnectorTaskId;

use super::connectors_and_tasks::ConnectorsAndTasks;

/// Work by member id.
pub(super) type Loads = BTreeMap<String, ConnectorsAndTasks>;

/// Connectors and tasks are balanced apart, by the same rule.
pub(super) trait Kind {
    type Item: Ord + Clone;
    fn of(work: &ConnectorsAndTasks) -> &BTreeSet<Self::Item>;
    fn of_mut(work: &mut ConnectorsAndTasks) -> &mut BTreeSet<Self::Item>;
}

pub(super) struct Connectors;
pub(super) struct Tasks;

impl Kind for Connectors {
    type Item = String;
    fn of(work: &ConnectorsAndTasks) -> &BTreeSet<String> {
        &work.connectors
    }
    fn of_mut(work: &mut ConnectorsAndTasks) -> &mut BTreeSet<String> {
        &mut work.connectors
    }
}

impl Kind for Tasks {
    type Item = ConnectorTaskId;
    fn of(work: &ConnectorsAndTasks) -> &BTreeSet<ConnectorTaskId> {
        &work.tasks
    }
    fn of_mut(work: &mut ConnectorsAndTasks) -> &mut BTreeSet<ConnectorTaskId> {
        &mut work.tasks
    }
}

/// Everything that anyone runs.
pub(super) fn union(loads: &Loads) -> ConnectorsAndTasks {
    let mut all = ConnectorsAndTasks::default();
    loads.values().for_each(|work| all.add(work));
    all
}

/// Everything that more than one member runs.
pub(super) fn held_twice(loads: &Loads) -> ConnectorsAndTasks {
    let (mut once, mut twice) = (ConnectorsAndTasks::default(), ConnectorsAndTasks::default());
    for work in loads.values() {
        twice.add(&work.shared_with(&once));
        once.add(work);
    }
    twice
}

/// Gives each item to the member with the least of that kind, the lower member id first.
pub(super) fn give_to_least_loaded<K: Kind>(loads: &mut Loads, items: &BTreeSet<K::Item>) {
    for item in items {
        if let Some(work) = loads.values_mut().min_by_key(|work| K::of(work).len()) {
            K::of_mut(work).insert(item.clone());
        }
    }
}

/// Deals the items round `members`, beginning with the first. Members that are gone are left out by the caller.
pub(super) fn deal_round<K: Kind>(loads: &mut Loads, members: &[String], items: &BTreeSet<K::Item>) {
    for (item, member) in items.iter().zip(members.iter().cycle()) {
        if let Some(work) = loads.get_mut(member) {
            K::of_mut(work).insert(item.clone());
        }
    }
}

/// What to take from whom so that nobody holds more than a fair share of `total` items, counting those that nobody holds
/// yet (connect-worker.md 3.5, step 12a). The lowest items of a member go first. Empty when the shares are fair already.
pub(super) fn surplus<K: Kind>(loads: &Loads, total: usize) -> BTreeMap<String, BTreeSet<K::Item>> {
    let (share, mut extras) = (total / loads.len(), total % loads.len());
    let sizes = || loads.values().map(|work| K::of(work).len());
    let with_extra = sizes().filter(|size| *size == share + 1).count();
    if with_extra == extras && sizes().all(|size| size == share || size == share + 1) {
        return BTreeMap::new();
    }
    let mut surplus = BTreeMap::new();
    for (member, work) in loads {
        let held = K::of(work);
        if held.len() <= share {
            continue;
        }
        let allowed = share + usize::from(extras > 0);
        extras = extras.saturating_sub(1);
        if held.len() > allowed {
            surplus.insert(member.clone(), held.iter().take(held.len() - allowed).cloned().collect());
        }
    }
    surplus
}
