//! Writes statuses in the background, in order, and retries from this one place.
//!
//! Where Kafka Connect may let an old status overtake a newer one in a retry, the old one is dropped here.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::StatusEntry;
use super::records::StatusKey;
use super::table::{Claim, StatusTable};

const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// Records on their way at a time; more would overflow the producer's queue.
const ROUND: usize = 256;

/// What the store asks of the writer.
pub(super) enum Command {
    /// Write this.
    Write(Write),
    /// Answer when all that was asked before has been acknowledged or has failed once.
    Flush(oneshot::Sender<()>),
}

/// A record to write.
pub(super) struct Write {
    pub(super) key: StatusKey,
    pub(super) value: Option<Bytes>,
    /// For statuses of connectors and tasks; statuses of topics are retried whatever happens.
    pub(super) condition: Option<Condition>,
}

/// What a retry depends on.
pub(super) struct Condition {
    pub(super) status: StatusEntry,
    pub(super) claim: Claim,
    pub(super) safe: bool,
}

/// Why a record was not written.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) retriable: bool,
    pub(super) reason: String,
}

/// Where the records go: the status topic, or a double in tests.
pub(super) trait StatusLog: Send + Sync {
    /// Sends a record at once; the future ends with its acknowledgement.
    fn send(&self, key: Bytes, value: Option<Bytes>) -> Acknowledgement;
}

/// The outcome of a write, some time.
pub(super) type Acknowledgement = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Runs until the store drops its end of `commands`.
pub(super) async fn run(
    log: Arc<dyn StatusLog>,
    table: Arc<Mutex<StatusTable>>,
    mut commands: UnboundedReceiver<Command>,
) {
    let mut retries: Vec<Write> = Vec::new();
    let mut received = Vec::new();
    loop {
        if !receive(&mut commands, &mut received, !retries.is_empty()).await {
            return;
        }
        let mut writes = std::mem::take(&mut retries);
        writes.retain(|write| write.may_be_retried(&table));
        let mut flushes = Vec::new();
        for command in received.drain(..) {
            match command {
                Command::Write(write) => writes.push(write),
                Command::Flush(done) => flushes.push(done),
            }
        }
        retries = write_round(&*log, writes).await;
        for done in flushes {
            // Whoever asked may have stopped waiting.
            done.send(()).ok();
        }
    }
}

/// Waits for commands, or for the time of the next retry; `false` when there will be none any more.
async fn receive(commands: &mut UnboundedReceiver<Command>, received: &mut Vec<Command>, has_retries: bool) -> bool {
    if has_retries {
        tokio::time::sleep(RETRY_PAUSE).await;
        while received.len() < ROUND
            && let Ok(command) = commands.try_recv()
        {
            received.push(command);
        }
        return !(received.is_empty() && commands.is_closed());
    }
    commands.recv_many(received, ROUND).await > 0
}

/// Sends all, then waits for all; gives back what shall be tried again.
async fn write_round(log: &dyn StatusLog, writes: Vec<Write>) -> Vec<Write> {
    let send = |write: &Write| log.send(Bytes::from(write.key.to_text()), write.value.clone());
    let sent: Vec<_> = writes.iter().map(send).collect();
    let mut failed = Vec::new();
    for (index, acknowledged) in sent.into_iter().enumerate() {
        match acknowledged.await {
            Ok(()) => {}
            Err(failure) if failure.retriable => failed.push(index),
            Err(failure) => {
                let key = writes[index].key.to_text();
                tracing::error!(key, error = failure.reason, "failed to write status update");
            }
        }
    }
    if failed.is_empty() { Vec::new() } else { still_wanted(writes, &failed) }
}

/// The failed writes without those that a later one of the round overtook.
fn still_wanted(writes: Vec<Write>, failed: &[usize]) -> Vec<Write> {
    let mut newer = HashSet::new();
    let mut wanted = Vec::new();
    for (index, write) in writes.into_iter().enumerate().rev() {
        let is_last = newer.insert(write.key.clone());
        if is_last && failed.contains(&index) {
            wanted.push(write);
        }
    }
    wanted.reverse();
    wanted
}

impl Write {
    fn may_be_retried(&self, table: &Mutex<StatusTable>) -> bool {
        let Some(Condition { status, claim, safe }) = &self.condition else { return true };
        table.lock().unwrap_or_else(PoisonError::into_inner).may_retry(&self.key, status, *claim, *safe)
    }
}

#[cfg(test)]
mod tests;
