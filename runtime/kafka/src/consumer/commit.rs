//! Commits, one after the other.
//!
//! The client library answers only blocking commits (it sets no commit callback, so librdkafka drops the outcome of
//! asynchronous ones), so they run on a short-lived thread. One thread for each consumer at a time: an older commit can
//! never overtake a newer one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use tokio::sync::{Notify, oneshot};

use super::offsets;
use super::rebalance::Group;
use super::record::TopicPartition;
use crate::client_log::lock;
use crate::error::{Error, ErrorKind};

/// How a commit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitResult {
    /// What [`Consumer::commit_async`](super::Consumer::commit_async) returned.
    pub id: u64,
    /// What was to be committed.
    pub offsets: Vec<(TopicPartition, i64)>,
    /// Whether it is.
    pub result: Result<(), Error>,
}

/// Who gets the outcome.
enum Answer {
    /// The next poll.
    Poll,
    /// A caller that waits.
    Waiter(oneshot::Sender<Result<(), Error>>),
}

struct Commit {
    id: u64,
    offsets: Vec<(TopicPartition, i64)>,
    answer: Answer,
}

/// The commits of one consumer that have not ended, and the outcomes that nobody has fetched yet.
pub(super) struct Commits {
    state: Mutex<State>,
    ready: Arc<Notify>,
}

#[derive(Default)]
struct State {
    next_id: u64,
    waiting: VecDeque<Commit>,
    running: bool,
    results: Vec<CommitResult>,
}

impl Commits {
    /// `ready` is told when there are results to take.
    pub(super) fn new(ready: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), ready })
    }

    /// Queues a commit whose outcome comes out of [`take_results`](Self::take_results), and returns its id.
    pub(super) fn start(
        self: &Arc<Self>,
        client: &Arc<BaseConsumer<Group>>,
        offsets: &[(TopicPartition, i64)],
    ) -> Result<u64, Error> {
        self.submit(client, offsets, Answer::Poll)
    }

    /// Queues a commit and waits for its outcome.
    pub(super) async fn wait(
        self: &Arc<Self>,
        client: &Arc<BaseConsumer<Group>>,
        offsets: &[(TopicPartition, i64)],
    ) -> Result<(), Error> {
        let (answer_tx, answer) = oneshot::channel();
        self.submit(client, offsets, Answer::Waiter(answer_tx))?;
        answer
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Closed, "committing offsets: the consumer is closed")))
    }

    pub(super) fn take_results(&self) -> Vec<CommitResult> {
        std::mem::take(&mut lock(&self.state).results)
    }

    fn submit(
        self: &Arc<Self>,
        client: &Arc<BaseConsumer<Group>>,
        offsets: &[(TopicPartition, i64)],
        answer: Answer,
    ) -> Result<u64, Error> {
        let mut state = lock(&self.state);
        state.next_id += 1;
        let id = state.next_id;
        state.waiting.push_back(Commit { id, offsets: offsets.to_vec(), answer });
        if !state.running {
            let (this, client) = (Arc::clone(self), Arc::clone(client));
            let started = std::thread::Builder::new().name("commit".to_owned()).spawn(move || this.run(&client));
            if let Err(error) = started {
                state.waiting.pop_back();
                return Err(Error::new(ErrorKind::Other, format!("committing offsets: {error}")));
            }
            state.running = true;
        }
        Ok(id)
    }

    fn run(&self, client: &BaseConsumer<Group>) {
        while let Some(commit) = self.next() {
            let result = run_one(client, &commit.offsets);
            match commit.answer {
                Answer::Poll => {
                    let done = CommitResult { id: commit.id, offsets: commit.offsets, result };
                    lock(&self.state).results.push(done);
                    self.ready.notify_one();
                }
                // The waiter may have given up.
                Answer::Waiter(answer) => drop(answer.send(result)),
            }
        }
    }

    fn next(&self) -> Option<Commit> {
        let mut state = lock(&self.state);
        let next = state.waiting.pop_front();
        state.running = next.is_some();
        next
    }
}

fn run_one(client: &BaseConsumer<Group>, offsets: &[(TopicPartition, i64)]) -> Result<(), Error> {
    let list = offsets::list_with_offsets(offsets)?;
    client.commit(&list, CommitMode::Sync).map_err(|error| Error::from_client("committing offsets", &error))
}
