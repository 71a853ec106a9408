//! The driver of a history: always lets the worker run that is furthest behind, up to the next event, and does the steps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sluice_storage::config::log::connector_entries;
use sluice_storage::status::MemoryStatusBackingStore;
use sluice_storage::{ConfigBackingStore, ConnectorTaskId, TargetState};

use super::client::ask;
use super::coordinator::Time;
use super::history::{HEAL_MS, History};
use super::invariants::unsettled;
use super::ledger::Item;
use super::peers::Directory;
use super::plane::task_configs;
use super::planted::Planted;
use super::process::{MAX_DELAY, Process, REQUEST_TIMEOUT, SHUTDOWN_LIMIT, Surroundings, TIMES};
use super::random::Random;
use super::step::{Cut, Step};
use super::world::{Event, ProcessId, WorkerId, World};
use crate::group::ConnectProtocol;

/// The longest time that a worker runs ahead of the others.
const SLICE: Duration = Duration::from_millis(250);
/// After the last fault: a session that has to end, the delay, and then the cluster settles.
const SETTLE_LIMIT: Duration =
    Duration::from_secs(TIMES.session.as_secs() + MAX_DELAY.as_secs() + SETTLES_WITHIN.as_secs());
const SETTLES_WITHIN: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(500);
const TASKS_GO_ON_WITHIN: Duration = Duration::from_secs(3);

/// What came of a history.
pub(super) struct Outcome {
    pub(super) violation: Option<String>,
    /// From the end of the faults until the cluster had settled.
    pub(super) settled_after: Option<Duration>,
    pub(super) overlaps: usize,
    pub(super) generations: i32,
    pub(super) trace: Vec<String>,
}

/// What is to be simulated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) seed: u64,
    pub(super) planted: Planted,
    pub(super) most_workers: u64,
    /// Whether some workers speak the eager protocol alone.
    pub(super) eager: bool,
    pub(super) traced: bool,
}

/// Runs one history.
pub(super) fn simulate(setting: Setting) -> Outcome {
    let mut random = Random::new(setting.seed);
    let history = History::of(&mut random, setting.most_workers, setting.eager);
    Cluster::new(setting, history, random).run()
}

struct Cluster {
    world: World,
    protocols: Vec<ConnectProtocol>,
    processes: Vec<Option<Process>>,
    incarnations: Vec<u32>,
    directory: Directory,
    statuses: Arc<MemoryStatusBackingStore>,
    clocks_off_ms: Vec<i64>,
    asked: u64,
    settled_after: Option<Duration>,
    /// How far each task's input was when the cluster had settled.
    delivered: BTreeMap<ConnectorTaskId, u64>,
    /// How many runs had begun by then.
    starts: u64,
    over: bool,
}

impl Cluster {
    fn new(setting: Setting, history: History, mut random: Random) -> Self {
        let workers = history.protocols.len();
        let off = |random: &mut Random| if random.one_in(5) { 7_200_000 } else { 0 };
        let clocks_off_ms = (0..workers).map(|_| off(&mut random)).collect();
        let world = World::new(random, workers, setting.planted, setting.traced);
        {
            let mut state = world.state();
            state.note(|| format!("{setting:?}, {:?}", history.protocols));
            for (name, config) in &history.connectors {
                state.log.extend(connector_entries(name, config, &task_configs(config)));
            }
            for (time, step) in history.steps {
                state.at(time, Event::Step(step));
            }
        }
        Self {
            world,
            protocols: history.protocols,
            processes: (0..workers).map(|_| None).collect(),
            incarnations: vec![0; workers],
            directory: Directory::default(),
            statuses: Arc::default(),
            clocks_off_ms,
            asked: 0,
            settled_after: None,
            delivered: BTreeMap::new(),
            starts: 0,
            over: false,
        }
    }

    fn run(mut self) -> Outcome {
        while !self.over && self.world.state().violation.is_none() {
            let Some(next) = self.world.next_time() else { break };
            match self.furthest_behind(next) {
                Some(process) => {
                    let time = next.min(process.time + SLICE);
                    process.run_until(time);
                }
                None => {
                    if let Some(step) = self.world.advance() {
                        self.take(step);
                    }
                }
            }
        }
        for process in std::mem::take(&mut self.processes).into_iter().flatten() {
            process.end(&self.world, &self.directory);
        }
        let mut state = self.world.state();
        Outcome {
            violation: state.violation.take(),
            settled_after: self.settled_after,
            overlaps: state.ledger.overlaps(),
            generations: state.coordinator.generation(),
            trace: state.trace.take().unwrap_or_default(),
        }
    }

