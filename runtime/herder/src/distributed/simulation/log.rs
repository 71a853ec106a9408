//! The config topic on the simulated broker: appends take their time, readers lag, wires are cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sluice_kafka::Tenure;
use sluice_storage::Error;
use sluice_storage::config::log::{LogEntry, LogLink};
use tokio::sync::{mpsc, oneshot};

use super::coordinator::Time;
use super::world::{Clock, Follower, ProcessId, State, World};

const WAIT_FOR_EARLIER: Duration = Duration::from_millis(10);

/// One process's way to the config topic. As the Kafka log does, it asks the tenure before it sends.
pub(super) struct SimLog {
    pub(super) world: World,
    pub(super) process: ProcessId,
    pub(super) clock: Clock,
    pub(super) tenure: Tenure,
    /// Raised by a purge: what was sent before and is held back is dropped.
    pub(super) purges: Arc<AtomicU64>,
}

impl SimLog {
    fn purged(&self) -> u64 {
        self.purges.load(Ordering::Relaxed)
    }
}

impl LogLink for SimLog {
    fn append(&self, entries: Vec<LogEntry>) -> oneshot::Receiver<Result<(), Error>> {
        let (answer, receiver) = oneshot::channel();
        if !self.tenure.is_held() {
            answer.send(Err(Error::Closed("this worker is out of the group".to_owned()))).ok();
            return receiver;
        }
        let (process, sent) = (self.process, self.clock.now());
        let (purges, before) = (self.purges.clone(), self.purged());
        let mut state = self.world.state();
        let lag = state.wires[process.worker].write_lag;
        let keep = move || purges.load(Ordering::Relaxed) == before;
        state.send_to_topics(process, sent + lag, keep, move |state| {
            state.append(process, entries);
            let time = state.now + state.hop();
            state.deed_at(time, move |_| {
                answer.send(Ok(())).ok();
            });
        });
        drop(state);
        self.clock.sent.notify_one();
        receiver
    }

    fn end(&self) -> oneshot::Receiver<i64> {
        let (answer, receiver) = oneshot::channel();
        let (process, sent) = (self.process, self.clock.now());
        self.world.state().send_to_topics(
            process,
            sent,
            || true,
            move |state| {
                let (end, time) = (state.log.len() as i64, state.now + state.hop());
                state.deed_at(time, move |_| {
                    answer.send(end).ok();
                });
            },
        );
        self.clock.sent.notify_one();
        receiver
    }

    fn follow(&self) -> mpsc::UnboundedReceiver<(i64, LogEntry)> {
        let (entries, receiver) = mpsc::unbounded_channel();
        let (process, sent) = (self.process, self.clock.now());
        self.world.state().send_to_topics(
            process,
            sent,
            || true,
            move |state| {
                state.followers.push(Follower { process, entries, reaches: Time::ZERO, next: 0 });
                let all = state.log.iter().cloned().enumerate().collect::<Vec<_>>();
                let follower = state.followers.len() - 1;
                all.into_iter().for_each(|(offset, entry)| state.show(follower, offset, entry));
            },
        );
        self.clock.sent.notify_one();
        receiver
    }

    fn purge(&self) {
        self.purges.fetch_add(1, Ordering::Relaxed);
    }
}

impl State {
    /// Entries get into the log, and on their way to every reader.
    pub(super) fn append(&mut self, process: ProcessId, entries: Vec<LogEntry>) {
        for entry in entries {
            let offset = self.log.len();
            self.note(|| format!("w{} appends {offset}: {}", process.worker, text(&entry.0)));
            self.log.push(entry.clone());
            for follower in 0..self.followers.len() {
                self.show(follower, offset, entry.clone());
            }
        }
    }

    /// One entry on its way to one reader, behind the ones before. A reader that is cut off gets it when it is not any more.
    fn show(&mut self, follower: usize, offset: usize, entry: LogEntry) {
        let hop = self.hop();
        let Follower { process, entries, reaches, .. } = &mut self.followers[follower];
        let (process, entries) = (*process, entries.clone());
        let time = (*reaches).max(self.now + hop + self.wires[process.worker].read_lag);
        *reaches = time;
        self.deed_at(time, move |state| deliver(state, process, entries, offset as i64, entry));
    }
}

fn deliver(
    state: &mut State,
    process: ProcessId,
    entries: mpsc::UnboundedSender<(i64, LogEntry)>,
    offset: i64,
    entry: LogEntry,
) {
    let now = state.now;
    if !state.holds_back(process.worker) {
        let Some(follower) = state.followers.iter_mut().find(|follower| follower.process == process) else { return };
        if follower.next == offset {
            follower.next += 1;
            // The process may have stopped to read.
            entries.send((offset, entry)).ok();
        } else {
            // What was held back is still on its way.
            state.deed_at(now + WAIT_FOR_EARLIER, move |state| deliver(state, process, entries, offset, entry));
        }
        return;
    }
    state.send_to_topics(process, now, || true, move |state| deliver(state, process, entries, offset, entry));
}

fn text(key: &Bytes) -> String {
    String::from_utf8_lossy(key).into_owned()
}
