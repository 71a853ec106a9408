//! Leaving the group on behalf of a task that hangs.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::rebalance::Group;

/// The group forgets a member that does not poll after `max.poll.interval.ms` anyway; this is its default.
const PATIENCE: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(100);
/// An assignment that waits to be answered has to be, before the client can give it back.
const SETTLE: Duration = Duration::from_millis(300);

/// Takes a consumer out of its group from outside of the thread that owns it.
///
/// While that thread hangs, the client goes on sending heartbeats, and the group would wait `max.poll.interval.ms` (five minutes)
/// before it gave the partitions to the task's successor. Does not keep the consumer alive.
#[derive(Clone)]
pub struct Departure(pub(super) Weak<BaseConsumer<Group>>);

impl std::fmt::Debug for Departure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Departure").finish_non_exhaustive()
    }
}

impl Departure {
    /// Begins to leave, without a commit, and returns at once. The owner may still call the consumer, but gets nothing any more.
    pub fn begin(&self) {
        let Some(client) = self.0.upgrade() else { return };
        let left = std::thread::Builder::new().name("leave-group".to_owned()).spawn(move || leave(&client));
        if let Err(error) = left {
            tracing::warn!(%error, "cannot leave the group of a task that hangs; it will notice by itself");
        }
    }
}

/// Stays until the owner is gone: a join that was on its way may end in an assignment much later.
fn leave(client: &Arc<BaseConsumer<Group>>) {
    // Rebalances are answered by whoever polls, which is this thread now.
    client.context().begin_leaving();
    let began = Instant::now();
    let mut unsubscribed = false;
    while began.elapsed() < PATIENCE && Arc::strong_count(client) > 1 {
        // Records that were fetched belong to nobody any more.
        drop(client.poll(POLL));
        let assigned = client.assignment().map_or(0, |assigned| assigned.count());
        if assigned > 0 || (!unsubscribed && began.elapsed() >= SETTLE) {
            client.unsubscribe();
            unsubscribed = true;
        }
    }
}
