//! The runtime of a thread that serves one connector or one task: a worker may have hundreds of them.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Each takes twelve bytes of a buffer for as long as the thread lives. More sockets than that are served all the same, in more turns.
const EVENTS_PER_TURN: usize = 64;

pub(crate) fn small_runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().max_io_events_per_tick(EVENTS_PER_TURN).build()
}
