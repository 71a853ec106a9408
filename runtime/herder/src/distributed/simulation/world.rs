//! What all workers of a history share: virtual time, the events to come, the broker, the wires between, and what went wrong.
//!
//! World times are since the start of the history; the clock of each worker's runtime has a zero of its own, so no `Instant`
//! crosses from one worker to another. What a worker sends is an event at a later time; nothing reaches a worker but by an event.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sluice_storage::config::log::LogEntry;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::client::Asked;
use super::coordinator::{Answer, CallId, Coordinator, Request, Time};
use super::ledger::Ledger;
use super::planted::Planted;
use super::random::Random;
use super::step::Step;
use super::topic::RecordTopic;

/// Events happen on this grid, so that many of them share one waking of the workers.
const GRID_MS: u64 = 10;

/// A session, and what is on the wire at its end. A broker that loses its log cannot keep a group's promises for so long.
const FORGETTING: Duration = Duration::from_secs(12);

/// Which worker.
pub(super) type WorkerId = usize;

/// One process of a worker: a restart makes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProcessId {
    pub(super) worker: WorkerId,
    pub(super) incarnation: u32,
}

pub(super) type Deed = Box<dyn FnOnce(&mut State) + Send>;

/// Whether what a client holds back is still wanted: not after a purge.
pub(super) type Keep = Box<dyn Fn() -> bool + Send>;

/// What comes next.
pub(super) enum Event {
    /// On the wires and in the broker.
    Deed(Deed),
    /// By the driver of the history.
    Step(Step),
}

/// On a wire that is cut.
enum Stuck {
    Request(Request),
    Answer(Answer),
}

/// The wires of a worker.
#[derive(Default)]
pub(super) struct Wires {
    pub(super) cut_from_coordinator: bool,
    pub(super) cut_from_topics: bool,
    pub(super) cut_from_peers: bool,
    /// The process does not run: what its clients hold back stays there.
    pub(super) frozen: bool,
    /// How much longer than others this worker waits for what the config log brings.
    pub(super) read_lag: Duration,
    /// How much longer its appends take.
    pub(super) write_lag: Duration,
    /// What its clients hold back until the topics can be reached; dropped when it says no.
    held_back: Vec<(ProcessId, Keep, Deed)>,
}

struct Call {
    process: ProcessId,
    answer: oneshot::Sender<Answer>,
}

pub(super) struct Follower {
    pub(super) process: ProcessId,
    pub(super) entries: mpsc::UnboundedSender<(i64, LogEntry)>,
    /// Nothing overtakes what was sent before.
    pub(super) reaches: Time,
    /// The offset that is to come next.
    pub(super) next: i64,
}

/// See the module.
pub(super) struct State {
    pub(super) now: Time,
    pub(super) random: Random,
    events: BTreeMap<(Time, u64), Event>,
    sequence: u64,
    pub(super) coordinator: Coordinator,
    pub(super) coordinator_away: bool,
    /// The coordinator has forgotten who is in the group: until then, nobody can keep sessions apart.
    pub(super) forgotten_until: Time,
    calls: BTreeMap<CallId, Call>,
    next_call: CallId,
    /// What a cut wire holds: it arrives late, or the connection breaks.
    stuck: Vec<(ProcessId, oneshot::Sender<Answer>, Stuck)>,
    pub(super) log: Vec<LogEntry>,
    pub(super) followers: Vec<Follower>,
    pub(super) topic: RecordTopic,
    pub(super) ledger: Ledger,
    pub(super) wires: Vec<Wires>,
    /// The processes that live.
    pub(super) alive: BTreeSet<ProcessId>,
    pub(super) planted: Planted,
    /// The next leader of a round crashes before it hands in the assignments.
    pub(super) leader_crashes: bool,
    pub(super) requests: BTreeMap<u64, Asked>,
    pub(super) trace: Option<Vec<String>>,
    pub(super) violation: Option<String>,
}

/// A handle on the world.
#[derive(Clone)]
pub(super) struct World(Arc<Mutex<State>>);