    fn furthest_behind(&mut self, next: Time) -> Option<&mut Process> {
        let running = self.processes.iter_mut().flatten().filter(|process| !process.frozen && process.time < next);
        running.min_by_key(|process| process.time)
    }

    fn take(&mut self, step: Step) {
        self.world.state().note(|| format!("*** {step:?}"));
        match step {
            Step::Start(worker) => self.start(worker),
            Step::Crash(worker) => self.crash(worker),
            Step::Freeze(worker) => self.freeze(worker),
            Step::Thaw(worker) => self.thaw(worker),
            Step::ShutDown(worker) => self.shut_down(worker),
            Step::MustHaveEnded(worker, incarnation) => self.must_have_ended(worker, incarnation),
            Step::Cut(worker, cut) => self.cut(worker, cut),
            Step::Lag(worker, read, write) => {
                let mut state = self.world.state();
                (state.wires[worker].read_lag, state.wires[worker].write_lag) = (read, write);
            }
            Step::CoordinatorStops => self.world.state().coordinator_stops(),
            Step::CoordinatorStarts { with_memory } => self.coordinator_starts(with_memory),
            Step::LeaderCrashes => self.world.state().leader_crashes = true,
            Step::Ask(worker, operation) => {
                self.asked += 1;
                if let Some(process) = self.processes[worker].as_ref().filter(|process| !process.has_ended()) {
                    ask(&self.world, &self.directory, &process.url(), self.asked, operation, 0);
                }
            }
            Step::Heal => self.heal(),
            Step::LookSettled => self.look_settled(),
            Step::LookAlive => self.look_alive(),
        }
    }

    fn start(&mut self, worker: WorkerId) {
        if self.processes[worker].as_ref().is_some_and(Process::has_ended) {
            self.crash(worker);
        }
        if self.processes[worker].is_some() {
            return;
        }
        self.incarnations[worker] += 1;
        let id = ProcessId { worker, incarnation: self.incarnations[worker] };
        let surroundings = Surroundings {
            world: &self.world,
            directory: &self.directory,
            statuses: &self.statuses,
            protocol: self.protocols[worker],
            clock_off_ms: self.clocks_off_ms[worker],
        };
        self.processes[worker] = Some(Process::start(id, &surroundings));
    }

    fn crash(&mut self, worker: WorkerId) {
        if let Some(process) = self.processes[worker].take() {
            process.end(&self.world, &self.directory);
        }
    }

    fn freeze(&mut self, worker: WorkerId) {
        if let Some(process) = &mut self.processes[worker] {
            process.frozen = true;
            self.world.state().wires[worker].frozen = true;
        }
    }

    fn thaw(&mut self, worker: WorkerId) {
        let now = self.world.state().now;
        {
            let mut state = self.world.state();
            state.wires[worker].frozen = false;
            state.release(worker);
        }
        if let Some(process) = self.processes[worker].as_mut().filter(|process| process.frozen) {
            process.wake_at(now);
        }
    }

    fn shut_down(&mut self, worker: WorkerId) {
        let Some(process) = self.processes[worker].as_ref().filter(|process| !process.frozen) else { return };
        process.shut_down();
        let mut state = self.world.state();
        let time = state.now + SHUTDOWN_LIMIT;
        state.at(time, Event::Step(Step::MustHaveEnded(worker, process.id.incarnation)));
    }

    // Invariant 7.
    fn must_have_ended(&mut self, worker: WorkerId, incarnation: u32) {
        let Some(process) = self.processes[worker].as_ref() else { return };
        if process.id.incarnation == incarnation && !process.frozen && !process.has_ended() {
            self.world
                .state()
                .violated(|| format!("w{worker} has not ended {} s after it was told to", SHUTDOWN_LIMIT.as_secs()));
        }
    }

