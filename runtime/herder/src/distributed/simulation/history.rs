//! From a seed to a history: who is there, what is configured, what happens when.

use std::time::Duration;

use sluice_api::Properties;
use sluice_storage::TargetState;

use super::coordinator::Time;
use super::random::Random;
use super::step::{Cut, Operation, Step};
use super::world::WorkerId;
use crate::group::ConnectProtocol;

/// When everybody has started.
const BEGUN_MS: u64 = 9_000;
/// When the faults are over.
pub(super) const HEAL_MS: u64 = 32_000;

/// One history.
#[derive(Debug)]
pub(super) struct History {
    pub(super) protocols: Vec<ConnectProtocol>,
    pub(super) connectors: Vec<(String, Properties)>,
    pub(super) steps: Vec<(Time, Step)>,
}

impl History {
    /// With at most `most_workers` workers; `eager` ones among them when asked for.
    pub(super) fn of(random: &mut Random, most_workers: u64, eager: bool) -> Self {
        let workers = random.between(1, 5).min(most_workers) as usize;
        let mixed = random.one_in(10);
        let protocols =
            (0..workers).map(|_| if mixed { protocol(random, eager) } else { ConnectProtocol::Sessioned }).collect();
        let slow = random.one_in(5);
        let connectors = (0..random.between(1, 4)).map(|number| connector(random, number, slow)).collect();
        let mut steps: Vec<_> = (0..workers).map(|worker| (random.millis(0, 2_000), Step::Start(worker))).collect();
        for _ in 0..random.between(0, 6) {
            fault(random, workers, &mut steps);
        }
        for _ in 0..random.between(0, 4) {
            let worker = random.between(0, workers as u64 - 1) as usize;
            steps.push((random.millis(BEGUN_MS, HEAL_MS - 2_000), Step::Ask(worker, operation(random))));
        }
        steps.push((Duration::from_millis(HEAL_MS), Step::Heal));
        Self { protocols, connectors, steps }
    }
}

fn protocol(random: &mut Random, eager: bool) -> ConnectProtocol {
    match random.between(0, 2) {
        0 if eager => ConnectProtocol::Eager,
        1 => ConnectProtocol::Compatible,
        _ => ConnectProtocol::Sessioned,
    }
}

fn connector(random: &mut Random, number: u64, slow: bool) -> (String, Properties) {
    let name = format!("c{number}");
    let mut config = config(&name, random.between(1, 3), 0);
    if slow {
        config.insert("slow.stop.ms".to_owned(), random.between(0, 6_000).to_string());
    }
    (name, config)
}

/// A valid config of a connector.
pub(super) fn config(name: &str, tasks: u64, version: u64) -> Properties {
    let (tasks, version) = (tasks.to_string(), version.to_string());
    [("name", name), ("connector.class", super::process::CLASS), ("tasks.max", &tasks), ("version", &version)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into_iter()
        .collect()
}

/// A trouble and its end.
fn fault(random: &mut Random, workers: usize, steps: &mut Vec<(Time, Step)>) {
    let worker: WorkerId = random.between(0, workers as u64 - 1) as usize;
    let begin = random.millis(BEGUN_MS, HEAL_MS - 3_000);
    let (short, long) = (random.millis(200, 4_000), random.millis(8_000, 16_000));
    let lasting = if random.one_in(2) { short } else { long };
    let end = begin + lasting;
    match random.between(0, 8) {
        0 | 1 => {
            steps.push((begin, Step::Crash(worker)));
            steps.push((end, Step::Start(worker)));
        }
        2 | 3 => {
            steps.push((begin, Step::Freeze(worker)));
            steps.push((end, Step::Thaw(worker)));
        }
        4 => {
            let [coordinator, topics, peers] = [2, 2, 3].map(|many| random.one_in(many));
            steps.push((begin, Step::Cut(worker, Cut { coordinator, topics, peers })));
            steps.push((end, Step::Cut(worker, Cut::default())));
        }
        5 => {
            steps.push((begin, Step::CoordinatorStops));
            steps.push((end, Step::CoordinatorStarts { with_memory: !random.one_in(4) }));
        }
        6 => {
            let (read, write) = (random.millis(0, 4_000), random.millis(0, 3_000));
            steps.push((begin, Step::Lag(worker, read, write)));
            steps.push((end, Step::Lag(worker, Duration::ZERO, Duration::ZERO)));
        }
        7 => {
            steps.push((begin, Step::LeaderCrashes));
            steps.push((begin + Duration::from_millis(200), Step::Crash(worker)));
            steps.push((end, Step::Start(worker)));
        }
        _ => {
            steps.push((begin, Step::ShutDown(worker)));
            steps.push((end, Step::Start(worker)));
        }
    }
}

fn operation(random: &mut Random) -> Operation {
    let connector = format!("c{}", random.between(0, 5));
    let tasks = random.between(1, 4);
    match random.between(0, 8) {
        0 | 1 => Operation::Create { connector, tasks },
        2 | 3 => Operation::Replace { connector, tasks, version: random.next() },
        4 => Operation::Target(connector, TargetState::Paused),
        5 => Operation::Target(connector, TargetState::Stopped),
        6 => Operation::Delete(connector),
        7 => Operation::RestartConnector(connector),
        _ => Operation::RestartTasks(connector),
    }
}