impl World {
    pub(super) fn new(random: Random, workers: usize, planted: Planted, traced: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Time::ZERO,
            random,
            events: BTreeMap::new(),
            sequence: 0,
            coordinator: Coordinator::new(),
            coordinator_away: false,
            forgotten_until: Time::ZERO,
            calls: BTreeMap::new(),
            next_call: 0,
            stuck: Vec::new(),
            log: Vec::new(),
            followers: Vec::new(),
            topic: RecordTopic::default(),
            ledger: Ledger::default(),
            wires: (0..workers).map(|_| Wires::default()).collect(),
            alive: BTreeSet::new(),
            planted,
            leader_crashes: false,
            requests: BTreeMap::new(),
            trace: traced.then(Vec::new),
            violation: None,
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next event is.
    pub(super) fn next_time(&self) -> Option<Time> {
        self.state().events.keys().next().map(|(time, _)| *time)
    }

    /// The next event; deeds are done at once.
    pub(super) fn advance(&self) -> Option<Step> {
        let mut state = self.state();
        let ((time, _), event) = state.events.pop_first()?;
        state.now = time;
        match event {
            Event::Deed(deed) => {
                deed(&mut state);
                None
            }
            Event::Step(step) => Some(step),
        }
    }
}

impl State {
    pub(super) fn at(&mut self, time: Time, event: Event) {
        let grid = (time.max(self.now).as_micros() as u64).div_ceil(GRID_MS * 1000) * GRID_MS;
        self.sequence += 1;
        self.events.insert((Duration::from_millis(grid), self.sequence), event);
    }

    pub(super) fn deed_at(&mut self, time: Time, deed: impl FnOnce(&mut State) + Send + 'static) {
        self.at(time, Event::Deed(Box::new(deed)));
    }

    /// The time of one way over a wire.
    pub(super) fn hop(&mut self) -> Duration {
        self.random.millis(1, 3) * (GRID_MS as u32)
    }

