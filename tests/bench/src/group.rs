//! A Connect group without its brokers: members that do what their assignments say, and a leader.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use bytes::Bytes;
use sluice_herder::group::{
    Assignment, AssignmentError, ConnectorsAndTasks, IncrementalAssignor, ProtocolVersion, RoundInput, WorkerState,
};
use sluice_storage::ClusterConfigState;

const TASKS_PER_CONNECTOR: u32 = 10;
/// `scheduled.rebalance.max.delay.ms` by default.
const MAX_DELAY_MS: i32 = 300_000;
const VERSION: ProtocolVersion = ProtocolVersion::V2;

/// How large the group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) workers: usize,
    pub(crate) tasks: u32,
}

/// The members with what they hold, and what their leader remembers.
pub(crate) struct Group {
    size: Size,
    members: BTreeMap<String, Option<ConnectorsAndTasks>>,
    configs: ClusterConfigState,
    assignor: IncrementalAssignor,
    generation: i32,
    now_ms: i64,
}

impl Group {
    /// One worker is still to come.
    pub(crate) fn new(size: Size) -> Self {
        let members = (1..size.workers).map(|number| (member(number), None)).collect();
        Group {
            size,
            members,
            configs: configs(size.tasks),
            assignor: IncrementalAssignor::new(MAX_DELAY_MS),
            generation: 0,
            now_ms: 1,
        }
    }

    pub(crate) fn admit(&mut self) {
        self.members.insert(member(self.size.workers), None);
    }

    /// The member that came first is gone; the leader is another one.
    pub(crate) fn dismiss(&mut self) {
        self.members.pop_first();
    }

    pub(crate) fn wait_out_the_delay(&mut self) {
        self.now_ms += i64::from(MAX_DELAY_MS);
    }

    /// What every member sends when it joins.
    pub(crate) fn metadata(&self) -> Vec<(String, Bytes)> {
        let encoded = |(id, held): (&String, &Option<ConnectorsAndTasks>)| {
            let allocation = held.as_ref().map(|held| self.assignment(held.clone(), ConnectorsAndTasks::default(), 0));
            let state = WorkerState { url: url(id), config_offset: self.configs.offset, allocation };
            (id.clone(), state.encode(VERSION))
        };
        self.members.iter().map(encoded).collect()
    }

    /// The leader's part of a round.
    pub(crate) fn lead(&mut self, metadata: &[(String, Bytes)]) -> Result<Vec<(String, Bytes)>> {
        let mut members = BTreeMap::new();
        for (id, bytes) in metadata {
            let held = WorkerState::decode(bytes)?.allocation.map(|allocation| allocation.assigned);
            members.insert(id.clone(), held.unwrap_or_default());
        }
        self.generation += 1;
        let round = RoundInput {
            now_ms: self.now_ms,
            configured: ConnectorsAndTasks::configured(&self.configs),
            last_completed_generation: self.generation - 1,
            generation: self.generation,
            members,
        };
        let outcome = self.assignor.assign(&round);
        let delay_ms = outcome.delay_ms;
        let encoded = outcome
            .members
            .into_iter()
            .map(|(id, part)| (id, self.assignment(part.assigned, part.revoked, delay_ms).encode(VERSION)));
        Ok(encoded.collect())
    }

    /// Every member reads its assignment and does what it says.
    pub(crate) fn apply(&mut self, assignments: &[(String, Bytes)]) -> Result<()> {
        ensure!(assignments.len() == self.members.len(), "{} assignments", assignments.len());
        for (id, bytes) in assignments {
            let assignment = Assignment::decode(bytes)?;
            let held = self.members.entry(id.clone()).or_default().get_or_insert_default();
            held.connectors.retain(|connector| !assignment.revoked.connectors.contains(connector));
            held.tasks.retain(|task| !assignment.revoked.tasks.contains(task));
            held.connectors.extend(assignment.assigned.connectors);
            held.tasks.extend(assignment.assigned.tasks);
        }
        Ok(())
    }

    /// Whether every connector and task is held once, and nobody holds more than one more of a kind than another.
    pub(crate) fn is_whole_and_even(&self) -> bool {
        let all = ConnectorsAndTasks::configured(&self.configs);
        let held: Vec<&ConnectorsAndTasks> = self.members.values().flatten().collect();
        let connectors: Vec<usize> = held.iter().map(|held| held.connectors.len()).collect();
        let tasks: Vec<usize> = held.iter().map(|held| held.tasks.len()).collect();
        let known =
            |held: &&ConnectorsAndTasks| held.connectors.is_subset(&all.connectors) && held.tasks.is_subset(&all.tasks);
        connectors.iter().sum::<usize>() == all.connectors.len()
            && tasks.iter().sum::<usize>() == all.tasks.len()
            && held.iter().all(known)
            && [connectors, tasks]
                .iter()
                .all(|counts| counts.iter().max() <= counts.iter().min().map(|min| min + 1).as_ref())
    }

    fn assignment(&self, assigned: ConnectorsAndTasks, revoked: ConnectorsAndTasks, delay_ms: i32) -> Assignment {
        let leader = self.members.keys().next().cloned().unwrap_or_default();
        let leader_url = url(&leader);
        let config_offset = self.configs.offset;
        Assignment { error: AssignmentError::None, leader, leader_url, config_offset, assigned, revoked, delay_ms }
    }
}

fn configs(tasks: u32) -> ClusterConfigState {
    let mut state = ClusterConfigState { offset: i64::from(tasks), ..ClusterConfigState::default() };
    for number in 0..tasks / TASKS_PER_CONNECTOR {
        let name = format!("orders-of-shop-{number:05}-to-warehouse");
        state.connector_configs.insert(name.clone(), Default::default());
        state.task_counts.insert(name, TASKS_PER_CONNECTOR);
    }
    state
}

/// As long as the ids that a broker gives.
fn member(number: usize) -> String {
    format!("connect-worker-{number:04}-6a1f8c3e-52d7-4c39-9f0b-1d2e3f4a5b6c")
}

fn url(member: &str) -> String {
    format!("http://{}.connect.example:8083/", &member[..19])
}
