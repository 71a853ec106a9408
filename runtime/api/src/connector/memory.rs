//! A task's share of the worker's memory budget (`sluice.memory.budget`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes that a task may hold at once in buffers of its own. The worker changes it when tasks come and go.
#[derive(Clone, Debug)]
pub struct MemoryShare(Arc<AtomicU64>);

impl MemoryShare {
    /// A share of `bytes`.
    pub fn new(bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(bytes)))
    }

    /// The bytes as of now.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the bytes; called by the worker alone.
    pub fn set_bytes(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}