    pub(super) fn note(&mut self, what: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:9.3} {}", now.as_secs_f64(), what()));
        }
    }

    /// A violation of Invariant 5 that is not the coordinator's own doing.
    pub(super) fn violated_unless_forgotten(&mut self, what: String) {
        if self.now > self.forgotten_until {
            self.violated(|| what);
        }
    }

    /// The first violation ends the history.
    pub(super) fn violated(&mut self, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            let what = what();
            self.note(|| format!("VIOLATED: {what}"));
            self.violation = Some(what);
        }
    }

    /// A request to the coordinator leaves a process.
    pub(super) fn call(&mut self, process: ProcessId, sent: Time, request: Request) -> oneshot::Receiver<Answer> {
        let (answer, receiver) = oneshot::channel();
        let hop = self.hop();
        self.deed_at(sent + hop, move |state| state.call_arrives(process, answer, request));
        receiver
    }

    fn call_arrives(&mut self, process: ProcessId, answer: oneshot::Sender<Answer>, request: Request) {
        if self.coordinator_away {
            // The connection is refused.
            return;
        }
        if self.wires[process.worker].cut_from_coordinator {
            self.stuck.push((process, answer, Stuck::Request(request)));
            return;
        }
        self.next_call += 1;
        let call = self.next_call;
        self.note(|| format!("w{}.{} asks {}", process.worker, process.incarnation, request.named()));
        self.inspect_round(process, &request);
        self.calls.insert(call, Call { process, answer });
        let now = self.now;
        self.coordinator.handle(now, call, request);
        self.coordinator_acted();
    }

    /// Sends what the coordinator has to say, and wakes it when something is due.
    pub(super) fn coordinator_acted(&mut self) {
        for (call, answer) in std::mem::take(&mut self.coordinator.out) {
            let Some(Call { process, answer: sender }) = self.calls.remove(&call) else { continue };
            if answer.makes_leader() && std::mem::take(&mut self.leader_crashes) {
                let time = self.now + Duration::from_millis(GRID_MS);
                self.at(time, Event::Step(Step::Crash(process.worker)));
            }
            let (time, generation) = (self.now + self.hop(), self.coordinator.generation());
            self.note(|| {
                format!(
                    "generation {generation} answers w{}.{} {}",
                    process.worker,
                    process.incarnation,
                    answer.named()
                )
            });
            self.deed_at(time, move |state| {
                if state.wires[process.worker].cut_from_coordinator {
                    state.stuck.push((process, sender, Stuck::Answer(answer)));
                } else {
                    // The caller may have given up.
                    sender.send(answer).ok();
                }
            });
        }
        if let Some(due) = self.coordinator.next_timer() {
            self.deed_at(due, |state| {
                let now = state.now;
                if !state.coordinator_away && state.coordinator.next_timer().is_some_and(|due| due <= now) {
                    state.coordinator.pass(now);
                    state.coordinator_acted();
                }
            });
        }
    }

    /// The wire to the coordinator is whole again: what was on it is sent once more, or its connections are broken.
    pub(super) fn reconnect(&mut self, worker: WorkerId) {
        let broken = self.random.one_in(2);
        let (stuck, others) =
            std::mem::take(&mut self.stuck).into_iter().partition(|(process, ..)| process.worker == worker);
        self.stuck = others;
        for (process, sender, what) in Vec::into_iter(stuck).filter(|_| !broken) {
            let time = self.now + self.hop();
            self.deed_at(time, move |state| match what {
                Stuck::Request(request) => state.call_arrives(process, sender, request),
                Stuck::Answer(answer) => {
                    sender.send(answer).ok();
                }
            });
        }
    }

    /// The broker that coordinates goes: every connection to it breaks.
    pub(super) fn coordinator_stops(&mut self) {
        self.coordinator_away = true;
        self.calls.clear();
        self.stuck.clear();
    }

    pub(super) fn coordinator_starts(&mut self, with_memory: bool) {
        self.coordinator_away = false;
        let now = self.now;
        if !with_memory {
            self.forgotten_until = now + FORGETTING;
        }
        self.coordinator.restart(now, with_memory);
        self.coordinator_acted();
    }

    /// Whether what goes to or comes from the topics has to wait: behind a cut, or behind what waits already.
    pub(super) fn holds_back(&self, worker: WorkerId) -> bool {
        let wires = &self.wires[worker];
        wires.cut_from_topics || !wires.held_back.is_empty()
    }

    /// Something for the topics leaves a client, or is held back until it can.
    pub(super) fn send_to_topics(
        &mut self,
        process: ProcessId,
        sent: Time,
        keep: impl Fn() -> bool + Send + 'static,
        deed: impl FnOnce(&mut State) + Send + 'static,
    ) {
        if self.holds_back(process.worker) {
            let wires = &mut self.wires[process.worker];
            wires.held_back.push((process, Box::new(keep), Box::new(deed)));
            return;
        }
        let hop = self.hop();
        self.deed_at(sent + hop, deed);
    }

    /// The topics can be reached again, or the process goes on: what was held back goes out in order.
    pub(super) fn release(&mut self, worker: WorkerId) {
        let wires = &mut self.wires[worker];
        if wires.frozen || wires.cut_from_topics {
            return;
        }
        let (held_back, now) = (std::mem::take(&mut wires.held_back), self.now);
        let hop = self.hop();
        for (process, keep, deed) in held_back {
            if self.alive.contains(&process) && keep() {
                self.at(now + hop, Event::Deed(deed));
            }
        }
        for follower in self.followers.iter_mut().filter(|follower| follower.process.worker == worker) {
            follower.reaches = follower.reaches.max(now + hop);
        }
    }

    /// A process is gone, with everything that its clients held back.
    pub(super) fn bury(&mut self, process: ProcessId) {
        self.alive.remove(&process);
        let wires = &mut self.wires[process.worker];
        wires.frozen = false;
        wires.held_back.retain(|(holder, ..)| *holder != process);
        self.followers.retain(|follower| follower.process != process);
        self.ledger.bury(process);
    }
}

/// Where a process is in time, and how it tells the driver that it has sent something.
#[derive(Clone)]
pub(super) struct Clock {
    /// The zero of its runtime.
    pub(super) zero: Instant,
    /// The world's time then.
    pub(super) born: Time,
    pub(super) sent: Arc<tokio::sync::Notify>,
}

impl Clock {
    /// The time of the process that runs.
    pub(super) fn now(&self) -> Time {
        self.world_time(Instant::now())
    }

    pub(super) fn world_time(&self, instant: Instant) -> Time {
        self.born + instant.saturating_duration_since(self.zero)
    }

    /// When the world's time is `time`.
    pub(super) fn instant(&self, time: Time) -> Instant {
        self.zero + time.saturating_sub(self.born)
    }
}