    fn cut(&mut self, worker: WorkerId, cut: Cut) {
        let mut state = self.world.state();
        let wires = &mut state.wires[worker];
        (wires.cut_from_coordinator, wires.cut_from_topics) = (cut.coordinator, cut.topics);
        wires.cut_from_peers = cut.peers;
        if !cut.coordinator {
            state.reconnect(worker);
        }
        state.release(worker);
    }

    fn coordinator_starts(&mut self, with_memory: bool) {
        let mut state = self.world.state();
        if state.coordinator_away {
            state.coordinator_starts(with_memory);
        }
    }

    fn heal(&mut self) {
        self.coordinator_starts(true);
        self.world.state().leader_crashes = false;
        for worker in 0..self.processes.len() {
            self.cut(worker, Cut::default());
            self.thaw(worker);
            self.start(worker);
            let mut state = self.world.state();
            (state.wires[worker].read_lag, state.wires[worker].write_lag) = Default::default();
        }
        let mut state = self.world.state();
        let time = state.now + LOOK_AGAIN;
        state.at(time, Event::Step(Step::LookSettled));
    }

    fn look_settled(&mut self) {
        let healed = Duration::from_millis(HEAL_MS);
        for worker in 0..self.processes.len() {
            // One that was shutting down when the faults were over.
            if self.processes[worker].as_ref().is_none_or(Process::has_ended) {
                self.start(worker);
            }
        }
        let unsettled = unsettled(&self.world, &self.processes);
        let mut state = self.world.state();
        let since = state.now - healed;
        match unsettled {
            None => {
                self.settled_after = Some(since);
                self.starts = state.ledger.starts();
                let tasks = state.ledger.owners().into_keys().filter_map(|item| match item {
                    Item::Task(id) => Some(id),
                    Item::Connector(_) => None,
                });
                let tasks: Vec<ConnectorTaskId> = tasks.collect();
                self.delivered = tasks.into_iter().map(|id| (id.clone(), state.topic.input(&id).delivered)).collect();
                let time = state.now + TASKS_GO_ON_WITHIN;
                state.at(time, Event::Step(Step::LookAlive));
            }
            Some(reason) if since > SETTLE_LIMIT => {
                state.violated(|| format!("not settled {:.1} s after the last fault: {reason}", since.as_secs_f64()));
            }
            Some(reason) => {
                state.note(|| format!("not settled: {reason}"));
                let time = state.now + LOOK_AGAIN;
                state.at(time, Event::Step(Step::LookSettled));
            }
        }
    }

    /// Tasks that are to run have gone on, and every request was answered that a living worker had.
    fn look_alive(&mut self) {
        let moved = self.world.state().ledger.starts() != self.starts;
        let moved = moved.then(|| "something has started since".to_owned());
        if let Some(reason) = unsettled(&self.world, &self.processes).or(moved) {
            let mut state = self.world.state();
            state.note(|| format!("settled no more: {reason}"));
            let now = state.now;
            return state.at(now, Event::Step(Step::LookSettled));
        }
        let Some(process) = self.processes.iter().flatten().next() else { return };
        let snapshot = process.configs.snapshot();
        let mut state = self.world.state();
        let tasks = snapshot.connectors().filter(|name| snapshot.target_state(name) == Some(TargetState::Started));
        for id in tasks.flat_map(|name| snapshot.tasks(name)) {
            let (before, now) = (self.delivered.get(&id), state.topic.input(&id).delivered);
            if before.is_some_and(|before| now <= *before) {
                state.violated(|| format!("task {id} stands still at {now}"));
            }
        }
        let (now, alive) = (state.now, state.alive.clone());
        let waiting = state.requests.iter().filter(|(_, asked)| alive.contains(&asked.process));
        match waiting
            .map(|(number, asked)| (asked.since, *number, asked.operation.clone()))
            .min_by_key(|(since, ..)| *since)
        {
            None => self.over = true,
            Some((since, number, operation)) if now > since + REQUEST_TIMEOUT + LOOK_AGAIN * 2 => {
                state.violated(|| format!("request {number} was never answered: {operation:?}"));
            }
            Some(_) => state.at(now + TASKS_GO_ON_WITHIN, Event::Step(Step::LookAlive)),
        }
    }
}
