//! Between the listener and the task: who waits for an acknowledgement, and how much may wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use sluice_api::connector::MemoryShare;
use tokio::sync::{mpsc, oneshot};

/// A request that is to become a record.
pub(super) struct Arrival {
    pub(super) key: Option<String>,
    pub(super) body: Bytes,
    /// Names and texts.
    pub(super) headers: Vec<(String, String)>,
    pub(super) reply: oneshot::Sender<Fate>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Kafka has it.
    Stored { partition: i32, offset: i64 },
    /// A transform or an error policy dropped it: Kafka does not have it.
    Dropped,
}

/// Shared by listener and task.
pub(super) struct Desk {
    arrivals: mpsc::UnboundedSender<Arrival>,
    memory: MemoryShare,
    max_pending: usize,
    pending: AtomicUsize,
    bytes: AtomicUsize,
    closed: AtomicBool,
}

/// Room for one request, given back when it is dropped.
pub(super) struct Room {
    desk: Arc<Desk>,
    bytes: usize,
}

impl Desk {
    /// The desk, and where requests come out. They are at most as many as there is room for.
    pub(super) fn new(memory: MemoryShare, max_pending: usize) -> (Arc<Self>, mpsc::UnboundedReceiver<Arrival>) {
        let (arrivals, at_task) = mpsc::unbounded_channel();
        let (pending, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        (Arc::new(Self { arrivals, memory, max_pending, pending, bytes, closed: AtomicBool::new(false) }), at_task)
    }

    /// Room for a request of up to this many bytes; `None` when too much is waiting already. Alone, a request of any size has room.
    pub(super) fn room(self: &Arc<Self>, bytes: usize) -> Option<Room> {
        let room = Room { desk: self.clone(), bytes };
        let before = self.bytes.fetch_add(bytes, Ordering::SeqCst);
        let pending = self.pending.fetch_add(1, Ordering::SeqCst);
        let most = usize::try_from(self.memory.bytes() / 4).unwrap_or(usize::MAX);
        let fits = pending < self.max_pending && (before == 0 || before + bytes <= most);
        fits.then_some(room)
    }

    /// Hands a request to the task; `None` when it is stopping.
    pub(super) fn hand_over(&self, arrival: Arrival) -> Option<()> {
        if self.closed.load(Ordering::SeqCst) {
            return None;
        }
        self.arrivals.send(arrival).ok()
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Requests that are under way.
    pub(super) fn pending(&self) -> usize {
        self.pending.load(Ordering::SeqCst)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.desk.bytes.fetch_sub(self.bytes, Ordering::SeqCst);
        self.desk.pending.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded_by_count_and_by_memory_and_given_back() {
        let (desk, _at_task) = Desk::new(MemoryShare::new(400), 3);
        let large = desk.room(1_000);
        assert!(large.is_some() && desk.room(1).is_none());
        drop(large);
        let rooms: Vec<_> = (0..3).map(|_| desk.room(30)).collect();
        assert!(rooms.iter().all(Option::is_some) && desk.room(1).is_none());
        drop(rooms);
        assert_eq!((desk.pending(), desk.room(100).is_some()), (0, true));
    }
}
